// What the compiler printed, as data, and how it is shown beside the cell's line.

import type { CellPlace } from "./session-program.ts";

/** One complaint of the compiler. */
export interface Diagnostic {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** `TS2322` */
  readonly code: string;
  /** Further lines are indented. */
  readonly message: string;
}

/** What the compiler said. */
export interface CompilerReport {
  readonly diagnostics: readonly Diagnostic[];
  /** What it said of no file: of its options, or of itself. */
  readonly troubles: readonly string[];
}

/** Columns of a long line that are shown before and behind the place. */
const AROUND_CHARS = 100;
const PLACED = /^(.+?)\((\d+),(\d+)\): error (TS\d+): (.*)$/;
const UNPLACED = /^error (TS\d+: .*)$/;

/** Reads what `tsc --pretty false` prints. */
export function readReport(output: string): CompilerReport {
  const diagnostics: { file: string; line: number; column: number; code: string; message: string }[] = [];
  const troubles: string[] = [];
  let last: { message: string } | undefined;
  for (const text of output.split(/\r?\n/)) {
    const [, file = "", line, column, code = "", message = ""] = PLACED.exec(text) ?? [];
    const [, trouble] = UNPLACED.exec(text) ?? [];
    if (file !== "") {
      const found = { file, line: Number(line), column: Number(column), code, message };
      diagnostics.push(found);
      last = found;
    } else if (trouble !== undefined) {
      troubles.push(trouble);
      last = undefined;
    } else if (last !== undefined && /^\s+\S/.test(text)) {
      last.message += `\n${text}`;
    }
  }
  return { diagnostics, troubles };
}

/** A complaint with its place, the line it is about, and a mark under the column. */
export function shownDiagnostic({ cell, line, column }: CellPlace, { code, message }: Pick<Diagnostic, "code" | "message">, source: string): string {
  const text = (source.split("\n")[line - 1] ?? "").replace(/\r$/, "");
  const from = Math.max(0, column - 1 - AROUND_CHARS);
  const cut = text.slice(from, column - 1 + AROUND_CHARS);
  const lead = from > 0 ? "…" : "";
  const shown = `${lead}${cut}${column - 1 + AROUND_CHARS < text.length ? "…" : ""}`;
  // Tabs stay tabs, so that the mark stands under its column however wide they are.
  const gap = `${lead}${cut.slice(0, column - 1 - from)}`.replaceAll(/[^\t]/g, " ");
  return `cell [${cell}]:${line}:${column} ${code}: ${message}\n    ${shown}\n    ${gap}^\n`;
}
