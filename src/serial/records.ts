// What this process knows about functions that came over the wire or stand for something on the engine, and about
// classes by their identity, so that an instance that returns is an instance of the very class that left.

import { BoundedMap, InvalidStateError, processWide } from "../base/index.ts";
import type { Code } from "./code.ts";

/** Any function. */
export type Callable = (...args: unknown[]) => unknown;

/** A thing that travels as a few words. The first word says how the engine finds it. */
export type Fact =
  | readonly ["named", name: string]
  | readonly ["import", specifier: string, path: readonly string[], parent: string]
  | readonly ["require", parent: string]
  | readonly ["reference", expression: string]
  | readonly ["global", path: string]
  | readonly ["symbol", key: string]
  | readonly ["url", href: string]
  | readonly ["search", text: string]
  | readonly ["error", className: string, classIndex: number]
  | readonly ["instance", classIndex: number, base: "object" | "array" | "map" | "set"]
  | readonly ["bound"];

/** How a function travels: by words, or by its code and the values it closes over. */
export type TravelRecord = { readonly fact: Fact } | CodeRecord;

/** A function or class that travels by value. */
export interface CodeRecord {
  readonly code: Code;
  /** Identity of a class, the same wherever it goes; empty for functions. */
  readonly classId: string;
  /** The values of `code.facts.bindings`, as they are now. */
  readonly values: () => readonly unknown[];
}

/** Marks a captured value that travels as a fact: an imported module or one of its exports. */
export class FactValue {
  readonly fact: Fact;

  constructor(fact: Fact) {
    this.fact = fact;
  }
}

const REFERENCE: unique symbol = Symbol.for("tsparallel.reference") as never;

/**
 * An expression that the engine evaluates in its namespace; fits as a callable, as an argument and one level inside an argument.
 *
 * @example await view.apply(dot, new Reference<number[]>("A"), [1, 2]);
 */
export class Reference<T = unknown> {
  /** The expression, mostly a name. */
  readonly name: string;
  /** Carries the type of what it stands for; never set. */
  declare readonly value?: T;

  /** @param name a global of the engine, or an expression such as `matrix.rows` */
  constructor(name: string) {
    this.name = name;
    Object.defineProperty(this, REFERENCE, { value: true });
  }

  /** True for those of another copy of this package too. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && Object.hasOwn(value, REFERENCE);
  }
}

const CLASSES_KEPT_MAX = 1000;
// A function that came over the wire to a bundled engine may go on by a client that user code imported.
const RECORDS = processWide("records", () => new WeakMap<object, TravelRecord>());
const CLASSES = processWide("classes", () => new BoundedMap<string, WeakRef<object>>(CLASSES_KEPT_MAX));

/** The record of a function that was built here from a payload, or that stands for one. */
export function findRecord(fn: object): TravelRecord | undefined {
  return RECORDS.get(fn);
}

/** Remembers how a function travels on. */
export function keepRecord(fn: object, record: TravelRecord): void {
  RECORDS.set(fn, record);
}

/** Remembers the class of an identity. */
export function keepClass(classId: string, theClass: object): void {
  CLASSES.set(classId, new WeakRef(theClass));
}

/** The class of an identity, if it left from here or was built here, and still lives. */
export function findClass(classId: string): object | undefined {
  return CLASSES.get(classId)?.deref();
}

type ImportFact = Extract<Fact, readonly ["import", ...unknown[]]>;

/** Classes that were imported, by how; instances of a class that both sides import are instances of it on both. */
const IMPORTED = processWide("imported", () => new BoundedMap<string, WeakRef<object>>(CLASSES_KEPT_MAX));

/** Remembers that a value is what an import gives, if it is a class: it travels by the import from now on. */
export function keepImported(fact: ImportFact, value: unknown): void {
  if (typeof value !== "function" || !isClassText(value) || findRecord(value) !== undefined) return;
  keepRecord(value, { fact });
  const reference = new WeakRef(value);
  for (const key of keysOf(fact)) IMPORTED.set(key, reference);
}

/** The class that this process imported in this way, if it still lives. */
export function findImported(fact: ImportFact): object | undefined {
  for (const key of keysOf(fact)) {
    const found = IMPORTED.get(key)?.deref();
    if (found !== undefined) return found;
  }
  return undefined;
}

/** With the importing file, which may have a version of its own, and without: another client's file says nothing here. */
function keysOf([, specifier, path, parent]: ImportFact): string[] {
  return [JSON.stringify([specifier, path, parent]), JSON.stringify([specifier, path])];
}

function isClassText(fn: Function): boolean {
  return Function.prototype.toString.call(fn).startsWith("class");
}

/** A stand-in for the function that the engine keeps under `name`. */
export function named(name: string): Callable {
  return createStandIn(name, { fact: ["named", name] }, `function "${name}" lives on the engines; send it with \`apply\``);
}

/** A stand-in for export `exportName` (`name` or `name.member`) of the module that the engine gets by `await import(specifier)`. */
export function importable(specifier: string, exportName: string): Callable {
  const fact: Fact = ["import", specifier, exportName.split("."), ""];
  return createStandIn(exportName, { fact }, `function "${exportName}" of "${specifier}" is imported by the engines; send it with \`apply\``);
}

/** A function that only travels: calling it here says why not. */
export function createStandIn(name: string, record: TravelRecord, why: string): Callable {
  // A `function`, not an arrow, because a stand-in for a class needs a prototype.
  const standIn = function (): never {
    throw new InvalidStateError(why);
  };
  Object.defineProperty(standIn, "name", { value: name, configurable: true });
  keepRecord(standIn, record);
  return standIn;
}
