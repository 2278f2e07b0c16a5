// Sequences of a map, cut into chunks. Typed arrays are cut without copying.

import { InvalidArgumentError } from "../base/index.ts";
import type { Span } from "../core/client/index.ts";

/** Something indexed that can be cut. */
export interface Sliceable extends ArrayLike<unknown> {
  slice(start: number, end: number): ArrayLike<unknown>;
}

type TypedArray = Sliceable & { subarray(start: number, end: number): ArrayLike<unknown> };

/** Reads the sequences once. Iterables are gathered; arrays and typed arrays are taken as they are. */
export function readSequences(sequences: readonly unknown[]): Sliceable[] {
  if (sequences.length === 0) throw new InvalidArgumentError("map needs at least one sequence");
  return sequences.map((sequence, i) => readSequence(sequence, `map's sequence ${i + 1}`));
}

/** Reads one sequence; `name` is for the error when it is none. */
export function readSequence(sequence: unknown, name: string): Sliceable {
  if (Array.isArray(sequence) || isTypedArray(sequence)) return sequence;
  if (typeof sequence === "object" && sequence !== null && Symbol.iterator in sequence) return [...(sequence as Iterable<unknown>)];
  if (typeof sequence === "string") return Array.from(sequence);
  throw new InvalidArgumentError(`${name} cannot be iterated; pass an array or another iterable (async ones go to imap)`);
}

/** Length of the shortest: what a map goes over. */
export function shortestLength(sequences: readonly Sliceable[]): number {
  return sequences.reduce((least, sequence) => Math.min(least, sequence.length), Infinity);
}

/** The same span of each sequence. */
export function cut(sequences: readonly Sliceable[], { start, end }: Span): ArrayLike<unknown>[] {
  return sequences.map((sequence) => cutOne(sequence, start, end));
}

/** A span of one sequence. */
export function cutOne(sequence: Sliceable, start: number, end: number): ArrayLike<unknown> {
  return isTypedArray(sequence) ? sequence.subarray(start, end) : sequence.slice(start, end);
}

/** Whether a value is a typed array, DataView excluded. */
export function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** Puts pulled parts together: typed arrays of one class into one of that class, lists into a list, else a list of the parts. */
export function concatenate(parts: readonly unknown[]): unknown {
  const first = parts[0];
  if (isTypedArray(first) && parts.every((part) => isTypedArray(part) && part.constructor === first.constructor)) {
    const all = parts as readonly ArrayLike<number>[];
    const total = all.reduce((sum, part) => sum + part.length, 0);
    const Class = first.constructor as new (length: number) => { set(part: ArrayLike<number>, at: number): void };
    const whole = new Class(total);
    let at = 0;
    for (const part of all) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
  return parts.flatMap((part) => (Array.isArray(part) ? (part as unknown[]) : isTypedArray(part) ? Array.from(part) : [part]));
}
