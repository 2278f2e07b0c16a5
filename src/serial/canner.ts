// Turns values into what V8 can write. What V8 carries by itself stays as it is; everything else (functions, classes,
// instances, errors, references, big ArrayBuffers) becomes a mark and an entry of the table of specials, or is refused
// with the path that leads to it and a remedy.
//
// Two passes over the same road: first without copying, when all that needs care stands at the top (the function of a
// call, captured variables, whole arguments); if something deeper needs care, again with a copy of every container, so
// that shared and circular references hold through marks as well.

import { types } from "node:util";

import { SerializationError, isParallelError, remedyOf } from "../base/index.ts";
import { addedStatics, captureFunction, hasPrivateMembers, isNodeOwn } from "./capture.ts";
import { knownFact } from "./known-functions.ts";
import { FactValue, Reference, type CodeRecord, type Fact } from "./records.ts";
import { refusedFunction, refusedValue } from "./refusals.ts";
import { isClean } from "./scan.ts";
import { BufferMark, FRAME_BYTES_MIN, Mark, markOf } from "./stream.ts";
import { aThing, describeThing, instanceBase, isArrayIndexed, processRemedy, refusalOf } from "./things.ts";

/** An entry of the table of specials while it is being made. */
export interface Special {
  readonly fact: Fact | undefined;
  readonly code: CodeRecord | undefined;
  /** What is bound to the names of `code`, in order. */
  values: unknown[];
  /** What fills the object after it was made; `undefined` for facts and plain functions. */
  content: unknown;
}

/** Thrown inside when the pass without copies meets something that needs care. */
class CopyNeeded extends Error {}

/** Result of canning: what is written. */
export interface Canned {
  readonly specials: readonly Special[];
  readonly roots: readonly unknown[];
  /** Containers in which the reader must replace boxes by what they hold. */
  readonly boxed: readonly object[];
}

/** Cans values that are written into one payload; `labels` name them in errors. */
export function can(values: readonly unknown[], labels: readonly string[]): Canned {
  try {
    return new Canner(false).can(values, labels);
  } catch (error) {
    if (!(error instanceof CopyNeeded)) throw error;
    return canCopying(values, labels);
  }
}

/** The careful pass alone: for values of which V8 refused something. */
export function canCopying(values: readonly unknown[], labels: readonly string[]): Canned {
  return new Canner(true).can(values, labels);
}

class Canner {
  readonly #copying: boolean;
  readonly #specials: Special[] = [];
  readonly #indexes = new Map<object, number>();
  readonly #copies = new Map<object, object>();
  readonly #boxed = new Set<object>();
  /** The way from the value to the present place. */
  readonly #path: string[] = [];
  /** Names of the functions around the present place. */
  readonly #functions: string[] = [];

  constructor(copying: boolean) {
    this.#copying = copying;
  }

  can(values: readonly unknown[], labels: readonly string[]): Canned {
    const roots = values.map((value, i) => this.#at(labels[i] as string, () => this.#place(value)));
    return { specials: this.#specials, roots, boxed: [...this.#boxed] };
  }

  #at<T>(step: string, go: () => T): T {
    this.#path.push(step);
    const result = go();
    this.#path.pop();
    return result;
  }

  /** What stands for `value` in the stream. */
  #place(value: unknown): unknown {
    if (typeof value === "function") return this.#placeFunction(value);
    if (typeof value === "symbol") return this.#placeSymbol(value);
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Reference) return this.#placeFact(value, ["reference", value.name]);
    if (value instanceof FactValue) return this.#placeFact(value, value.fact);
    if (this.#copying) return this.#copy(value);
    if (isClean(value)) return value;
    throw new CopyNeeded();
  }

  // ── specials ──

  #add(key: object, fact: Fact | undefined, code?: CodeRecord): Special {
    const special: Special = { fact, code, values: [], content: undefined };
    this.#indexes.set(key, this.#specials.push(special) - 1);
    return special;
  }

  #mark(key: object): Mark {
    return markOf(this.#indexes.get(key) as number);
  }

  #placeFact(key: object, fact: Fact): object {
    if (!this.#indexes.has(key)) this.#add(key, fact);
    return this.#mark(key);
  }

  #placeSymbol(symbol: symbol): object {
    const key = Symbol.keyFor(symbol);
    if (key === undefined) throw this.#refuse(`is the ${describeThing(symbol)}, which is the same nowhere else`, "use `Symbol.for(name)` or a string");
    return this.#placeFact(new FactValue(["symbol", key]), ["symbol", key]);
  }

  #placeFunction(fn: Function): object {
    if (this.#indexes.has(fn)) return this.#mark(fn);
    const isOutermost = this.#functions.length === 0;
    const name = fn.name === "" ? "anonymous" : fn.name;
    this.#functions.push(name);
    const captured = captureFunction(fn, (problem, remedy) => this.#refuseFunction(problem, remedy));
    if ("bound" in captured) this.#placeBound(fn, captured.bound);
    else if ("fact" in captured) this.#add(fn, captured.fact);
    else {
      const special = this.#add(fn, undefined, captured);
      const pathBefore = isOutermost ? this.#path.splice(0) : [];
      this.#bind(special, captured);
      if (isOutermost) this.#path.push(...pathBefore);
      if (captured.code.facts.form === "class") this.#placeStatics(fn, special);
      else this.#placeOwnProperties(fn, special);
    }
    this.#functions.pop();
    return this.#mark(fn);
  }

  #bind(special: Special, captured: CodeRecord): void {
    const names = captured.code.facts.bindings;
    const values = captured.values();
    for (let i = 0; i < names.length; i += 1) {
      const value = values[i];
      if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") {
        special.values.push(value);
        continue;
      }
      this.#path.push(this.#path.length === 0 ? (names[i] as string) : ` → ${names[i]}`);
      special.values.push(this.#place(value));
      this.#path.pop();
    }
  }

  #placeBound(fn: Function, parts: readonly [target: unknown, self: unknown, args: readonly unknown[]]): void {
    const special = this.#add(fn, ["bound"]);
    special.content = this.#bare([
      this.#at(" → bound target", () => this.#place(parts[0])),
      this.#at(" → bound this", () => this.#place(parts[1])),
      ...parts[2].map((arg, i) => this.#at(` → bound argument ${i}`, () => this.#place(arg))),
    ]);
  }

  /** `f.cache = …` belongs to what `f` is, as do the methods of classes written as functions. */
  #placeOwnProperties(fn: Function, special: Special): void {
    const keys = Object.keys(fn);
    const prototype: unknown = fn.prototype;
    const methodKeys = typeof prototype === "object" && prototype !== null ? Object.keys(prototype) : [];
    if (keys.length === 0 && methodKeys.length === 0) return;
    special.content = this.#bare([this.#placeMembers(fn, keys, "."), this.#placeMembers(prototype, methodKeys, ".prototype.")]);
  }

  #placeMembers(owner: unknown, keys: readonly string[], step: string): Record<string, unknown> {
    const members: Record<string, unknown> = this.#bare({});
    for (const key of keys) {
      const placed = this.#at(step + key, () => this.#place((owner as Record<string, unknown>)[key]));
      setOwn(members, key, placed);
    }
    return members;
  }

  /** What the text of a class does not make there. A member that cannot travel stays behind: who sends an instance may not even know of it. */
  #placeStatics(theClass: Function, special: Special): void {
    const keys = addedStatics(theClass);
    if (keys.length === 0) return;
    const props: Record<string, unknown> = this.#bare({});
    for (const key of keys) {
      const placed = this.#attempt(() => ({ value: this.#at(`.${key}`, () => this.#place(this.#read(theClass, key))) }));
      if (placed !== undefined) setOwn(props, key, placed.value);
    }
    special.content = this.#bare([props, {}]);
  }

  /** A container made here, whose members may be boxes when read. */
  #bare<T extends object>(container: T): T {
    this.#boxed.add(container);
    return container;
  }

  // ── copies ──

  #copy(value: object): object {
    const copied = this.#copies.get(value);
    if (copied !== undefined) return copied;
    if (this.#indexes.has(value)) return this.#mark(value);
    if (types.isProxy(value)) throw this.#refuse("is a Proxy", "send what it stands for");
    if (ArrayBuffer.isView(value)) return this.#keepView(value);
    if (types.isAnyArrayBuffer(value)) return this.#copyBuffer(value);
    if (types.isNativeError(value) || value instanceof Error) return this.#placeError(value);
    if (value instanceof URL) return this.#placeFact(value, ["url", value.href]);
    if (value instanceof URLSearchParams) return this.#placeFact(value, ["search", value.toString()]);
    const known = knownFact(value);
    if (known !== undefined) return this.#placeFact(value, known);
    const base = instanceBase(value);
    if (base !== undefined) return this.#placeInstance(value, base);
    if (Array.isArray(value)) return this.#copyArray(value, this.#remember(value, new Array(value.length)));
    if (types.isMap(value)) return this.#copyMap(value, this.#remember(value, new Map()));
    if (types.isSet(value)) return this.#copySet(value, this.#remember(value, new Set()));
    const refusal = refusalOf(value);
    if (refusal !== undefined) throw this.#refuse(refusal.fact, refusal.remedy);
    if (types.isDate(value) || types.isRegExp(value) || types.isBoxedPrimitive(value)) return value;
    return this.#copyMembers(value, this.#remember(value, {}));
  }

  #remember<T extends object>(value: object, copy: T): T {
    this.#copies.set(value, copy);
    return copy;
  }

  #keepView(view: ArrayBufferView): ArrayBufferView {
    if (types.isSharedArrayBuffer(view.buffer)) throw this.#refuse("is a view on shared memory", "send a copy: `array.slice()`");
    return view;
  }

  #copyBuffer(buffer: ArrayBufferLike): object {
    if (types.isSharedArrayBuffer(buffer)) throw this.#refuse("is shared memory", "send a copy: `new Uint8Array(shared).slice()`");
    return buffer.byteLength < FRAME_BYTES_MIN ? buffer : this.#remember(buffer, new BufferMark(buffer as ArrayBuffer));
  }

  #copyArray(items: readonly unknown[], copy: unknown[]): unknown[] {
    // Holes stay holes, and an array may have members with names: its keys are both.
    if (isArrayIndexed(items)) {
      for (let i = 0; i < items.length; i += 1) copy[i] = this.#member(copy, `[${i}]`, items[i]);
      return copy;
    }
    for (const key of Object.keys(items)) setOwn(copy, key, this.#member(copy, `[${key}]`, (items as unknown as Record<string, unknown>)[key]));
    return copy;
  }

  #copyMap(map: ReadonlyMap<unknown, unknown>, copy: Map<unknown, unknown>): Map<unknown, unknown> {
    let i = 0;
    for (const [key, value] of map) {
      copy.set(this.#member(copy, `.key(${i})`, key), this.#member(copy, mapStep(key, i), value));
      i += 1;
    }
    return copy;
  }

  #copySet(set: ReadonlySet<unknown>, copy: Set<unknown>): Set<unknown> {
    let i = 0;
    for (const item of set) copy.add(this.#member(copy, `.item(${i++})`, item));
    return copy;
  }

  #copyMembers<T extends object>(value: object, copy: T, isLeftOut?: (key: string) => boolean): T {
    for (const key of Object.keys(value)) {
      if (isLeftOut?.(key) === true) continue;
      this.#path.push(memberStep(key));
      setOwn(copy, key, this.#boxedIn(copy, this.#place(this.#read(value, key))));
      this.#path.pop();
    }
    return copy;
  }

  #read(value: object, key: string): unknown {
    try {
      return (value as Record<string, unknown>)[key];
    } catch (cause) {
      throw this.#refuse("is a getter that throws", "send a plain copy of the data", cause);
    }
  }

  #member(container: object, step: string, value: unknown): unknown {
    if (typeof value === "number" || typeof value === "string") return value;
    return this.#at(step, () => this.#boxedIn(container, this.#place(value)));
  }

  /** Notes the container when the reader may find a box in it: marks of facts may stand for anything. */
  #boxedIn(container: object, placed: unknown): unknown {
    if (placed instanceof Mark && this.#specials[placed.index]?.fact !== undefined) this.#boxed.add(container);
    return placed;
  }

  // ── errors and instances ──

  #placeError(error: Error): object {
    const className = errorClassName(error);
    const classIndex = this.#errorClass(error);
    const special = this.#add(error, ["error", className, classIndex]);
    const props = this.#bare({});
    const content: Record<string, unknown> = this.#bare({
      message: String(error.message),
      stack: typeof error.stack === "string" ? error.stack : undefined,
      props,
    });
    if (Object.hasOwn(error, "cause")) content["cause"] = this.#at(".cause", () => this.#place(error.cause));
    if (error instanceof AggregateError) content["errors"] = this.#at(".errors", () => this.#place(error.errors));
    if (Object.hasOwn(error, "name")) content["name"] = String(error.name);
    special.content = content;
    this.#copyMembers(error, props, (key) => key in content || key === "errors");
    return this.#mark(error);
  }

  /** Errors of the user's own classes come back as instances; if the class cannot travel, its name does. */
  #errorClass(error: Error): number {
    const theClass = (error as { readonly constructor?: unknown }).constructor;
    if (typeof theClass !== "function" || isParallelError(error) || /\[native code\]/.test(Function.prototype.toString.call(theClass))) return -1;
    // An error must arrive, whatever its class closes over.
    return this.#attempt(() => this.#at(".constructor", () => (this.#placeFunction(theClass) as Mark).index)) ?? -1;
  }

  /** Undoes what was begun when something in it cannot travel; `undefined` then. */
  #attempt<T>(work: () => T): T | undefined {
    const before = { specials: this.#specials.length, path: [...this.#path], functions: this.#functions.length };
    const [copies, boxed] = [this.#copies.size, this.#boxed.size];
    try {
      return work();
    } catch (failure) {
      if (!(failure instanceof SerializationError)) throw failure;
      this.#specials.length = before.specials;
      this.#path.splice(0, this.#path.length, ...before.path);
      this.#functions.length = before.functions;
      for (const [key, index] of this.#indexes) if (index >= before.specials) this.#indexes.delete(key);
      for (const key of [...this.#copies.keys()].slice(copies)) this.#copies.delete(key);
      for (const container of [...this.#boxed].slice(boxed)) this.#boxed.delete(container);
      return undefined;
    }
  }

  #placeInstance(value: object, base: { readonly kind: "object" | "array" | "map" | "set"; readonly theClass: Function }): object {
    const remedy = remedyOf(value) ?? (isNodeOwn(base.theClass) ? processRemedy(value) : undefined);
    if (remedy !== undefined) throw this.#refuse(`is ${aThing(value)}, which lives in this process only`, remedy);
    const special = this.#addInstanceLater(value);
    const classMark = this.#at(".constructor", () => this.#placeFunction(base.theClass)) as Mark;
    if (this.#hasPrivate(base.theClass))
      throw this.#refuse(`is ${aThing(value)} with private #fields, which nothing outside the class can read`, "send its data, and construct it there");
    (special as { fact: Fact }).fact = ["instance", classMark.index, base.kind];
    const props = this.#copyMembers(value, this.#bare({}), base.kind === "array" ? (key) => /^\d+$/.test(key) : undefined);
    const items = this.#bare([] as unknown[]);
    if (base.kind === "array") this.#copyArray(Array.from(value as unknown[]), items);
    if (base.kind === "map")
      for (const [key, item] of value as Map<unknown, unknown>) items.push(this.#member(items, ".key", key), this.#member(items, ".value", item));
    if (base.kind === "set") for (const item of value as Set<unknown>) items.push(this.#member(items, ".item", item));
    special.content = this.#bare([props, items]);
    return this.#mark(value);
  }

  /** The index must exist before the members are looked at: an instance may hold itself. */
  #addInstanceLater(value: object): Special {
    return this.#add(value, ["instance", -1, "object"]);
  }

  #hasPrivate(theClass: Function): boolean {
    if (hasPrivateMembers(theClass)) return true;
    for (let at: unknown = theClass; typeof at === "function" && at !== Function.prototype; at = Object.getPrototypeOf(at)) {
      const index = this.#indexes.get(at);
      if (index !== undefined && this.#specials[index]?.code?.code.facts.hasPrivate === true) return true;
    }
    return false;
  }

  // ── refusals ──

  #refuse(problem: string, remedy: string, cause?: unknown): SerializationError {
    return refusedValue(this.#path.join(""), this.#functions, { problem, remedy, cause });
  }

  #refuseFunction(problem: string, remedy: string): SerializationError {
    return refusedFunction(this.#path.join(""), this.#functions, { problem, remedy });
  }
}

function setOwn(target: object, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else (target as Record<string, unknown>)[key] = value;
}

function memberStep(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function mapStep(key: unknown, i: number): string {
  return typeof key === "string" || typeof key === "number" ? `.get(${JSON.stringify(key)})` : `.value(${i})`;
}

function errorClassName(error: Error): string {
  const own = error.constructor as { readonly name?: unknown } | undefined;
  const name = error.name;
  return typeof name === "string" && name !== "Error" ? name : typeof own?.name === "string" && own.name !== "" ? own.name : "Error";
}
