// Values that are shown as something else than text: the last expression of a cell, or what `display` is given.

import { inspect } from "node:util";
import { InvalidArgumentError } from "../../base/index.ts";

const DISPLAY: unique symbol = Symbol.for("Jupyter.display") as never;

const READABLE: ReadonlySet<string> = new Set(["text/markdown", "text/latex"]);

/** A value that knows how it is shown. */
export interface Displayable {
  /** Forms of the value by MIME type: text, bytes, or JSON. */
  readonly [DISPLAY]: () => Readonly<Record<string, unknown>>;
}

/** Where only text can be shown, a text for readers is shown as it is, and of the others what they are. */
function shownAs(mime: string, form: unknown): Displayable {
  const text = mime === "application/json" ? inspect(form) : READABLE.has(mime) ? String(form) : `<${mime}>`;
  return Object.defineProperty({ [DISPLAY]: () => ({ [mime]: form }) }, inspect.custom, { value: () => text });
}

/** HTML, as text. */
export function html(text: string): Displayable {
  return shownAs("text/html", text);
}

/** Markdown, as text. */
export function markdown(text: string): Displayable {
  return shownAs("text/markdown", text);
}

/** A formula in LaTeX, with its dollar signs. */
export function latex(text: string): Displayable {
  return shownAs("text/latex", text);
}

/** A drawing, as the text of an SVG file. */
export function svg(text: string): Displayable {
  return shownAs("image/svg+xml", text);
}

/** A value shown as a tree of JSON. */
export function json(value: unknown): Displayable {
  return shownAs("application/json", value);
}

/**
 * A picture, as the bytes of a PNG, JPEG, GIF or WebP file.
 *
 * @throws InvalidArgumentError when the bytes are none of these
 */
export function image(bytes: Uint8Array): Displayable {
  const mime = imageType(bytes);
  if (mime === undefined) throw new InvalidArgumentError("the bytes are no PNG, JPEG, GIF or WebP file; pass one of these, or use svg(text)");
  return shownAs(mime, bytes);
}

function imageType(bytes: Uint8Array): string | undefined {
  const begins = (at: number, ...wanted: number[]): boolean => wanted.every((byte, i) => bytes[at + i] === byte);
  if (begins(0, 0x89, 0x50, 0x4e, 0x47)) return "image/png";
  if (begins(0, 0xff, 0xd8, 0xff)) return "image/jpeg";
  if (begins(0, 0x47, 0x49, 0x46, 0x38)) return "image/gif";
  return begins(0, 0x52, 0x49, 0x46, 0x46) && begins(8, 0x57, 0x45, 0x42, 0x50) ? "image/webp" : undefined;
}
