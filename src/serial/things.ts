// What kind of object something is, as far as travelling is concerned: an instance of a class, or one of the things that
// live in one process only. Words for refusals come from here.

import { types } from "node:util";

/** Why an object cannot travel and what to do instead. */
export interface Refusal {
  /** Continues "it …". */
  readonly fact: string;
  readonly remedy: string;
}

/** The class of an instance and what the object is below it. */
export interface InstanceBase {
  readonly kind: "object" | "array" | "map" | "set";
  readonly theClass: Function;
}

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;

/** Whether the text of the function is hidden: it is part of V8, of Node's native side, or bound. */
export function isNativeFunction(fn: Function): boolean {
  return NATIVE.test(Function.prototype.toString.call(fn));
}

/** The class of `value` when it is an instance of a class written in JavaScript. */
export function instanceBase(value: object): InstanceBase | undefined {
  const proto: object | null = Object.getPrototypeOf(value);
  if (proto === null || !Object.hasOwn(proto, "constructor")) return undefined;
  const theClass = (proto as { readonly constructor: unknown }).constructor;
  if (typeof theClass !== "function" || theClass.prototype !== proto || isNativeFunction(theClass) || isInheritingFunction(theClass)) return undefined;
  const native = nativeAncestor(theClass);
  if (native === undefined || native === "Object") return hasHandle(value) ? undefined : { kind: "object", theClass };
  if (native === "Array" && Array.isArray(value)) return { kind: "array", theClass };
  if (native === "Map" && types.isMap(value)) return { kind: "map", theClass };
  if (native === "Set" && types.isSet(value)) return { kind: "set", theClass };
  return undefined;
}

/** A class written as a function that inherits: what it inherits from is in no text. */
function isInheritingFunction(theClass: Function): boolean {
  const isSyntax = Object.getOwnPropertyDescriptor(theClass, "prototype")?.writable === false;
  const above: unknown = Object.getPrototypeOf(theClass.prototype);
  return !isSyntax && above !== null && Object.getPrototypeOf(above) !== null;
}

function nativeAncestor(theClass: Function): string | undefined {
  let at: object | null = theClass.prototype as object | null;
  while (at !== null) {
    const maker = Object.hasOwn(at, "constructor") ? (at as { readonly constructor: unknown }).constructor : undefined;
    if (typeof maker === "function" && isNativeFunction(maker)) return maker.name;
    at = Object.getPrototypeOf(at);
  }
  return undefined;
}

/** Node's own objects with something native behind them keep it in such a member. */
function hasHandle(value: object): boolean {
  if ("_handle" in value) return true;
  return Object.getOwnPropertySymbols(value).some((symbol) => symbol.description === "kHandle" || symbol.description === "handle");
}

/** Why an object that is neither plain data nor an instance cannot travel; `undefined` when it is plain data. */
export function refusalOf(value: object): Refusal | undefined {
  if (types.isPromise(value)) return { fact: "is a Promise", remedy: "await it and send the result" };
  if (types.isWeakMap(value) || types.isWeakSet(value)) return { fact: `is ${aThing(value)}`, remedy: "send a Map or a Set" };
  if (types.isGeneratorObject(value)) return { fact: "is a running generator", remedy: "send the items as an array, or the generator function" };
  if (types.isDate(value) || types.isRegExp(value) || types.isBoxedPrimitive(value)) return undefined;
  if (types.isExternal(value)) return { fact: "is a native pointer", remedy: "make it on the engine" };
  if (isPlain(value)) return undefined;
  if (hasHandle(value)) return { fact: `is ${aThing(value)} (native handle)`, remedy: "open it on the engine, inside the function" };
  const proto: object = Object.getPrototypeOf(value) as object;
  const maker = (proto as { readonly constructor?: unknown }).constructor;
  if (typeof maker === "function" && maker.name !== "Object") {
    return { fact: `is ${aThing(value)}, which lives in this process only`, remedy: processRemedy(value) };
  }
  return { fact: "has a prototype that belongs to no class", remedy: "send a plain copy of the data: `{ ...value }`" };
}

/** Plain in any realm: vitest and `node:vm` have an `Object.prototype` of their own. */
function isPlain(value: object): boolean {
  const proto: object | null = Object.getPrototypeOf(value);
  if (proto === null || proto === Object.prototype) return true;
  return Object.getPrototypeOf(proto) === null && Object.hasOwn(proto, "hasOwnProperty");
}

/** Name of the kind of a value, for messages. */
export function describeThing(value: unknown): string {
  if (typeof value === "symbol") return value.toString();
  if (typeof value !== "object" || value === null) return typeof value;
  const maker = (value as { readonly constructor?: unknown }).constructor;
  if (typeof maker === "function" && maker.name !== "" && maker.name !== "Object") return maker.name;
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** `describeThing` with its article. */
export function aThing(value: object): string {
  const kind = describeThing(value);
  return `${/^[AEIO]/i.test(kind) ? "an" : "a"} ${kind}`;
}

/** What to do instead of sending what only this process has. */
export function processRemedy(value: object): string {
  if (value instanceof AbortSignal || value instanceof AbortController)
    return "look at `currentTask().signal` of tsparallel/engine in the function, and `cancel()` the result here";
  return "send its data, or make it on the engine, inside the function";
}

/** Whether an array has no holes and no members but its items, so that counting is enough. */
export function isArrayIndexed(items: readonly unknown[]): boolean {
  const keys = Object.keys(items);
  // Indexes come first and in order, so the last key tells about all.
  return keys.length === items.length && (keys.length === 0 || keys[keys.length - 1] === String(items.length - 1));
}
