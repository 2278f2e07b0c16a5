// A notebook as text, the way Jupyter writes it: indented by one space, long texts in lines, a newline at the end. Keys keep
// the order in which they were found. It comes in pieces, for all of it may be longer than one text can be; those of cells
// that have not changed are remembered, since it is written after each cell.

import { linesOf, type Cell, type Fields, type Notebook } from "./notebook.ts";
import { writeWritten } from "./written-json.ts";

/** Texts other than `text/…` that stand in lines. */
const IN_LINES: ReadonlySet<string> = new Set(["application/javascript", "image/svg+xml"]);

/** Writes one notebook again and again. */
export class NotebookWriter {
  readonly #notebook: Notebook;
  readonly #cells = new WeakMap<Cell, string>();

  constructor(notebook: Notebook) {
    this.#notebook = notebook;
  }

  /** Has a cell written anew, for it has changed. */
  touch(cell: Cell): void {
    this.#cells.delete(cell);
  }

  /** The notebook's text as it is now, in pieces. */
  pieces(): string[] {
    const pieces: string[] = [];
    const entries = Object.entries(this.#notebook);
    for (const [index, [key, value]] of entries.entries()) {
      pieces.push(`${index === 0 ? "{" : ","}\n ${JSON.stringify(key)}: `);
      if (key === "cells") this.#writeCells(pieces);
      else pieces.push(writeWritten(value, 1));
    }
    pieces.push("\n}\n");
    return pieces;
  }

  #writeCells(pieces: string[]): void {
    const { cells } = this.#notebook;
    if (cells.length === 0) pieces.push("[]");
    for (const [index, cell] of cells.entries()) pieces.push(index === 0 ? "[\n  " : ",\n  ", this.#textOf(cell));
    if (cells.length > 0) pieces.push("\n ]");
  }

  #textOf(cell: Cell): string {
    const known = this.#cells.get(cell);
    if (known !== undefined) return known;
    const text = writeWritten(cell, 2);
    this.#cells.set(cell, text);
    return text;
  }
}

/** A MIME bundle as it stands in a file: texts in lines. */
export function bundleInLines(bundle: Readonly<Fields>): Fields {
  return Object.fromEntries(
    Object.entries(bundle).map(([mime, value]) => {
      if (typeof value === "string") return [mime, mime.startsWith("text/") || IN_LINES.has(mime) ? linesOf(value) : value];
      // Only JSON may be something else than a text.
      const isJson = /^application\/(?:.*\+)?json$/.test(mime);
      const isText = Array.isArray(value) && value.every((line) => typeof line === "string");
      return [mime, isJson || isText ? value : linesOf(JSON.stringify(value) ?? "")];
    }),
  );
}
