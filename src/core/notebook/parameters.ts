// Parameters of a notebook, as papermill has them: a cell tagged `parameters` holds the defaults, and a cell tagged
// `injected-parameters` behind it, made or replaced here, sets the values of this run.

import { InvalidArgumentError } from "../../base/index.ts";
import { isCode, linesOf, tagsOf, textOf, type Cell, type Notebook } from "./notebook.ts";
import { parseWritten, WrittenNumber } from "./written-json.ts";

/** Tag of the cell with the defaults. */
export const PARAMETERS_TAG = "parameters";
/** Tag of the cell with this run's values. */
export const INJECTED_TAG = "injected-parameters";

/** A parameter: its value, and the value's text as it was given. */
export interface Parameter {
  readonly name: string;
  readonly value: unknown;
  readonly text: string;
}

const NAME = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Reads `name=value`. A value that is JSON means what JSON means; any other is a text.
 *
 * @throws InvalidArgumentError when there is no `=`, or the name cannot be one
 */
export function parseParameter(assignment: string): Parameter {
  const at = assignment.indexOf("=");
  if (at < 0) throw new InvalidArgumentError(`"${assignment}" sets nothing; write name=value`);
  const [name, text] = [assignment.slice(0, at).trim(), assignment.slice(at + 1)];
  if (!NAME.test(name)) throw new InvalidArgumentError(`"${name}" cannot be a parameter's name; use letters, digits and underscores`);
  try {
    return { name, value: parseWritten(text), text: text.trim() };
  } catch {
    return { name, value: text, text }; // Whatever is not JSON is a text.
  }
}

/**
 * Code that sets parameters.
 *
 * @throws InvalidArgumentError for a language in which this cannot be written
 */
export function parametersCode(parameters: readonly Parameter[], language: string): string {
  const name = language.toLowerCase();
  if (name === "typescript" || name === "javascript") return lines("//", parameters, (one) => `let ${one.name} = ${literal(one, JSON.stringify)};`);
  if (name === "python") return lines("#", parameters, (one) => `${one.name} = ${literal(one, pythonLiteral)}`);
  throw new InvalidArgumentError(`parameters can be set in TypeScript, JavaScript and Python, and this notebook's kernel speaks ${language}`);
}

const lines = (comment: string, parameters: readonly Parameter[], write: (parameter: Parameter) => string): string =>
  [`${comment} Parameters`, ...parameters.map(write)].join("\n");

/** A number stays as it was written: it may have more digits than fit into one of ours. */
const literal = ({ value, text }: Parameter, write: (value: unknown) => string): string => (NUMBER.test(text) ? text : write(value));

function pythonLiteral(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  if (value instanceof WrittenNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${pythonLiteral(item)}`)
    .join(", ")}}`;
}

/**
 * What is strange about parameters, as a sentence: those that the cell with the defaults does not name are misspelt more often than not.
 *
 * @returns `undefined` when nothing is
 */
export function strangeParameters(notebook: Notebook, parameters: readonly Parameter[]): string | undefined {
  if (parameters.length === 0) return undefined;
  const defaults = notebook.cells.filter((cell) => isCode(cell) && tagsOf(cell).includes(PARAMETERS_TAG));
  if (defaults.length === 0) return `no cell is tagged "${PARAMETERS_TAG}"; the values are set before the first cell`;
  const words = new Set(defaults.flatMap((cell) => textOf(cell.source).match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? []));
  const unknown = parameters.filter(({ name }) => !words.has(name)).map(({ name }) => `"${name}"`);
  return unknown.length === 0 ? undefined : `the cell tagged "${PARAMETERS_TAG}" does not name ${unknown.join(", ")}`;
}

/** Puts the code in its cell: that of an earlier run, else a new one behind the defaults, else before everything. */
export function injectParameters(notebook: Notebook, code: string, newId: () => string): void {
  const source = linesOf(code);
  const earlier = notebook.cells.find((cell) => isCode(cell) && tagsOf(cell).includes(INJECTED_TAG));
  if (earlier !== undefined) {
    earlier.source = source;
    return;
  }
  const defaults = notebook.cells.findIndex((cell) => isCode(cell) && tagsOf(cell).includes(PARAMETERS_TAG));
  const id = notebook.nbformat_minor >= 5 ? { id: newId() } : {};
  const cell: Cell = { cell_type: "code", execution_count: null, ...id, metadata: { tags: [INJECTED_TAG] }, outputs: [], source };
  notebook.cells.splice(defaults + 1, 0, cell);
}
