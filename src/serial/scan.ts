// The quick look at a value before it is written: whether V8's structured clone carries it faithfully as it is. If in
// doubt the answer is no, and the value is copied with care instead.

import { types } from "node:util";

import { isNamespace } from "./known-functions.ts";
import { FRAME_BYTES_MIN } from "./stream.ts";

const PLAIN_PROTOTYPES: ReadonlySet<object> = new Set<object>([
  Date.prototype,
  RegExp.prototype,
  Number.prototype,
  String.prototype,
  Boolean.prototype,
  BigInt.prototype,
]);
const VIEW_PROTOTYPES: ReadonlySet<object> = new Set<object>(
  [
    Uint8Array,
    Int8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    DataView,
    Buffer,
  ].map((view) => view.prototype),
);

// Small trees are looked at without remembering what was seen, which is most of the cost.
const UNREMEMBERED_MAX = 200;
const DEPTH_MAX = 2000;
// An array this long may be nearly empty: the careful copy looks at its keys instead.
const ARRAY_LENGTH_MAX = 1 << 26;

/** Whether V8 writes the value without losing or refusing anything. */
export function isClean(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function" && typeof value !== "symbol";
  return new Scan().look(value, 0);
}

// More than this is V8's: it writes long runs of numbers faster than text.
const FLAT_MEMBERS_MAX = 64;

/** Whether a value is a small plain object or array of primitives that JSON carries exactly. */
export function isFlat(value: object): boolean {
  // What V8 refuses deeper down must not pass as text here.
  if (types.isProxy(value)) return false;
  const proto: object | null = Object.getPrototypeOf(value);
  if (proto === Array.prototype)
    return Array.isArray(value) && value.length <= FLAT_MEMBERS_MAX && value.every(isJsonExact) && Object.keys(value).length === value.length;
  if (proto !== Object.prototype) return false;
  let count = 0;
  for (const key in value) {
    count += 1;
    if (count > FLAT_MEMBERS_MAX || !isJsonExact((value as Record<string, unknown>)[key])) return false;
  }
  return count > 0 || !isNamespace(value);
}

/** Whether all values are flat, from `start` on; `containers` are the objects met so far, none of which may come twice. */
export function areFlat(values: readonly unknown[], start: number, containers: object[]): boolean {
  for (let i = start; i < values.length; i += 1) {
    const value = values[i];
    if (isJsonExact(value)) continue;
    if (typeof value !== "object" || containers.includes(value as object) || !isFlat(value as object)) return false;
    containers.push(value as object);
  }
  return true;
}

function isJsonExact(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value === "string" || typeof value === "boolean" || value === null;
}

class Scan {
  #looked = 0;
  #seen: Set<object> | undefined;

  look(value: object, depth: number): boolean {
    const proto: object | null = Object.getPrototypeOf(value);
    if (proto !== null && VIEW_PROTOTYPES.has(proto)) return (value as ArrayBufferView).buffer instanceof ArrayBuffer;
    this.#looked += 1;
    if (this.#looked > UNREMEMBERED_MAX) {
      this.#seen ??= new Set();
      if (this.#seen.has(value)) return true;
      this.#seen.add(value);
    }
    if (depth > DEPTH_MAX) return false;
    if (proto === Object.prototype || proto === null) return this.#lookAtMembers(value as Record<string, unknown>, depth + 1);
    if (proto === Array.prototype) return Array.isArray(value) && this.#lookAtItems(value, depth + 1);
    if (proto === Map.prototype) return value instanceof Map && this.#lookAtMap(value as Map<unknown, unknown>, depth + 1);
    if (proto === Set.prototype) return value instanceof Set && this.#lookAtAll(value as Set<unknown>, depth + 1);
    if (proto === ArrayBuffer.prototype) return (value as ArrayBuffer).byteLength < FRAME_BYTES_MIN;
    return PLAIN_PROTOTYPES.has(proto);
  }

  #lookAtMembers(value: Record<string, unknown>, depth: number): boolean {
    let isEmpty = true;
    for (const key in value) {
      if (!this.#lookAt(value[key], depth)) return false;
      isEmpty = false;
    }
    return !isEmpty || !isNamespace(value);
  }

  #lookAtItems(items: readonly unknown[], depth: number): boolean {
    if (items.length > ARRAY_LENGTH_MAX) return false;
    for (let i = 0; i < items.length; i += 1) {
      const item = items[i];
      if (typeof item !== "number" && typeof item !== "string" && !this.#lookAt(item, depth)) return false;
    }
    return true;
  }

  #lookAtMap(map: Map<unknown, unknown>, depth: number): boolean {
    for (const [key, value] of map) if (!this.#lookAt(key, depth) || !this.#lookAt(value, depth)) return false;
    return true;
  }

  #lookAtAll(items: Iterable<unknown>, depth: number): boolean {
    for (const item of items) if (!this.#lookAt(item, depth)) return false;
    return true;
  }

  #lookAt(value: unknown, depth: number): boolean {
    if (typeof value === "object") return value === null || this.look(value, depth);
    return typeof value !== "function" && typeof value !== "symbol";
  }
}
