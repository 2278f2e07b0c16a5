// numpy's arrays in the form numpy's own pickles have: the only one that keeps Fortran order, no dimensions and objects.

import { markTuple } from "./kinds.ts";
import { elementType, type NdArray } from "./nd-array.ts";
import { PythonObject } from "./python-object.ts";

const MULTIARRAY = "numpy.core.multiarray"; // numpy 2 still knows its name of numpy 1.
const STATE_VERSION = 1;
const UCS4_BYTES = 4;

/** The array as a call of numpy's; a text tells why it cannot be written. */
export function arrayAsObject(array: NdArray): PythonObject | string {
  const data = elementsOf(array);
  if (typeof data === "string") return data;
  const ndarray = new PythonObject("numpy", "ndarray");
  const object = new PythonObject(MULTIARRAY, "_reconstruct", { args: [ndarray, markTuple([0]), new Uint8Array([0x62])] });
  const dtype = new PythonObject("numpy", "dtype", { args: [array.dtype] });
  object.state = markTuple([STATE_VERSION, markTuple([...array.shape]), dtype, array.order === "F", data]);
  return object;
}

/** The bytes of an array of numbers, not copied. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function elementsOf({ data, dtype }: NdArray): Uint8Array | readonly unknown[] | string {
  if (ArrayBuffer.isView(data)) return bytesOf(data);
  if (dtype.endsWith("O")) return [...data];
  const match = /^[<>|=]([US])(\d{1,9})$/.exec(dtype);
  if (match === null || elementType(dtype) !== undefined) return `is an array of ${dtype}, which a list cannot hold`;
  const length = Number(match[2]);
  return match[1] === "U" ? ucs4(data, length) : padded(data, length);
}

function ucs4(items: readonly unknown[], length: number): Uint8Array | string {
  const bytes = Buffer.alloc(items.length * length * UCS4_BYTES);
  for (const [i, item] of items.entries()) {
    const points = typeof item === "string" ? Array.from(item, (char) => char.codePointAt(0) as number) : undefined;
    if (points === undefined || points.length > length) return `has an item ${i} that is no text of at most ${length} characters`;
    for (const [j, point] of points.entries()) bytes.writeUInt32LE(point, (i * length + j) * UCS4_BYTES);
  }
  return bytes;
}

function padded(items: readonly unknown[], length: number): Uint8Array | string {
  const bytes = Buffer.alloc(items.length * length);
  for (const [i, item] of items.entries()) {
    if (!(item instanceof Uint8Array) || item.length > length) return `has an item ${i} that is not at most ${length} bytes`;
    bytes.set(item, i * length);
  }
  return bytes;
}
