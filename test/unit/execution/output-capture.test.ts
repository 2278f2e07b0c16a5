import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CapturedStream, OutputCapture } from "../../../src/execution/output-capture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function capture(options: ConstructorParameters<typeof OutputCapture>[1] = {}): { readonly output: OutputCapture; readonly sent: string[] } {
  const sent: string[] = [];
  return { output: new OutputCapture((name, text) => sent.push(`${name}:${text}`), options), sent };
}

describe("lines that are to be seen at once", () => {
  it("leave as they are written, so many in a row, and as many again for the next request", () => {
    const published: string[] = [];
    const output = new OutputCapture((_, text) => published.push(text), { promptLines: 2 });
    output.endRequest();
    for (const text of ["a\n", "b", "\n", "c\n"]) output.write("stdout", text);
    expect(published).toEqual(["a\n", "b\n"]);
    output.endRequest();
    output.write("stdout", "d\n");
    expect(published).toEqual(["a\n", "b\n", "c\n", "d\n"]);
    output.endRequest();
  });
});

describe("captured output", () => {
  it("is joined until it is flushed", () => {
    const { output, sent } = capture();
    output.write("stdout", "a");
    output.write("stdout", "b");
    expect(sent).toEqual([]);
    output.flush();
    output.flush();
    expect(sent).toEqual(["stdout:ab"]);
  });

  it("keeps the order of the two streams", () => {
    const { output, sent } = capture();
    output.write("stdout", "1");
    output.write("stderr", "2");
    output.write("stderr", "3");
    output.write("stdout", "4");
    output.endRequest();
    expect(sent).toEqual(["stdout:1", "stderr:23", "stdout:4"]);
  });

  it("leaves after its time, by the timer or by the next write when the loop does not turn", () => {
    const { output, sent } = capture({ flushMs: 50 });
    output.write("stdout", "timer");
    vi.advanceTimersByTime(50);
    expect(sent).toEqual(["stdout:timer"]);
    output.write("stdout", "x");
    vi.setSystemTime(Date.now() + 1000);
    vi.advanceTimersByTime(0);
    const later = performance.now() + 51;
    vi.spyOn(performance, "now").mockReturnValue(later);
    output.write("stdout", "y");
    expect(sent).toEqual(["stdout:timer", "stdout:xy"]);
  });

  it("leaves when it is long", () => {
    const { output, sent } = capture({ flushLength: 4 });
    output.write("stdout", "abc");
    output.write("stdout", "de");
    expect(sent).toEqual(["stdout:abcde"]);
  });

  it("of one request is bounded; the rest is counted and told, and the next request starts afresh", () => {
    const { output, sent } = capture({ flushLength: 1, requestLengthMax: 5 });
    for (const text of ["abc", "def", "ghi"]) output.write("stdout", text);
    output.endRequest();
    output.write("stdout", "next");
    output.endRequest();
    expect(sent).toEqual(["stdout:abc", "stdout:de", "stderr:[4 more characters of output were dropped: a request may publish 5]\n", "stdout:next"]);
  });
});

describe("the stream in place of stdout", () => {
  it("takes text and bytes at once, also a character cut in two", () => {
    const taken: string[] = [];
    const stream = new CapturedStream(1, (text) => taken.push(text));
    const bytes = Buffer.from("é");
    stream.write("a");
    stream.write(bytes.subarray(0, 1));
    stream.write(bytes.subarray(1));
    expect(taken.join("")).toBe("aé");
    expect([stream.fd, stream.isTTY]).toEqual([1, false]);
  });

  it("takes the writes after one that was broken off", () => {
    const taken: string[] = [];
    let isBroken = true;
    const stream = new CapturedStream(1, (text) => {
      if (isBroken) throw new Error("cut");
      taken.push(text);
    });
    expect(() => stream.write("a")).toThrow("cut");
    isBroken = false;
    stream.write("b");
    expect(taken).toEqual(["b"]);
  });

  it("heeds the encoding, tells the end of each write and goes on after `end`", async () => {
    vi.useRealTimers();
    const taken: string[] = [];
    const stream = new CapturedStream(1, (text) => taken.push(text));
    const ends: unknown[] = [];
    stream.write("YQ==", "base64");
    await new Promise<void>((resolve) => {
      stream.write("b", (error) => {
        ends.push(error);
        resolve();
      });
    });
    await new Promise<void>((resolve) => {
      stream.end("c", resolve);
    });
    stream.write("d");
    expect(taken.join("")).toBe("abcd");
    expect(ends).toEqual([null]);
  });
});
