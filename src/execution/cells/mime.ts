// A value as display data: text for everybody, and whatever richer forms the value offers itself. What leaves here can be
// written as JSON and is bounded, whatever the value's own methods return.

import { inspect } from "node:util";
import { isDict, type MimeBundle } from "../../wire/index.ts";

const DISPLAY: unique symbol = Symbol.for("Jupyter.display") as never;
/** Characters of text kept of one value. */
const TEXT_LENGTH_MAX = 1024 * 1024;
/** Characters of one richer form; a longer one is left out and said so. */
const FORM_LENGTH_MAX = 64 * 1024 * 1024;

/** Methods by the names that IPython gives them. */
const REPRESENTATIONS: Readonly<Record<string, string>> = {
  _repr_html_: "text/html",
  _repr_markdown_: "text/markdown",
  _repr_svg_: "image/svg+xml",
  _repr_png_: "image/png",
  _repr_jpeg_: "image/jpeg",
  _repr_latex_: "text/latex",
  _repr_json_: "application/json",
  _repr_javascript_: "application/javascript",
  _repr_pdf_: "application/pdf",
};

/** Text of a value, as a REPL shows it. */
export function inspectText(value: unknown): string {
  const text = inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100 });
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX)}… ${text.length - TEXT_LENGTH_MAX} more characters`;
}

/**
 * Representations of a value: those of `value[Symbol.for("Jupyter.display")]()`, `value.toMime()` or its `_repr_…_` methods,
 * those of an element, a canvas or a Vega chart, and `text/plain`. Throws what these methods throw.
 */
export function mimeBundle(value: unknown): MimeBundle {
  const forms = isObject(value) ? ownForms(value) : {};
  const bundle: Record<string, unknown> = {};
  const omitted: string[] = [];
  for (const [mime, form] of Object.entries(forms)) {
    if (form === undefined || form === null) continue;
    const shown = showable(mime, form);
    if ("why" in shown) omitted.push(`${mime} is not shown: ${shown.why}`);
    else bundle[mime] = shown.form;
  }
  const text = typeof bundle["text/plain"] === "string" ? bundle["text/plain"] : plainText(value);
  return { "text/plain": omitted.length === 0 ? text : `${text}\n(${omitted.join("; ")})`, ...without(bundle, "text/plain") };
}

function without(bundle: MimeBundle, mime: string): MimeBundle {
  const { [mime]: _, ...rest } = bundle;
  return rest;
}

function plainText(value: unknown): string {
  const element = isObject(value) ? elementOf(value) : undefined;
  return element === undefined ? inspectText(value) : `<${element.name}>`;
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" || typeof value === "function") && value !== null;
}

function ownForms(value: object): MimeBundle {
  const { [DISPLAY]: display, toMime } = value as { [DISPLAY]?: unknown; toMime?: unknown };
  const method = typeof display === "function" ? display : toMime;
  if (typeof method === "function") {
    const forms: unknown = Reflect.apply(method, value, []);
    return isDict(forms) ? forms : {};
  }
  const represented = representations(value);
  if (Object.keys(represented).length > 0) return represented;
  return elementForms(value) ?? canvasForms(value) ?? vegaForms(value) ?? {};
}

function representations(value: object): MimeBundle {
  const forms: Record<string, unknown> = {};
  const methods = value as Readonly<Record<string, unknown>>;
  const call = (name: string): unknown => {
    const method = methods[name];
    return typeof method === "function" ? Reflect.apply(method, value, []) : undefined;
  };
  const bundle = call("_repr_mimebundle_");
  if (isDict(bundle)) Object.assign(forms, bundle);
  for (const [name, mime] of Object.entries(REPRESENTATIONS)) {
    const form = call(name);
    if (form !== undefined && form !== null) forms[mime] = form;
  }
  return forms;
}

/** An element of a document, whichever library made it. */
function elementOf(value: object): { readonly name: string; readonly text: string } | undefined {
  const { nodeType, outerHTML, localName } = value as { nodeType?: unknown; outerHTML?: unknown; localName?: unknown };
  if (nodeType !== 1 || typeof outerHTML !== "string") return undefined;
  return { name: typeof localName === "string" ? localName : "element", text: outerHTML };
}

function elementForms(value: object): MimeBundle | undefined {
  const element = elementOf(value);
  if (element === undefined) return undefined;
  if (element.name !== "svg") return { "text/html": element.text };
  // As an image it is a file of its own, which must name its namespace; in a page it need not.
  return { "image/svg+xml": element.text.replace(/^<svg\b(?![^>]*\sxmlns=)/i, '<svg xmlns="http://www.w3.org/2000/svg"') };
}

function canvasForms(value: object): MimeBundle | undefined {
  const { toDataURL } = value as { toDataURL?: unknown };
  if (typeof toDataURL !== "function") return undefined;
  const url: unknown = Reflect.apply(toDataURL, value, ["image/png"]);
  const [, data] = /^data:image\/png;base64,(.*)$/s.exec(typeof url === "string" ? url : "") ?? [];
  return data === undefined ? undefined : { "image/png": data };
}

/** A chart specification says by its schema what it is. */
function vegaForms(value: object): MimeBundle | undefined {
  const schema = Object.getOwnPropertyDescriptor(value, "$schema")?.value as unknown;
  const [, lite, version] = /\/schema\/vega(-lite)?\/v(\d+)/.exec(typeof schema === "string" ? schema : "") ?? [];
  if (version === undefined) return undefined;
  return { [`application/vnd.vega${lite === undefined ? "" : "lite"}.v${version}+json`]: value };
}

type Shown = { readonly form: unknown } | { readonly why: string };

/** A form as the wire takes it. */
function showable(mime: string, form: unknown): Shown {
  if (form instanceof Uint8Array) return bounded(Buffer.from(form.buffer, form.byteOffset, form.byteLength).toString("base64"));
  if (typeof form === "string") return bounded(form);
  if (!/(?:\/|\+)json$/.test(mime)) {
    const isLines = Array.isArray(form) && form.every((line) => typeof line === "string");
    return isLines ? bounded(form.join("")) : { why: `it is ${Array.isArray(form) ? "an array" : `a value of type ${typeof form}`}, not a text` };
  }
  try {
    const text = JSON.stringify(form) as string | undefined; // `undefined` for a function, say.
    if (text === undefined) return { why: "it is nothing that JSON has" };
    return text.length > FORM_LENGTH_MAX ? tooLong(text.length) : { form: JSON.parse(text) as unknown };
  } catch (error) {
    return { why: `it cannot be written as JSON (${error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)})` };
  }
}

const bounded = (text: string): Shown => (text.length > FORM_LENGTH_MAX ? tooLong(text.length) : { form: text });
const tooLong = (length: number): Shown => ({ why: `it has ${length} characters, and ${FORM_LENGTH_MAX} are the most` });
