// Functions and objects that every Node has: they travel by name. Standard globals (`Math.sqrt`), and what the builtin
// modules export (`node:fs#readFileSync`), both found by identity.

import { types } from "node:util";

import { processWide } from "../base/index.ts";
import type { Fact } from "./records.ts";

// Taken when the package is loaded first, so that globals made by the user's program are not among them: a notebook's cell may import
// the package after it has made names, beside the copy that the kernel has.
const STANDARD_NAMES = processWide("standard-names", (): readonly string[] => Object.getOwnPropertyNames(globalThis));

let globals: Map<unknown, string> | undefined;
let builtins: Map<unknown, Fact> | undefined;
let builtinsSeen = 0;

/** How a standard global or an export of a builtin module travels; `undefined` for anything else. */
export function knownFact(value: unknown): Fact | undefined {
  if (typeof value !== "function" && (typeof value !== "object" || value === null)) return undefined;
  globals ??= collectGlobals();
  const path = globals.get(value);
  return path === undefined ? builtinFact(value) : ["global", path];
}

/** Standard objects without a member that shows, such as `Math` and `JSON`: they look like an empty object. */
const NAMESPACES: ReadonlySet<object> = new Set(STANDARD_NAMES.flatMap(namespaceNamed));

/** Whether `value` is one of the standard objects that are easily taken for `{}`. */
export function isNamespace(value: object): boolean {
  return NAMESPACES.has(value);
}

function namespaceNamed(name: string): object[] {
  const value = dataProperty(globalThis, name);
  return typeof value === "object" && value !== null && value !== globalThis && Object.keys(value).length === 0 ? [value] : [];
}

/** The standard global of a path such as `Math.sqrt`; nothing that the user's program defined. */
export function findGlobal(path: string): unknown {
  const [root, ...steps] = path.split(".");
  if (root === undefined || !STANDARD_NAMES.includes(root)) return undefined;
  let at: unknown = (globalThis as Record<string, unknown>)[root];
  for (const step of steps) {
    if ((typeof at !== "object" && typeof at !== "function") || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  return at;
}

function collectGlobals(): Map<unknown, string> {
  const found = new Map<unknown, string>();
  for (const name of STANDARD_NAMES) {
    const value = dataProperty(globalThis, name);
    if ((typeof value !== "function" && typeof value !== "object") || value === null) continue;
    if (!found.has(value)) found.set(value, name);
    if (value === globalThis || name === "process") continue;
    collectMembers(found, value, name);
    const prototype = dataProperty(value, "prototype");
    if (typeof prototype === "object" && prototype !== null) collectMembers(found, prototype, `${name}.prototype`);
  }
  return found;
}

function collectMembers(found: Map<unknown, string>, owner: object, path: string): void {
  for (const name of Object.getOwnPropertyNames(owner)) {
    const value = dataProperty(owner, name);
    if (typeof value === "function" && !found.has(value)) found.set(value, `${path}.${name}`);
  }
}

/** Getters are not run: some of Node's globals are loaded by them. */
function dataProperty(owner: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(owner, name)?.value as unknown;
}

function builtinFact(value: object): Fact | undefined {
  const loaded = loadedModules();
  if (builtins === undefined || loaded.length !== builtinsSeen) {
    builtinsSeen = loaded.length;
    builtins = collectBuiltins(loaded);
  }
  const fact = builtins.get(value);
  if (fact !== undefined || !types.isModuleNamespaceObject(value)) return fact;
  const inner = builtins.get((value as { readonly default?: unknown }).default);
  return inner?.[0] === "import" && inner[2].length === 1 && inner[2][0] === "default" ? ["import", inner[1], [], ""] : undefined;
}

/** Node's list of what it has loaded; asking for others would load them. */
function loadedModules(): readonly string[] {
  return (process as unknown as { readonly moduleLoadList?: readonly string[] }).moduleLoadList ?? [];
}

function collectBuiltins(loaded: readonly string[]): Map<unknown, Fact> {
  const found = new Map<unknown, Fact>();
  for (const entry of loaded) {
    const name = /^NativeModule ([a-z0-9_/]+)$/.exec(entry)?.[1];
    if (name === undefined || name.startsWith("internal") || name.startsWith("_")) continue;
    const specifier = `node:${name}`;
    const exports: unknown = process.getBuiltinModule(specifier);
    if ((typeof exports !== "object" && typeof exports !== "function") || exports === null) continue;
    found.set(exports, ["import", specifier, ["default"], ""]);
    for (const key of Object.keys(exports)) {
      const value = dataProperty(exports, key);
      if ((typeof value === "function" || (typeof value === "object" && value !== null)) && !found.has(value))
        found.set(value, ["import", specifier, [key], ""]);
    }
  }
  return found;
}
