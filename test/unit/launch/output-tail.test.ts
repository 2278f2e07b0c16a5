import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lastSentence, outputTail, tailLines } from "../../../src/launch/index.ts";

describe("the last words of a program", () => {
  it.each([
    [["a", "ipcontroller: cannot listen on tcp://127.0.0.1:80: not permitted"], "cannot listen on tcp://127.0.0.1:80: not permitted"],
    [["2026-11-21 09:48:04,307 ERROR controller: the store is corrupt"], "the store is corrupt"],
    [["2026-11-21 09:48:04,307 scheduler.task: ended"], "ended"],
    [["Error [ERR_MODULE_NOT_FOUND]: Cannot find module 'x'", "    at y", "Node.js v20.20.2"], "Error [ERR_MODULE_NOT_FOUND]: Cannot find module 'x'"],
    [["TypeError: x is not a function", "    at y", "Node.js v22.1.0"], "TypeError: x is not a function"],
    [["Traceback", "KeyError: 'x'"], "KeyError: 'x'"],
    [["Node.js v20.20.2"], "Node.js v20.20.2"],
  ])("of %j are %j", (lines, sentence) => {
    expect(lastSentence(lines)).toBe(sentence);
  });

  it("of a silent one are none", () => {
    expect(lastSentence([])).toBeUndefined();
  });
});

it("the tail of a text is its last twenty lines that are not blank", () => {
  expect(tailLines("a\r\n\n  \nb  \n")).toEqual(["a", "b"]);
  expect(tailLines(Array.from({ length: 50 }, (_, i) => `line ${i}`).join("\n"))).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i + 30}`));
});

describe("the tail of a log file", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "tsparallel-test-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("starts where the process began to write, and is bounded", () => {
    const file = join(dir, "x.log");
    writeFileSync(file, `before\n${"x".repeat(100_000)}\nlast\n`);
    expect(outputTail(file, 7).at(-1)).toBe("last");
    expect(outputTail(file).join("").length).toBeLessThan(20_000);
    writeFileSync(file, "before\nafter\n");
    expect(outputTail(file, 7)).toEqual(["after"]);
    expect(outputTail(file, 100)).toEqual([]);
  });

  it("that is not there is empty", () => {
    expect(outputTail(join(dir, "none"))).toEqual([]);
  });
});
