// numpy's arrays and scalars out of pickles and raw frames. One-dimensional numbers become typed arrays, everything else
// an NdArray; element types that neither has (structures, long doubles) are left to the caller as `undefined`.

import type { Budget } from "./budget.ts";
import { unreadable } from "./cursor.ts";
import { elementType, NdArray, sizeOf, type NumberArray } from "./nd-array.ts";
import { PythonObject } from "./python-object.ts";

const ITEM_BYTES = 48;
const UCS4_BYTES = 4;
const CODE_POINT_MAX = 0x10ffff;

/** An array to be read. */
export interface ArrayParts {
  /** numpy's name, like `<f8`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly order: "C" | "F";
  /** The elements: bytes, or a list for objects. */
  readonly data: unknown;
  /** Whether the result may lie in the memory of `data`. */
  readonly mayShare: boolean;
}

/** The array, when its element type is known here. */
export function readArray(parts: ArrayParts, budget: Budget): NumberArray | NdArray | undefined {
  const { dtype, shape, order, data } = parts;
  if (dtype.endsWith("O"))
    return Array.isArray(data) && data.length === sizeOf(shape) ? new NdArray<readonly unknown[]>(data, shape, { order, dtype: "|O" }) : undefined;
  if (!(data instanceof Uint8Array)) return undefined;
  const texts = readTexts(dtype, data, sizeOf(shape), budget);
  if (texts !== undefined) return new NdArray<readonly unknown[]>(texts, shape, { order, dtype: littleEndian(dtype) });
  const type = elementType(dtype);
  if (type === undefined) return undefined;
  if (data.length !== sizeOf(shape) * type.bytes * type.perItem)
    throw unreadable(`${data.length} bytes are no array of ${dtype} with the shape ${JSON.stringify(shape)}`);
  const isBig = dtype.startsWith(">") && type.bytes > 1;
  const isAligned = data.byteOffset % type.bytes === 0;
  if (isBig || !isAligned || !parts.mayShare) budget.spend(data.length);
  const bytes = isBig ? swapped(data, type.bytes) : isAligned && parts.mayShare ? data : new Uint8Array(data);
  const numbers = new type.make(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / type.bytes);
  return type.isOwn && shape.length === 1 ? numbers : new NdArray<NumberArray>(numbers, shape, { order, dtype: littleEndian(dtype) });
}

/** Ours are always little endian; single bytes have no order. */
function littleEndian(dtype: string): string {
  return dtype.startsWith(">") ? `<${dtype.slice(1)}` : dtype;
}

function swapped(data: Uint8Array, width: number): Uint8Array {
  const copy = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += width) for (let i = 0; i < width; i += 1) copy[at + i] = data[at + width - 1 - i] as number;
  return copy;
}

/** Items of fixed length, filled up with zeros: texts (`U`) and bytes (`S`). */
function readTexts(dtype: string, data: Uint8Array, size: number, budget: Budget): unknown[] | undefined {
  const match = /^([<>|=])([US])(\d{1,9})$/.exec(dtype);
  if (match === null) return undefined;
  const width = Number(match[3]) * (match[2] === "U" ? UCS4_BYTES : 1);
  // Without width any number of items would fit into nothing.
  if (width === 0 || size * width !== data.length) throw unreadable(`${data.length} bytes are no array of ${size} items of ${dtype}`);
  budget.spend(size * ITEM_BYTES);
  const items: unknown[] = [];
  for (let at = 0; at < data.length; at += width) {
    const item = data.subarray(at, at + width);
    items.push(match[2] === "U" ? readUcs4(item, match[1] === ">") : readPadded(item));
  }
  return items;
}

function readUcs4(item: Uint8Array, isBig: boolean): string {
  const view = new DataView(item.buffer, item.byteOffset, item.byteLength);
  let text = "";
  for (let at = 0; at < item.length; at += UCS4_BYTES) {
    const code = view.getUint32(at, !isBig);
    if (code > CODE_POINT_MAX) throw unreadable("a text of an array has a character that does not exist");
    text += String.fromCodePoint(code);
  }
  return text.replace(/\0+$/, "");
}

function readPadded(item: Uint8Array): Uint8Array {
  let end = item.length;
  while (end > 0 && item[end - 1] === 0) end -= 1;
  return item.slice(0, end);
}

/** numpy's name of a `numpy.dtype(...)` with its state; `undefined` for structures. */
function dtypeName(dtype: unknown): string | undefined {
  if (!(dtype instanceof PythonObject) || dtype.qualifiedName !== "numpy.dtype" || typeof dtype.args[0] !== "string") return undefined;
  const code = dtype.args[0];
  if (/^[|<=>]?O/.test(code)) return "|O";
  if (/^[<>|]/.test(code)) return code; // As we write it; Python gives the byte order in the state.
  const state = Array.isArray(dtype.state) ? (dtype.state as unknown[]) : [];
  const [, endian, , names] = state;
  if (Array.isArray(names) || code.startsWith("V")) return undefined;
  return `${typeof endian === "string" && endian !== "=" ? endian : "<"}${code}${timeUnit(state[8])}`;
}

/** `[ns]` out of the metadata of dates and durations: `({}, (unit, count, ...))`. */
function timeUnit(metadata: unknown): string {
  const facts: unknown = Array.isArray(metadata) ? metadata[1] : undefined;
  if (!Array.isArray(facts)) return "";
  const [unit, count] = facts as unknown[];
  const name = unit instanceof Uint8Array ? Buffer.from(unit).toString("latin1") : unit;
  return typeof name === "string" && name !== "generic" ? `[${count === 1 ? "" : Number(count)}${name}]` : "";
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every((length) => typeof length === "number" && Number.isSafeInteger(length) && length >= 0);
}

/** `BUILD` of `_reconstruct(ndarray, (0,), b"b")`: its state is (version, shape, dtype, is Fortran, elements). */
export function buildArray(target: PythonObject, state: unknown, budget: Budget): NumberArray | NdArray | undefined {
  if (target.name !== "_reconstruct" || !/^numpy\._?core\.multiarray$/.test(target.module) || !Array.isArray(state)) return undefined;
  const [base] = target.args;
  if (!(base instanceof PythonObject) || base.qualifiedName !== "numpy.ndarray") return undefined;
  const [shape, dtype, isFortran, data] = (state.length === 5 ? state.slice(1) : state) as unknown[];
  const name = dtypeName(dtype);
  if (!isShape(shape) || name === undefined) return undefined;
  return readArray({ dtype: name, shape, order: isFortran === true ? "F" : "C", data, mayShare: false }, budget);
}

/** `_frombuffer(bytes, dtype, shape, order)`: arrays in protocol 5. */
export function arrayFromBuffer(args: readonly unknown[], budget: Budget): NumberArray | NdArray | undefined {
  const [data, dtype, shape, order] = args;
  const name = dtypeName(dtype);
  if (!isShape(shape) || name === undefined) return undefined;
  return readArray({ dtype: name, shape, order: order === "F" ? "F" : "C", data, mayShare: false }, budget);
}

/** `scalar(dtype, bytes)`: a number, bigint (where a number is not exact), boolean or text. */
export function readScalar(args: readonly unknown[], budget: Budget): unknown {
  const [dtype, data] = args;
  const name = dtypeName(dtype);
  if (name === undefined) return undefined;
  const array = readArray({ dtype: name, shape: [1], order: "C", data, mayShare: false }, budget);
  if (array instanceof NdArray) return scalarOf(array, name);
  const value = array?.[0];
  if (typeof value !== "bigint") return value;
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function scalarOf(array: NdArray, dtype: string): unknown {
  switch (dtype.slice(1, 2)) {
    case "b":
      return array.data[0] === 1;
    case "U":
    case "S":
      return array.data[0];
    case "c":
      return new PythonObject("builtins", "complex", { args: [array.data[0], array.data[1]] });
    case "u":
      return array.data[0];
    case "f":
      return halfFloat(array.data[0] as number);
    default:
      // Dates and durations keep their unit in the stand-in.
      return undefined;
  }
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
