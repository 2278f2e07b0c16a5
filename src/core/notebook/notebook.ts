// A notebook as data: format 4 of Jupyter, read defensively. What is not known here is kept as it was found, in its place; only
// what a run of its cells changes is changed.

import { InvalidArgumentError } from "../../base/index.ts";
import { isDict } from "../../wire/index.ts";
import { parseWritten, WrittenNumber } from "./written-json.ts";

/** A dictionary that a run changes. */
export type Fields = Record<string, unknown>;

/** A text as notebooks have it: whole, or in lines that keep their ends. */
export type Lines = string | readonly string[];

/** A cell. Code cells have `outputs` and `execution_count` besides. */
export interface Cell extends Fields {
  cell_type: string;
  metadata: Fields;
  source: Lines;
}

/** A notebook. */
export interface Notebook extends Fields {
  nbformat: 4;
  nbformat_minor: number;
  metadata: Fields;
  cells: Cell[];
}

/** What refuses a notebook: a sentence's rest that begins with the file. */
const refuse = (what: string, cause?: unknown): never => {
  throw new InvalidArgumentError(what, { cause });
};

/**
 * Reads a notebook.
 *
 * @throws InvalidArgumentError whose message continues a sentence that begins with the file's name
 */
export function parseNotebook(text: string): Notebook {
  let value: unknown;
  try {
    value = parseWritten(text);
  } catch (cause) {
    refuse(`is not JSON: ${placeOf(text, cause)}`, cause);
  }
  if (!isDict(value)) return refuse("is no notebook: it is JSON, but not an object");
  const { metadata = {}, cells } = value;
  const [nbformat, minor] = [numberOf(value["nbformat"]), numberOf(value["nbformat_minor"])];
  if (typeof nbformat !== "number") return refuse("is no notebook: it has no nbformat");
  if (nbformat < 4) refuse(`is a notebook of format ${nbformat}; convert it with \`jupyter nbconvert --to notebook --nbformat 4\``);
  if (nbformat !== 4) refuse(`is a notebook of format ${nbformat}; format 4 is understood`);
  if (minor !== undefined && !(Number.isSafeInteger(minor) && (minor as number) >= 0)) refuse("is a damaged notebook: nbformat_minor must be a whole number");
  if (!isDict(metadata)) return refuse("is a damaged notebook: its metadata are not an object");
  if (!Array.isArray(cells)) return refuse("is a damaged notebook: it has no list of cells");
  const notebook = { ...value, nbformat: 4, nbformat_minor: minor ?? 0, metadata } as Notebook;
  notebook.cells = cells.map((cell, index) => readCell(cell, `is a damaged notebook: cell ${index + 1} of all`));
  return notebook;
}

const numberOf = (value: unknown): unknown => (value instanceof WrittenNumber ? value.valueOf() : value);

function readCell(value: unknown, where: string): Cell {
  if (!isDict(value)) return refuse(`${where} is not an object`);
  const { cell_type: type, metadata = {}, source = "", outputs } = value;
  if (typeof type !== "string") return refuse(`${where} has no cell_type`);
  if (!isLines(source)) return refuse(`${where} has a source that is no text`);
  if (!isDict(metadata)) return refuse(`${where} has metadata that are not an object`);
  if (type === "code" && outputs !== undefined && !(Array.isArray(outputs) && outputs.every(isDict)))
    refuse(`${where} has outputs that are no list of objects`);
  return { ...value, cell_type: type, metadata: { ...metadata }, source };
}

const isLines = (value: unknown): value is Lines => typeof value === "string" || (Array.isArray(value) && value.every((line) => typeof line === "string"));

/** Where JSON breaks, as far as the platform says: its position becomes a line and a column. */
function placeOf(text: string, cause: unknown): string {
  const words = cause instanceof Error ? cause.message : String(cause);
  const position = Number(/ at position (\d+)/.exec(words)?.[1] ?? Number.NaN);
  if (Number.isNaN(position)) return text.trim() === "" ? "it is empty" : words.slice(0, 200);
  const before = text.slice(0, position).split("\n");
  return `${words.replace(/ in JSON at position.*$/s, "").slice(0, 200)}, at line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}

/** A text that may stand in lines. */
export function textOf(lines: Lines): string {
  return typeof lines === "string" ? lines : lines.join("");
}

/** A text in lines, as it stands in files. */
export function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

/** Tags of a cell. */
export function tagsOf(cell: Cell): readonly string[] {
  const { tags } = cell.metadata;
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === "string") : [];
}

/** Whether a cell is run by a kernel. */
export const isCode = (cell: Cell): boolean => cell.cell_type === "code";

/** The kernel that a notebook names; `undefined` when it names none. */
export function kernelNameOf({ metadata: { kernelspec } }: Notebook): string | undefined {
  const name = isDict(kernelspec) ? kernelspec["name"] : undefined;
  return typeof name === "string" && name !== "" ? name : undefined;
}

/** Gives every cell an id where the format wants one. */
export function addCellIds(notebook: Notebook, newId: () => string): void {
  if (notebook.nbformat_minor < 5) return;
  for (const cell of notebook.cells) cell["id"] ??= newId();
}
