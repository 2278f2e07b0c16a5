// Brings the specials of one payload to life: every entry of the table becomes an object before the stream is read, and
// the program in the stream then binds, evaluates and fills them in the order the sender found.

import { createRequire } from "node:module";
import { join } from "node:path";

import { SerializationError } from "../base/index.ts";
import { buildCode, type BuiltCode } from "./builder.ts";
import { lazyBindings, type Code } from "./code.ts";
import { allocateError, fillError, fillFunction, fillInstance } from "./fill.ts";
import { findGlobal } from "./known-functions.ts";
import { malformed } from "./payload.ts";
import { OP } from "./program.ts";
import { Reference, createStandIn, findClass, findImported, importable, keepClass, keepImported, keepRecord, named, type Fact } from "./records.ts";
import type { StreamReader } from "./stream.ts";

/** What an engine offers to the functions it receives. */
export interface UnpackEnv {
  /** The function the engine keeps under a name. */
  readonly named: (name: string) => Function | undefined;
  /** Evaluates an expression in the engine's namespace; throws what the expression throws. */
  readonly evaluate: (expression: string) => unknown;
  /** `await import(specifier)`; `parent` is the URL of the file that imported it where the function was written. */
  readonly importModule: (specifier: string, parent?: string) => Promise<unknown>;
}

/** An entry of the table of specials as it was read. */
export type TableEntry = { readonly fact: Fact } | { readonly classId: string; readonly code: Code };

/** Carries what user code threw past the error handling of the reader. */
export class UserFailure extends Error {}

/** Holds what need not be an object where the stream can only hold objects. */
class Box {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** The value itself, out of its box. */
export function unbox(value: unknown): unknown {
  return value instanceof Box ? value.value : value;
}

interface Living {
  value: unknown;
  isReady: boolean;
  readonly code: Code | undefined;
  readonly built: BuiltCode | undefined;
  /** Values of a stand-in, by binding. */
  readonly kept: unknown[] | undefined;
}

const OWN_BUILDS = new WeakMap<object, BuiltCode>();

/** One payload's specials. */
export class Uncanner {
  readonly #table: readonly TableEntry[];
  readonly #env: UnpackEnv | undefined;
  readonly #modules: ReadonlyMap<string, unknown> | undefined;
  readonly #living: (Living | undefined)[];

  constructor(table: readonly TableEntry[], env: UnpackEnv | undefined, modules: ReadonlyMap<string, unknown> | undefined) {
    this.#table = table;
    this.#env = env;
    this.#modules = modules;
    this.#living = new Array<Living | undefined>(table.length).fill(undefined);
  }

  get size(): number {
    return this.#table.length;
  }

  /** The object of a mark. */
  resolve(index: number): object {
    const living = this.#get(index);
    if (!living.isReady) throw malformed("a class is used before it is defined");
    const { value } = living;
    return (typeof value === "object" && value !== null) || typeof value === "function" ? value : new Box(value);
  }

  /** What a call calls: always the first special. */
  callable(): (...args: unknown[]) => unknown {
    const value = this.size === 0 ? undefined : unbox(this.resolve(0));
    if (typeof value === "function") return value as (...args: unknown[]) => unknown;
    const entry = this.#table[0];
    throw new TypeError(entry !== undefined && "fact" in entry ? `${String(entry.fact[1])} is not a function` : "the payload calls what is not a function");
  }

  /** Binds everything that the one function of a call closes over. */
  bindFunction(values: unknown): void {
    this.#bind(this.#get(0), false, values);
  }

  /** Reads and runs the program at the start of the stream. */
  runProgram(reader: StreamReader): void {
    const count = reader.readUint32();
    for (let step = 0; step < count; step += 1) {
      const op = reader.readUint32();
      const living = this.#get(reader.readUint32());
      if (op === OP.build) this.#build(living);
      else if (op === OP.fill) this.#fill(living, reader.readValue());
      else this.#bind(living, op === OP.bindEager, reader.readValue());
    }
  }

  /** Replaces the boxes in the containers the sender named. */
  openBoxes(containers: unknown): void {
    if (!Array.isArray(containers)) return;
    for (const container of containers as unknown[]) openBoxesIn(container);
  }

  #get(index: number): Living {
    const known = this.#living[index];
    if (known !== undefined) return known;
    const entry = this.#table[index];
    if (entry === undefined) throw malformed(`entry ${index} of its table is missing`);
    const living = "fact" in entry ? this.#liven(entry.fact) : this.#livenCode(entry.classId, entry.code);
    this.#living[index] = living;
    return living;
  }

  #livenCode(classId: string, code: Code): Living {
    const own = classId === "" ? undefined : findClass(classId);
    if (own !== undefined) return { value: own, isReady: true, code, built: OWN_BUILDS.get(own), kept: undefined };
    if (this.#env === undefined) return livenStandIn(code, classId);
    const built = compiled(code);
    const living: Living = { value: undefined, isReady: false, code, built, kept: undefined };
    if (code.facts.form !== "class") this.#build(living);
    else CLASS_IDS.set(living, classId);
    return living;
  }

  #build(living: Living): void {
    const { code, built } = living;
    if (code === undefined || built === undefined || living.isReady) return;
    const fn = asUser(built.evaluate);
    const classId = CLASS_IDS.get(living) ?? "";
    keepRecord(fn, { code, classId, values: () => code.facts.bindings.map((_, i) => built.get(i)) });
    if (classId !== "") {
      keepClass(classId, fn);
      OWN_BUILDS.set(fn, built);
    }
    living.value = fn;
    living.isReady = true;
  }

  #bind(living: Living, isEager: boolean, values: unknown): void {
    const { code } = living;
    if (code === undefined || !Array.isArray(values)) throw malformed("values are bound to what is no function");
    const bindings = isEager ? code.facts.eager : code.facts.eager.length === 0 ? undefined : lazyBindings(code.facts);
    for (let i = 0; i < values.length; i += 1) {
      const binding = bindings === undefined ? i : (bindings[i] ?? i);
      const value = unbox(values[i]);
      if (living.kept !== undefined) living.kept[binding] = value;
      else living.built?.set(binding, value);
    }
  }

  #fill(living: Living, content: unknown): void {
    openBoxesIn(content);
    // Own properties and items lie one level deeper, and are copied into the object now.
    if (typeof content === "object" && content !== null) for (const part of Object.values(content)) openBoxesIn(part);
    const filler = FILLERS.get(living);
    if (filler !== undefined) filler(content);
    else if (living.code?.facts.form === "class" && !CLASS_IDS.has(living)) return; // It was here before: its members have values of their own.
    else if (typeof living.value === "function" && living.code !== undefined) fillFunction(living.value, content);
    else throw malformed("something is filled that has no content");
  }

  // ── facts ──

  #liven(fact: Fact): Living {
    const living: Living = { value: undefined, isReady: true, code: undefined, built: undefined, kept: undefined };
    living.value = this.#valueOf(fact, living);
    return living;
  }

  #valueOf(fact: Fact, living: Living): unknown {
    switch (fact[0]) {
      case "named":
        return this.#env === undefined ? named(fact[1]) : this.#namedFunction(fact[1]);
      case "import":
        return this.#env === undefined ? (findImported(fact) ?? importable(fact[1], fact[2].join("."))) : this.#importedBy(fact);
      case "require":
        return this.#env === undefined
          ? createStandIn("require", { fact }, "`require` of an engine lives there")
          : createRequire(join(process.cwd(), "engine.cjs"));
      case "reference":
        return this.#env === undefined ? new Reference(fact[1]) : this.#evaluate(fact[1]);
      case "global":
        return this.#global(fact[1]);
      case "symbol":
        return Symbol.for(fact[1]);
      case "url":
        return new URL(fact[1]);
      case "search":
        return new URLSearchParams(fact[1]);
      case "error":
        return this.#error(fact, living);
      case "instance":
        return this.#instance(fact, living);
      case "bound":
        return bindLater(living);
      default:
        throw malformed("an entry of its table is of an unknown kind");
    }
  }

  #namedFunction(name: string): Function {
    const fn = this.#env?.named(name);
    if (fn === undefined)
      throw new SerializationError(`the engine has no function named "${name}"`, {
        path: name,
        remedy: "register it on the engine, or send the function itself",
      });
    return fn;
  }

  #evaluate(expression: string): unknown {
    return asUser(() => this.#env?.evaluate(expression));
  }

  /** A class is noted: instances made of it here are, for whoever imports it, instances of their own. */
  #importedBy(fact: Extract<Fact, readonly ["import", ...unknown[]]>): unknown {
    const value = this.#imported(fact[1], fact[2]);
    keepImported(fact, value);
    return value;
  }

  #imported(specifier: string, path: readonly string[]): unknown {
    let at: unknown = this.#modules?.get(specifier) ?? requireNow(specifier);
    for (const step of path) {
      const from = at as Record<string, unknown>;
      // A CommonJS module keeps its exports in `default` when they were not found by reading its text.
      at = step in from ? from[step] : (from["default"] as Record<string, unknown> | undefined)?.[step];
      if (at === undefined)
        throw new SerializationError(`module "${specifier}" has no export "${step}" on the engine`, {
          path: specifier,
          remedy: "install the same version there",
        });
    }
    return at;
  }

  #global(path: string): unknown {
    const value = findGlobal(path);
    if (value === undefined) throw new SerializationError(`the engine has no global "${path}"`, { path, remedy: "run the engine with a Node that has it" });
    return value;
  }

  #error(fact: Extract<Fact, readonly ["error", ...unknown[]]>, living: Living): Error {
    const error = allocateError(fact[1]);
    FILLERS.set(living, (content) => fillError(error, fact[1], content, fact[2] < 0 ? undefined : this.#classAt(fact[2])));
    return error;
  }

  #instance(fact: Extract<Fact, readonly ["instance", ...unknown[]]>, living: Living): object {
    const shell: object = fact[2] === "array" ? [] : fact[2] === "map" ? new Map() : fact[2] === "set" ? new Set() : {};
    FILLERS.set(living, (content) => fillInstance(shell, content, this.#classAt(fact[1])));
    return shell;
  }

  #classAt(index: number): Function {
    const value = this.resolve(index);
    if (typeof value !== "function") throw malformed("an instance has no class");
    return value;
  }
}

const CLASS_IDS = new WeakMap<Living, string>();
const FILLERS = new WeakMap<Living, (content: unknown) => void>();

function livenStandIn(code: Code, classId: string): Living {
  const kept: unknown[] = [];
  const { name, form } = code.facts;
  const what = name === "" ? `a ${form === "class" ? "class" : "function"}` : form === "class" ? `class "${name}"` : `function "${name}"`;
  const value = createStandIn(name, { code, classId, values: () => kept }, `${what} came from an engine and is not run here; send it back with \`apply\``);
  return { value, isReady: true, code, built: undefined, kept };
}

function compiled(code: Code): BuiltCode {
  return asUser(() => buildCode(code));
}

function asUser<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new UserFailure("user code failed", { cause });
  }
}

/** A bound function must exist before what it is bound to: it forwards. */
function bindLater(living: Living): Function {
  let target: ((...args: unknown[]) => unknown) | undefined;
  let self: unknown;
  let first: readonly unknown[] = [];
  const forward = function bound(...rest: unknown[]): unknown {
    if (target === undefined) throw malformed("a bound function has no target");
    return new.target === undefined ? Reflect.apply(target, self, [...first, ...rest]) : (Reflect.construct(target, [...first, ...rest]) as unknown);
  };
  FILLERS.set(living, (content) => {
    if (!Array.isArray(content) || typeof content[0] !== "function") throw malformed("a bound function has no target");
    target = content[0] as (...args: unknown[]) => unknown;
    self = content[1];
    first = content.slice(2);
    Object.defineProperty(forward, "name", { value: `bound ${target.name}`, configurable: true });
  });
  return forward;
}

/** Where nothing can be awaited: builtin modules, and packages that can be required. */
function requireNow(specifier: string): unknown {
  const builtin: unknown = process.getBuiltinModule(specifier);
  if (builtin !== undefined) return builtin;
  return asUser(() => createRequire(join(process.cwd(), "engine.cjs"))(specifier) as unknown);
}

function openBoxesIn(container: unknown): void {
  if (Array.isArray(container)) {
    for (let i = 0; i < container.length; i += 1) if (container[i] instanceof Box) container[i] = unbox(container[i]);
  } else if (container instanceof Map) {
    const entries = [...container];
    container.clear();
    for (const [key, value] of entries) container.set(unbox(key), unbox(value));
  } else if (container instanceof Set) {
    const items = [...container];
    container.clear();
    for (const item of items) container.add(unbox(item));
  } else if (typeof container === "object" && container !== null) {
    for (const [key, value] of Object.entries(container)) if (value instanceof Box) (container as Record<string, unknown>)[key] = value.value;
  }
}
