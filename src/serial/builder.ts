// The engine's side of a travelling function: compiles its text once, then makes instances of it whose bindings can be
// set. User code runs here only when a class is evaluated; a function's text is evaluated, never called.

import { Script, constants as vmConstants } from "node:vm";

import { BoundedMap } from "../base/index.ts";
import { readCode, codeKey, type Code, type CodeFacts } from "./code.ts";
import { positionInFile } from "./source-maps.ts";

/** A function whose bindings can be set and read. */
export interface BuiltCode {
  /** Evaluates the text: gives the function or class. */
  readonly evaluate: () => Function;
  readonly set: (binding: number, value: unknown) => void;
  readonly get: (binding: number) => unknown;
}

/** Codes that were compiled, kept by their hash. */
interface CompiledCode {
  readonly code: Code;
  factory: Factory | undefined;
}

type Factory = (
  nameFunction: (fn: object, name: string) => object,
) => [evaluate: () => Function, set: (i: number, value: unknown) => void, get: (i: number) => unknown];

/** Four times what a controller believes of each of three channels (`KNOWN_CODE_LIMITS`), so that little is asked for. */
const COMPILED_MAX = 2000;
const COMPILED_BYTES_MAX = 32 * 1024 * 1024;
const COMPILED = new BoundedMap<string, CompiledCode>(COMPILED_MAX, { weigh: ({ code }) => code.entry.length, weightMax: COMPILED_BYTES_MAX });
const ORIGINS = new BoundedMap<string, Pick<CodeFacts, "url" | "line" | "column" | "lines">>(COMPILED_MAX);

/** What Vite writes in place of `import` in `import(specifier)`. */
export const VITE_IMPORT = "__vite_ssr_dynamic_import__";

/** Marker in the file names of user functions: stack traces are recognised by it. */
export const TASK_SCRIPT_MARK = "ipp-task-";

/** The code of this key, if it was seen before and is kept. */
export function findKnownCode(key: string): Code | undefined {
  return COMPILED.get(key)?.code;
}

/** The code of a table entry or code frame, from the cache when it was seen before. */
export function findCode(entry: Buffer): Code {
  return compiledOf(entry).code;
}

function compiledOf(entry: Buffer): CompiledCode {
  const key = codeKey(entry);
  let compiled = COMPILED.get(key);
  if (compiled === undefined) {
    compiled = { code: readCode(entry), factory: undefined };
    COMPILED.set(key, compiled);
  }
  return compiled;
}

/** Makes a new instance of a code, nothing bound yet. */
export function buildCode(code: Code): BuiltCode {
  let compiled = COMPILED.get(code.key);
  if (compiled === undefined) {
    compiled = { code, factory: undefined };
    COMPILED.set(code.key, compiled);
  }
  compiled.factory ??= compile(code);
  const [evaluate, set, get] = compiled.factory(nameFunction);
  return { evaluate: () => withName(evaluate(), code.facts), set, get };
}

/** Where a position of a stack trace was written (`url:line:column`); the script's name is that of a function that was built here. */
export function originOf(scriptName: string, line: number, column: number): string | undefined {
  const origin = ORIGINS.get(scriptName);
  if (origin === undefined) return undefined;
  const { url, lines, line: firstLine = 0, column: firstColumn = 0 } = origin;
  // The script was compiled as if it stood in the file; only where its lines do not follow one another is more to be done.
  if (lines === undefined) return `${url}:${line}:${column}`;
  const row = line - 1 - firstLine;
  const written = positionInFile({ line: firstLine, column: firstColumn, lines }, row, column - 1 - (row === 0 ? firstColumn : 0));
  return `${url}:${written.line + 1}:${written.column + 1}`;
}

/** esbuild's helper: it is called in texts that went through it. */
function nameFunction(fn: object, name: string): object {
  return Object.defineProperty(fn, "name", { value: name, configurable: true });
}

function withName(fn: Function, facts: CodeFacts): Function {
  if (fn.name !== facts.name && typeof fn.name === "string") Object.defineProperty(fn, "name", { value: facts.name, configurable: true });
  return fn;
}

// Names that no function of a user closes over: these parameters lie between it and its bindings.
const INDEX = "__tsparallelIndex";
const VALUE = "__tsparallelValue";

function compile(code: Code): Factory {
  const { facts } = code;
  const [open, close] = wrapperOf(facts);
  const before = `(function(__name){${facts.isStrict ? '"use strict";' : ""}${helpers(facts.text)}${declarations(facts.bindings)}return[()=>${open}`;
  const text = `${before}${embedded(facts)}\n${close},(${INDEX},${VALUE})=>{switch(${INDEX}){${cases(facts.bindings, (path) => `${path}=${VALUE};break;`)}}},(${INDEX})=>{switch(${INDEX}){${cases(facts.bindings, (path) => `return ${path};`)}}}]})`;
  const filename = scriptName(code);
  if (facts.url !== undefined) ORIGINS.set(filename, facts);
  const script = new Script(text, {
    filename,
    // Positions in stack traces are those of the file the function was written in.
    lineOffset: facts.line ?? 0,
    columnOffset: (facts.column ?? 0) - before.length,
    importModuleDynamically: importer(),
  });
  return script.runInThisContext() as Factory;
}

function scriptName(code: Code): string {
  const name = code.facts.name.replace(/[^\p{ID_Continue}$.-]/gu, "_").slice(0, 60) || "anonymous";
  return `${TASK_SCRIPT_MARK}${name}-${Buffer.from(code.key, "latin1").toString("hex").slice(0, 8)}`;
}

/** A property of an object literal names the anonymous function that is its value, in stack traces too. */
function wrapperOf(facts: CodeFacts): readonly [open: string, close: string] {
  if (facts.form === "method") return ["({", `})[${JSON.stringify(facts.name)}]`];
  if (facts.name === "" || facts.name === "__proto__") return ["(", ")"];
  const name = JSON.stringify(facts.name);
  return [`({${name}:`, `})[${name}]`];
}

function embedded(facts: CodeFacts): string {
  if (facts.form !== "method") return facts.text;
  return facts.text.replace(
    /^(async )?(\*)?m/,
    (_, isAsync: string | undefined, star: string | undefined) => `${isAsync ?? ""}${star ?? ""}${JSON.stringify(facts.name)}`,
  );
}

/** Vite's `import()` is the engine's own. */
function helpers(text: string): string {
  return text.includes(VITE_IMPORT) ? `const ${VITE_IMPORT}=(s)=>import(s);` : "";
}

function declarations(bindings: readonly string[]): string {
  const roots = new Map<string, string>();
  for (const binding of bindings) {
    const dot = binding.indexOf(".");
    if (dot < 0) roots.set(binding, binding);
    else roots.set(binding.slice(0, dot), `${binding.slice(0, dot)}={}`);
  }
  return roots.size === 0 ? "" : `let ${[...roots.values()].join(",")};`;
}

function cases(bindings: readonly string[], body: (path: string) => string): string {
  return bindings.map((path, i) => `case ${i}:${body(path)}`).join("");
}

let knownImporter: unknown;

/** What makes `import()` work inside user functions: Node's own loader, from the working directory. */
function importer(): never {
  if (knownImporter === undefined) {
    const loader: unknown = (vmConstants as { readonly USE_MAIN_CONTEXT_DEFAULT_LOADER?: unknown } | undefined)?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
    // Node 20.19 has the constant only in part of its builds; there a module of this package does the import.
    knownImporter = loader ?? ((specifier: string): Promise<unknown> => import(specifier));
    if (loader !== undefined) importOnceQuietly(loader);
  }
  return knownImporter as never;
}

/** Node warns once that its loader is experimental here; no user could act on that. */
function importOnceQuietly(loader: unknown): void {
  const emitWarning = Object.getOwnPropertyDescriptor(process, "emitWarning");
  if (emitWarning === undefined) return;
  Object.defineProperty(process, "emitWarning", { ...emitWarning, value: () => {} });
  try {
    // The warning is given while the expression is evaluated; the module is loaded already, and nothing of it is used.
    void new Script('import("node:vm")', { importModuleDynamically: loader as never }).runInThisContext();
  } finally {
    Object.defineProperty(process, "emitWarning", emitWarning);
  }
}
