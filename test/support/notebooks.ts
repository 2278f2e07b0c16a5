// Notebooks as files: written for a test, and read for what their cells gave.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The notebooks of the examples: `darts.ipynb`, `darts-python.ipynb`. */
export const EXAMPLE_NOTEBOOKS: string = fileURLToPath(new URL("../../examples/notebooks/", import.meta.url));

interface Output {
  readonly text?: string | readonly string[];
}

interface ReadCell {
  readonly cell_type: string;
  readonly outputs?: readonly Output[];
}

/** Writes a notebook of TypeScript with these cells. */
export function writeNotebook(path: string, ...cells: readonly string[]): string {
  const notebook = {
    cells: cells.map((source, index) => ({ cell_type: "code", execution_count: null, id: `cell-${index}`, metadata: {}, outputs: [], source })),
    metadata: { kernelspec: { name: "typescript", display_name: "TypeScript (tsparallel)", language: "typescript" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  writeFileSync(path, JSON.stringify(notebook));
  return path;
}

/** What each code cell wrote. */
export function outputsOf(path: string): string[] {
  const { cells } = JSON.parse(readFileSync(path, "utf8")) as { readonly cells: readonly ReadCell[] };
  return cells.filter(({ cell_type: type }) => type === "code").map(({ outputs = [] }) => outputs.map(({ text = "" }) => [text].flat().join("")).join(""));
}
