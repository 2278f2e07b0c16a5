// NdArray: numpy's arrays where a typed array does not say enough: more dimensions than one, Fortran order, or element
// types that JavaScript has no array for.

import { InvalidArgumentError } from "../../base/index.ts";

/** Arrays of JavaScript that hold numpy's numbers. */
export type NumberArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** Elements of an NdArray: numbers, or values of any kind for texts (`<U…`) and objects (`|O`). */
export type NdData = NumberArray | readonly unknown[];

/** How an NdArray's elements lie in memory and what they are. */
export interface NdArrayOptions {
  /** `C` (default): the last index varies fastest. `F`: the first does. */
  readonly order?: "C" | "F" | undefined;
  /** numpy's name of the element type, little endian, like `<f8`; default: that of the data. */
  readonly dtype?: string | undefined;
}

/** Element types by their numpy name: the array that holds them, and how many of its elements make one. */
interface ElementType {
  readonly make: new (buffer: ArrayBuffer, byteOffset: number, length: number) => NumberArray;
  readonly bytes: number;
  readonly perItem: number;
  /** A typed array alone, sent back, becomes this type again. */
  readonly isOwn: boolean;
}

const own = (make: ElementType["make"], bytes: number): ElementType => ({ make, bytes, perItem: 1, isOwn: true });
const raw = (make: ElementType["make"], bytes: number, perItem = 1): ElementType => ({ make, bytes, perItem, isOwn: false });

const ELEMENT_TYPES: ReadonlyMap<string, ElementType> = new Map([
  ["i1", own(Int8Array, 1)],
  ["u1", raw(Uint8Array, 1)],
  ["i2", own(Int16Array, 2)],
  ["u2", own(Uint16Array, 2)],
  ["i4", own(Int32Array, 4)],
  ["u4", own(Uint32Array, 4)],
  ["i8", own(BigInt64Array, 8)],
  ["u8", own(BigUint64Array, 8)],
  ["f4", own(Float32Array, 4)],
  ["f8", own(Float64Array, 8)],
  ["b1", raw(Uint8Array, 1)],
  ["f2", raw(Uint16Array, 2)],
  ["c8", raw(Float32Array, 4, 2)],
  ["c16", raw(Float64Array, 8, 2)],
  ["M8", raw(BigInt64Array, 8)],
  ["m8", raw(BigInt64Array, 8)],
]);

/** The element type of a numpy name like `<f8` or `<M8[ns]`; `undefined` when there is none here. */
export function elementType(dtype: string): ElementType | undefined {
  return ELEMENT_TYPES.get(dtype.slice(1).replace(/\[.*$/, ""));
}

/** numpy's name for the elements of a typed array. */
export function dtypeOf(data: NumberArray): string {
  for (const [name, type] of ELEMENT_TYPES) {
    if (type.isOwn && data instanceof type.make) return `${type.bytes === 1 ? "|" : "<"}${name}`;
  }
  return "|u1";
}

/** Number of items of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/**
 * An array of numpy's. One-dimensional arrays of numbers travel as plain typed arrays in both directions, but for bytes: a
 * Uint8Array is Python's `bytes`. NdArray is for all others. Elements of `data` lie in the order of memory:
 *
 * ```ts
 * const matrix = new NdArray(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
 * matrix.at(1, 0); // 4
 * ```
 *
 * Booleans (`|b1`) are a Uint8Array of 0 and 1, half floats (`<f2`) their bits in a Uint16Array, complex numbers (`<c16`)
 * pairs of real and imaginary part, dates (`<M8[ns]`) and durations bigints of their unit.
 */
export class NdArray<Data extends NdData = NdData> {
  /** The elements, one after the other. */
  readonly data: Data;
  /** Length of each dimension; `[]` for a single element. */
  readonly shape: readonly number[];
  /** `C`: the last index varies fastest; `F`: the first. */
  readonly order: "C" | "F";
  /** numpy's name of the element type, like `<f8`. */
  readonly dtype: string;

  /**
   * Describes data that lies in memory already.
   *
   * @param shape length of each dimension; default: one dimension
   * @throws InvalidArgumentError when shape, type and data do not fit one another
   */
  constructor(data: Data, shape?: readonly number[], options: NdArrayOptions = {}) {
    const isNumbers = ArrayBuffer.isView(data);
    this.dtype = options.dtype ?? (isNumbers ? dtypeOf(data as NumberArray) : "|O");
    const type = elementType(this.dtype);
    const perItem = type?.perItem ?? 1;
    if (isNumbers ? type === undefined || !((data as object) instanceof type.make || data instanceof Uint8ClampedArray) : type !== undefined)
      throw new InvalidArgumentError(`elements of type ${this.dtype} do not lie in ${isNumbers ? data.constructor.name : "a list"}`);
    this.data = data;
    this.shape = [...(shape ?? [data.length / perItem])];
    this.order = options.order ?? "C";
    if (!this.shape.every((length) => Number.isSafeInteger(length) && length >= 0) || sizeOf(this.shape) * perItem !== data.length)
      throw new InvalidArgumentError(`a shape of ${JSON.stringify(this.shape)} does not fit ${data.length} elements`);
  }

  /** Number of items. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The item at these indexes, one for each dimension, from the end when negative; `[real, imaginary]` of a complex one. */
  at(...indexes: number[]): unknown {
    if (indexes.length !== this.shape.length)
      throw new InvalidArgumentError(`an array of ${this.shape.length} dimensions takes as many indexes, and got ${indexes.length}`);
    let position = 0;
    const axes = this.shape.map((_, axis) => (this.order === "C" ? axis : this.shape.length - 1 - axis));
    for (const axis of axes) {
      const length = this.shape[axis] as number;
      const wanted = indexes[axis] as number;
      const index = wanted < 0 ? wanted + length : wanted;
      if (!Number.isInteger(index) || index < 0 || index >= length)
        throw new InvalidArgumentError(`index ${wanted} is outside of dimension ${axis}, whose length is ${length}`);
      position = position * length + index;
    }
    const perItem = elementType(this.dtype)?.perItem ?? 1;
    return perItem === 1 ? this.data[position] : [this.data[position * perItem], this.data[position * perItem + 1]];
  }
}
