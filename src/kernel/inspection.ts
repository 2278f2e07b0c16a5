// Inspection: what a name in the code stands for, told without running anything.

import { inspect, types } from "node:util";
import { pathAround, resolvePath } from "./name-path.ts";
import { isClass } from "./values.ts";

const TEXT_MAX = 5000;

/** Text about the name at an index; `undefined` when nothing of that name is there. */
export function inspectAt(code: string, at: number, detail: 0 | 1): string | undefined {
  const path = pathAround(code, at);
  if (path.word === "" || path.isUnknown) return undefined;
  const names = [...path.holders, path.word];
  const found = resolvePath(names);
  return found === undefined ? undefined : describe(names.join("."), found.value, detail);
}

function describe(name: string, value: unknown, detail: 0 | 1): string {
  const lines = [`${label("Name")}${name}`, `${label("Type")}${typeName(value)}`];
  if (typeof value === "function" && !types.isProxy(value)) {
    const source = Function.prototype.toString.call(value);
    lines.push(`${label(isClass(value) ? "Class" : "Signature")}${signatureOf(source)}`);
    if (detail === 1) lines.push("Source:", shortened(source));
    return lines.join("\n");
  }
  const size = sizeOf(value);
  if (size !== undefined) lines.push(`${label("Length")}${size}`);
  // Proxies are shown as such, accessors by name: nothing of the value's is called.
  const shown = inspect(value, { depth: detail === 1 ? 4 : 2, customInspect: false, getters: false, showProxy: true, maxArrayLength: 50, breakLength: 90 });
  return [...lines, `${label("Value")}${shortened(shown)}`].join("\n");
}

const label = (name: string): string => `${name}:`.padEnd(11);

const shortened = (text: string): string => (text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}…`);

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "function") return isClass(value) ? "class" : "function";
  if (typeof value !== "object") return typeof value;
  if (types.isProxy(value)) return "object (a proxy)";
  const prototype: unknown = Object.getPrototypeOf(value);
  const made: unknown = prototype === null ? undefined : Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  const name: unknown = typeof made === "function" ? Object.getOwnPropertyDescriptor(made, "name")?.value : undefined;
  return typeof name === "string" && name !== "" ? name : "object";
}

function sizeOf(value: unknown): number | undefined {
  if (typeof value === "string" || Array.isArray(value)) return types.isProxy(value) ? undefined : value.length;
  if (types.isTypedArray(value)) return value.length;
  return types.isMap(value) || types.isSet(value) ? value.size : undefined;
}

/** A function's text up to its body, a class's up to its members. */
function signatureOf(source: string): string {
  // What is not written in JavaScript says nothing of its parameters.
  if (/\)\s*\{\s*\[native code\]\s*\}$/.test(source)) return `${source.slice(0, source.indexOf("("))}(…)`;
  let depth = 0;
  for (let i = 0; i < source.length && i < TEXT_MAX; i += 1) {
    const char = source[i];
    if (char === "(" || char === "[") depth += 1;
    else if (char === ")" || char === "]") depth -= 1;
    else if (depth === 0 && (char === "{" || source.startsWith("=>", i))) return source.slice(0, i).trim();
  }
  return shortened(source.split("\n")[0] ?? "");
}
