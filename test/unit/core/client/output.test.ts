import { describe, expect, it } from "vitest";
import { applyOutput, overwriteLines, STREAM_CHARS_MAX } from "../../../../src/core/client/index.ts";
import { message, request } from "./builders.ts";

const stream = (name: string, text: unknown) => message("stream", "A", { name, text });

describe("output", () => {
  it("of streams is appended by name", () => {
    const record = request("A");
    expect(applyOutput(record, stream("stdout", "a\n"))).toBe("stdout");
    expect(applyOutput(record, stream("stderr", "e"))).toBe("stderr");
    expect(applyOutput(record, stream("stdout", "b"))).toBe("stdout");
    expect(record.output).toMatchObject({ stdout: "a\nb", stderr: "e" });
  });

  it("that makes no sense is dropped", () => {
    const record = request("A");
    expect(applyOutput(record, stream("stdin", "a"))).toBe("nothing");
    expect(applyOutput(record, stream("stdout", 7))).toBe("nothing");
    expect(applyOutput(record, message("comm_open", "A"))).toBe("nothing");
  });

  it("keeps displays, the value, the input and the error", () => {
    const record = request("A");
    applyOutput(record, message("display_data", "A", { data: { "text/plain": "x" }, metadata: {} }));
    applyOutput(record, message("execute_result", "A", { data: { "text/plain": "5" }, execution_count: 3 }));
    applyOutput(record, message("execute_input", "A", { code: "2+3", execution_count: 3 }));
    applyOutput(record, message("error", "A", { ename: "E", evalue: "v", traceback: ["t"] }));
    expect(record.output).toMatchObject({
      outputs: [{ data: { "text/plain": "x" }, metadata: {} }],
      executeResult: { data: { "text/plain": "5" }, metadata: {}, executionCount: 3 },
      executeInput: "2+3",
      error: { ename: "E", evalue: "v", traceback: ["t"] },
    });
  });

  it("of an endless printer is cut, and says so", () => {
    const record = request("A");
    const chunk = "x".repeat(STREAM_CHARS_MAX - 1);
    applyOutput(record, stream("stdout", chunk));
    applyOutput(record, stream("stdout", "yyy"));
    expect(applyOutput(record, stream("stdout", "z"))).toBe("nothing");
    expect(record.output?.stdout.slice(STREAM_CHARS_MAX - 1)).toBe("y\n[output cut here: more than the client keeps]\n");
  });
});

describe("a carriage return", () => {
  it.each([
    ["10%", "\r20%", "20%"],
    ["a\n10%", "\r9%\n", "a\n9%%\n"],
    ["", "abc\rX\n", "Xbc\n"],
    ["a", "b\r\nc", "ab\nc"],
    ["", "half\r", "half\r"],
    ["half\r", "full", "full"],
  ])("%j then %j shows %j", (before, text, shown) => {
    expect(overwriteLines(before, text)).toBe(shown);
  });
});
