// A value as display data: text for everybody, and whatever richer forms the value offers itself.

import { inspect } from "node:util";
import { isDict, type MimeBundle } from "../../wire/index.ts";

const DISPLAY: unique symbol = Symbol.for("Jupyter.display") as never;
/** Characters of text kept of one value. */
const TEXT_LENGTH_MAX = 1024 * 1024;

/** Text of a value, as a REPL shows it. */
export function inspectText(value: unknown): string {
  const text = inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100 });
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX)}… ${text.length - TEXT_LENGTH_MAX} more characters`;
}

/**
 * Representations of a value: those of `value[Symbol.for("Jupyter.display")]()` or `value.toMime()`, and `text/plain`.
 * Throws what these methods throw.
 */
export function mimeBundle(value: unknown): MimeBundle {
  return { "text/plain": inspectText(value), ...ownForms(value) };
}

function ownForms(value: unknown): MimeBundle {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return {};
  const { [DISPLAY]: display, toMime } = value as { [DISPLAY]?: unknown; toMime?: unknown };
  const method = typeof display === "function" ? display : toMime;
  if (typeof method !== "function") return {};
  const forms: unknown = Reflect.apply(method, value, []);
  return isDict(forms) ? forms : {};
}
