// What `require` gave a script, for names that say too little: whether a value is a module, or a part of one, that is loaded.

import { createRequire } from "node:module";

import type { ImportedName } from "./script-table.ts";

/** Whether `value` is what the script at `url` got by requiring; loads nothing. */
export function isRequired(value: unknown, { specifier, path }: ImportedName, url: string): boolean {
  const exports = loadedExports(specifier, url);
  if (exports === undefined) return false;
  const [member] = path;
  if (member === "default") return value === exports;
  const parts = exports as Readonly<Record<string, unknown>>;
  if (member !== undefined) return value === parts[member];
  // Compilers put a module into an object of their own, as its default or with its members copied.
  if (typeof value !== "object" || value === null) return value === exports;
  const wrapped = value as Readonly<Record<string, unknown>>;
  return value === exports || wrapped["default"] === exports || Object.keys(parts).some((key) => isObject(parts[key]) && wrapped[key] === parts[key]);
}

function loadedExports(specifier: string, url: string): unknown {
  try {
    const require = createRequire(url);
    const file = require.resolve(specifier);
    return file.startsWith("node:") ? process.getBuiltinModule(file) : require.cache[file]?.exports;
  } catch {
    // The script has no file, or the package is not found from there: then nothing tells, and the value goes by itself.
    return undefined;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}
