// Magics in the text of a cell: lines that begin with `%name`, or a whole cell under `%%name`. They become calls, so that what
// compiles cells need not know of them. Lines keep their numbers.

import { InvalidArgumentError } from "../base/index.ts";
import { suggest } from "../config/index.ts";

/** A magic as it was written. */
export interface MagicCall {
  readonly name: string;
  /** Behind the name, as written. */
  readonly line: string;
  /** The rest of the cell, of a `%%name`. */
  readonly body?: string;
}

/** What the magics are. */
export interface MagicTable {
  /** Names that a line may begin with. */
  readonly lineNames: ReadonlySet<string>;
  /** Names that a cell may begin with. */
  readonly cellNames: ReadonlySet<string>;
  /** Whether the cell is to run here as well, after the magic. */
  runsHere(call: MagicCall): boolean;
  /** The call as an expression of the cell's language. */
  expressionOf(call: MagicCall): string;
}

const CELL = /^%%(\w+)[^\S\n]*(.*)$/;
const LINE = /^\s*%(\w+)(?:[^\S\n]+(.*))?$/;

/**
 * The cell with its magics as calls.
 *
 * @throws InvalidArgumentError when it begins with `%` or `%%` and a name that is no magic's
 */
export function expandMagics(code: string, table: MagicTable): string {
  const lines = code.split("\n");
  const first = lines.findIndex((line) => line.trim() !== "");
  const cell = CELL.exec(lines[first]?.trim() ?? "");
  if (cell === null) {
    // No program begins with a percent sign; further down one may be an operator.
    const [, begun] = LINE.exec(lines[first] ?? "") ?? [];
    if (begun !== undefined && !table.lineNames.has(begun)) throw unknownMagic("%", begun, table.lineNames);
    return lines.map((line) => expandLine(line, table)).join("\n");
  }
  const [, name = "", rest = ""] = cell;
  if (!table.cellNames.has(name)) throw unknownMagic("%%", name, table.cellNames);
  const body = lines.slice(first + 1).join("\n");
  const call = { name, line: rest.trim(), body };
  const blank = "\n".repeat(first);
  const expression = `${blank}await ${table.expressionOf(call)};`;
  return table.runsHere(call) ? `${expression}\n${body}` : expression;
}

/** What of a cell is code of its own that runs here: the rest is blank, and lines keep their numbers. */
export function ownText(code: string, table: MagicTable): string {
  const lines = code.split("\n");
  const first = lines.findIndex((line) => line.trim() !== "");
  const [isCell, name = "", rest = ""] = CELL.exec(lines[first]?.trim() ?? "") ?? [];
  if (isCell === undefined) return lines.map((line) => (isMagic(line, table) ? "" : line)).join("\n");
  const body = lines.slice(first + 1);
  return table.runsHere({ name, line: rest.trim(), body: body.join("\n") }) ? [...Array<string>(first + 1).fill(""), ...body].join("\n") : "";
}

function isMagic(text: string, { lineNames }: MagicTable): boolean {
  return lineNames.has(LINE.exec(text)?.[1] ?? "");
}

function expandLine(text: string, table: MagicTable): string {
  const [, name, line = ""] = LINE.exec(text) ?? [];
  return name === undefined || !table.lineNames.has(name) ? text : `await ${table.expressionOf({ name, line: line.trim() })};`;
}

function unknownMagic(sign: "%" | "%%", name: string, names: ReadonlySet<string>): InvalidArgumentError {
  const near = suggest(name, [...names]);
  const known = [...names].map((one) => `${sign}${one}`).join(", ");
  return new InvalidArgumentError(`there is no magic ${sign}${name}; ${near === undefined ? `there are ${known}` : `did you mean ${sign}${near}?`}`);
}
