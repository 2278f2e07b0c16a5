import { stripVTControlCharacters } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { NotebookReport } from "../../../src/cli/notebook-report.ts";
import type { Cell } from "../../../src/core/notebook/index.ts";

afterEach(() => vi.restoreAllMocks());

/** What is told of a cell that failed. */
function told(number: number, count: number): string {
  const written: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
  const cell: Cell = { cell_type: "code", execution_count: count, metadata: {}, source: ["f()\n", "g()"] };
  using report = new NotebookReport(4, false);
  report.failure(cell, { number, ename: "Error", evalue: "no", traceback: ["Error: no", `    at cell [${count}]:1:1`] });
  return stripVTControlCharacters(written.join("")).replaceAll("\r", "");
}

describe("a report of a cell that failed", () => {
  it("names it by its number, shows it, and its error", () => {
    expect(told(3, 3)).toBe("cell 3 of 4:\n  | f()\n  | g()\nError: no\n    at cell [3]:1:1\n");
  });

  it("says which number stacks give it, where the kernel counts otherwise", () => {
    expect(told(3, 1)).toBe("cell 3 of 4, cell [1] in stacks:\n  | f()\n  | g()\nError: no\n    at cell [1]:1:1\n");
  });
});
