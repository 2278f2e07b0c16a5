// Values as ipyparallel sends them: a pickle, then frames for large buffers. Bytes, arrays and references at the top, and
// one level inside a list or dict of fewer than 64 items, are "canned": the pickle holds an object that names their facts,
// and an empty place among its `buffers` stands for the next frame (protocol §9.2, §9.3).

import type { Frame } from "../../wire/index.ts";
import { Reference } from "../records.ts";
import { Budget } from "./budget.ts";
import { unreadable } from "./cursor.ts";
import { isTuple, isFrozen, markTuple } from "./kinds.ts";
import { NdArray, type NumberArray } from "./nd-array.ts";
import { readArray } from "./numpy-reader.ts";
import { bytesOf } from "./numpy-writer.ts";
import { writePickle } from "./pickler.ts";
import { PythonObject } from "./python-object.ts";
import { compareTexts } from "./python-text.ts";
import { readPickle } from "./unpickler.ts";

const CANNING = "ipyparallel.serialize.canning";
/** Containers of this many items or more are not looked into. */
const ITEMS_MAX = 64;
/** Larger buffers travel as frames of their own, without a copy. */
const INLINE_BYTES_MAX = 1024;

/** Looks up what a Reference names. */
export type Evaluate = (expression: string) => unknown;

/** Packs a value: the pickle, then a frame for each large buffer, which shares its memory. */
export function packPython(value: unknown, path = "value"): Frame[] {
  const frames: Frame[] = [];
  const canned = canTop(value, frames);
  return [writePickle(canned, path), ...frames];
}

function canTop(value: unknown, frames: Frame[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    if (value.length >= ITEMS_MAX || !value.some(isCannable)) return value;
    const items = value.map((item) => can(item, frames));
    return isTuple(value) ? markTuple(items) : items;
  }
  const entries = value instanceof Map ? [...value.entries()] : isPlain(value) ? Object.entries(value) : undefined;
  if (entries === undefined || entries.length >= ITEMS_MAX) return can(value, frames);
  const sorted = sortKeys(entries);
  // Python's reader sorts the keys; where it could not, a subclass of dict keeps it from looking.
  if (sorted === undefined) return unsortable(entries);
  return entries.some(([, item]) => isCannable(item)) ? new Map(sorted.map(([key, item]) => [key, can(item, frames)])) : value;
}

function unsortable(entries: readonly (readonly [unknown, unknown])[]): PythonObject {
  const dict = new PythonObject("collections", "OrderedDict", { args: [] });
  for (const [key, item] of entries) dict.entries.push([key, item]);
  return dict;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Entries in the order in which Python sorts their keys; `undefined` when it cannot. */
function sortKeys<T extends readonly [unknown, unknown]>(entries: readonly T[]): T[] | undefined {
  if (entries.length < 2) return [...entries];
  if (entries.every(([key]) => typeof key === "string")) return [...entries].sort(([a], [b]) => compareTexts(a as string, b as string));
  const isNumber = (key: unknown): boolean => typeof key === "number" || typeof key === "bigint" || typeof key === "boolean";
  if (!entries.every(([key]) => isNumber(key))) return undefined;
  return [...entries].sort(([a], [b]) => ((a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0));
}

function isCannable(value: unknown): boolean {
  return typeof value === "object" && value !== null && (ArrayBuffer.isView(value) || value instanceof Reference || value instanceof NdArray);
}

function can(value: unknown, frames: Frame[]): unknown {
  if (value instanceof Reference) return canned("Reference", { name: value.name, buffers: [] });
  if (value instanceof NdArray) return canArray(value, value.data, frames);
  if (!ArrayBuffer.isView(value) || value.buffer instanceof SharedArrayBuffer) return value;
  if (!(value instanceof Uint8Array || value instanceof DataView)) return canArray(new NdArray(value as unknown as NumberArray), value, frames);
  if (value.byteLength <= INLINE_BYTES_MAX) return value;
  frames.push(bytesOf(value));
  return canned("CannedBytes", { buffers: [null] });
}

/** The canned form keeps neither Fortran order nor arrays without items: those travel in numpy's own form. */
function canArray(array: NdArray, data: unknown, frames: Frame[]): unknown {
  if (array.order === "F" || array.shape.length === 0 || array.size === 0 || !ArrayBuffer.isView(data) || data.byteLength <= INLINE_BYTES_MAX) return array;
  frames.push(bytesOf(data));
  return canned("CannedArray", { shape: markTuple([...array.shape]), dtype: array.dtype, pickled: false, buffers: [null] });
}

function canned(name: string, state: Readonly<Record<string, unknown>>): PythonObject {
  const object = new PythonObject(CANNING, name, { args: [], origin: "new" });
  object.state = state;
  return object;
}

/** A value that was read, and where the next one begins. */
export interface PythonPart {
  readonly value: unknown;
  readonly next: number;
}

/** Unpacks the value whose pickle is frame `at`. References are looked up with `evaluate`; without it they stay References. */
export function unpackPython(frames: readonly Frame[], at: number, evaluate?: Evaluate): PythonPart {
  const source = { frames, next: at + 1, evaluate, budget: new Budget(frames.reduce((sum, frame) => sum + frame.byteLength, 2 ** 20)) };
  const value = uncanTop(readPickle(frames[at] as Frame), source);
  return { value, next: source.next };
}

interface Source {
  readonly frames: readonly Frame[];
  next: number;
  readonly evaluate: Evaluate | undefined;
  readonly budget: Budget;
}

function uncanTop(value: unknown, source: Source): unknown {
  if (typeof value !== "object" || value === null || isFrozen(value)) return value;
  if (Array.isArray(value) && value.length < ITEMS_MAX) {
    for (let i = 0; i < value.length; i += 1) value[i] = uncan(value[i], source);
    return value;
  }
  if (value instanceof Set && value.size < ITEMS_MAX && [...value].some((item) => item instanceof PythonObject))
    return new Set([...value].map((item) => uncan(item, source)));
  if (value instanceof Map && value.size < ITEMS_MAX) {
    for (const [key, item] of sortKeys([...value.entries()]) ?? []) value.set(key, uncan(item, source));
    return value;
  }
  if (isPlain(value)) {
    const dict = value as Record<string, unknown>;
    const keys = Object.keys(dict);
    if (keys.length >= ITEMS_MAX) return value;
    for (const key of keys.sort(compareTexts)) if (dict[key] instanceof PythonObject) dict[key] = uncan(dict[key], source);
    return value;
  }
  return uncan(value, source);
}

function uncan(value: unknown, source: Source): unknown {
  if (!(value instanceof PythonObject) || value.module !== CANNING || value.origin !== "new") return value;
  const state = value.state;
  if (typeof state !== "object" || state === null || !isPlain(state)) return value;
  const facts = state as Record<string, unknown>;
  const buffers = facts["buffers"];
  const isOwnFrame = Array.isArray(buffers) && buffers[0] === null;
  if (Array.isArray(buffers)) for (let i = 0; i < buffers.length; i += 1) if (buffers[i] === null) buffers[i] = takeFrame(source);
  const first: unknown = Array.isArray(buffers) ? buffers[0] : undefined;
  switch (value.name) {
    case "Reference": {
      const name = facts["name"];
      if (typeof name !== "string") throw unreadable("a Reference has no name");
      return source.evaluate === undefined ? new Reference(name) : source.evaluate(name);
    }
    case "CannedBytes":
    case "CannedMemoryView":
    case "CannedBuffer":
      if (!(first instanceof Uint8Array)) throw unreadable("canned bytes have none");
      return first;
    case "CannedArray":
      return uncanArray(value, facts, first, { isOwnFrame, budget: source.budget });
    default:
      return value;
  }
}

function uncanArray(
  object: PythonObject,
  facts: Record<string, unknown>,
  data: unknown,
  how: { readonly isOwnFrame: boolean; readonly budget: Budget },
): unknown {
  if (!(data instanceof Uint8Array)) throw unreadable("a canned array has no elements");
  if (facts["pickled"] === true) return readPickle(data);
  const { dtype, shape } = facts;
  const isShape = Array.isArray(shape) && shape.every((length) => typeof length === "number" && Number.isSafeInteger(length) && length >= 0);
  if (typeof dtype !== "string" || !isShape) return object;
  return readArray({ dtype, shape: shape as number[], order: "C", data, mayShare: how.isOwnFrame }, how.budget) ?? object;
}

/** The next frame's bytes, in memory of their own type: a plain Uint8Array on the frame. */
function takeFrame(source: Source): Uint8Array {
  const frame = source.frames[source.next];
  if (frame === undefined) throw unreadable("a buffer that belongs to it is missing");
  source.next += 1;
  return new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength);
}
