import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JobLineReader, LINE_BYTES_MAX, type JobLine } from "../../../src/bakapara/index.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function readAll(...chunks: readonly Uint8Array[]): JobLine[] {
  const reader = new JobLineReader();
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
}

const cmds = (lines: readonly JobLine[]): unknown[] =>
  lines.map((line) => (line.type === "job" ? `${line.lineNumber}:${line.job.cmd}` : `${line.lineNumber}!`));

describe("JobLineReader", () => {
  it("reads lines with LF, CRLF and none at the end, and skips blank ones", () => {
    expect(cmds(readAll(bytes('{"cmd":"a"}\n{"cmd":"b"}\r\n\n \t\r\n{"cmd":"c"}')))).toEqual(["1:a", "2:b", "5:c"]);
  });

  it("skips a byte order mark at the beginning, and only there", () => {
    expect(cmds(readAll(bytes('\uFEFF{"cmd":"a"}\n\uFEFF{"cmd":"b"}\n')))).toEqual(["1:a", "2!"]);
  });

  it("an empty input has no lines", () => {
    expect(readAll()).toEqual([]);
    expect(readAll(bytes("\n\n"))).toEqual([]);
  });

  it("a line that is no JSON is told with its number and beginning, and the others are read", () => {
    const [first, second, third] = readAll(bytes(`{"cmd":"a"}\n{"cmd": ${"x".repeat(500)}\n{"cmd":"c"}\n`));
    expect([first?.type, third?.type]).toEqual(["job", "job"]);
    expect(second).toMatchObject({ type: "bad", lineNumber: 2, echo: { line: 2 } });
    expect(second?.type === "bad" && second.error).toMatch(/^line 2: not JSON: /);
    expect(second?.type === "bad" && second.echo["text"]).toHaveLength(200);
  });

  it("an object that is no job is echoed whole", () => {
    expect(readAll(bytes('{"cmdd":"a","id":9}\n'))).toEqual([
      { type: "bad", lineNumber: 1, error: "line 1: `cmd` is missing", echo: { cmdd: "a", id: 9, line: 1 }, sizeBytes: 19 },
    ]);
  });

  it("bytes that are no UTF-8 are an error, not a changed command", () => {
    const [line] = readAll(Uint8Array.from([...bytes('{"cmd":"a'), 0xff, 0xfe, ...bytes('"}\n')]));
    expect(line).toMatchObject({ type: "bad", error: "line 1: not UTF-8" });
  });

  it("a character that is cut by a chunk's end stays whole", () => {
    const whole = bytes('{"cmd":"äß漢"}\n');
    expect(cmds(readAll(...[...whole].map((byte) => Uint8Array.of(byte))))).toEqual(["1:äß漢"]);
  });

  it("a line of the longest length is read; a longer one is told and costs no memory", () => {
    const fitting = `{"cmd":"${"x".repeat(LINE_BYTES_MAX - 10)}"}`;
    expect(bytes(fitting).length).toBe(LINE_BYTES_MAX);
    expect(readAll(bytes(`${fitting}\r\n`))[0]?.type).toBe("job");
    expect(readAll(bytes(`${fitting} \n{"cmd":"b"}`))).toMatchObject([{ type: "bad", error: `line 1: longer than ${LINE_BYTES_MAX} bytes` }, { type: "job" }]);
    const reader = new JobLineReader();
    const chunk = new Uint8Array(1024 * 1024).fill(120);
    for (let i = 0; i < 50; i += 1) expect(reader.push(chunk)).toEqual([]);
    expect(cmds(reader.push(bytes('\n{"cmd":"next"}\n')))).toEqual(["1!", "2:next"]);
  });

  it("how the bytes are cut into chunks makes no difference", () => {
    const line = fc.oneof(
      fc.json(),
      fc.string({ unit: "binary" }),
      fc.record({ cmd: fc.string({ unit: "grapheme" }) }).map((job) => JSON.stringify(job)),
      fc.constant(""),
    );
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom("\n", "\r\n"), fc.array(fc.nat(60)), (lines, end, cuts) => {
        const whole = bytes(lines.join(end));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) chunks.push(whole.subarray(at, (at += cut)));
        expect(readAll(...chunks, whole.subarray(at))).toEqual(readAll(whole));
      }),
    );
  });

  it("any bytes give at most one line each line end, with rising numbers, and never an exception", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
        const lines = readAll(...chunks);
        const ends = chunks.reduce((sum, chunk) => sum + chunk.filter((byte) => byte === 10).length, 0);
        expect(lines.length).toBeLessThanOrEqual(ends + 1);
        for (const [i, line] of lines.entries()) expect(line.lineNumber).toBeGreaterThan(lines[i - 1]?.lineNumber ?? 0);
      }),
      { numRuns: 300 },
    );
  });

  it("every job that was written is read, in order", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ cmd: fc.string({ unit: "grapheme" }), id: fc.integer() })), (jobs) => {
        const lines = readAll(bytes(jobs.map((job) => `${JSON.stringify(job)}\n`).join("")));
        expect(lines.map((line) => line.type === "job" && line.job)).toEqual(jobs);
      }),
    );
  });
});
