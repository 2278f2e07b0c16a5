// What a scheme is: the order in which engines with room are chosen. Engines are small numbers (slots) here; the pool
// tells a scheme which slots have room, and a scheme picks among them. A scheme knows nothing of tasks.

import type { SchemeName } from "../events.ts";

/** How a free engine is chosen. Slots it holds are exactly the engines with room for a task. */
export interface Scheme {
  readonly name: SchemeName;
  /** An engine has room: it joined (`isNew`), or a task of its full queue finished. */
  add(slot: number, load: number, isNew: boolean): void;
  /** An engine has no more room, or left. */
  remove(slot: number): void;
  /** An engine that keeps having room got a task or finished one; `load` is the new number. */
  change(slot: number, load: number, gotTask: boolean): void;
  /** A slot with room that is not shunned, or -1. Costs O(1 + shunned) whatever the number of engines. */
  pick(shunned: ReadonlySet<number>): number;
  /** One of these slots; all have room and there is at least one. Costs O(slots). */
  pickAmong(slots: readonly number[]): number;
  /** How many slots have room. */
  readonly size: number;
  /** Whether a slot has room. */
  has(slot: number): boolean;
}

/** Nothing shunned. */
export const NO_SLOTS: ReadonlySet<number> = new Set();

/** A copy of a typed array with at least `length` entries; new entries hold `fill`. */
export function grownInts(ints: Int32Array, length: number, fill: number): Int32Array {
  const next = new Int32Array(Math.max(length, ints.length * 2)).fill(fill, ints.length);
  next.set(ints);
  return next;
}
