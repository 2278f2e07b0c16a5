// Numbered lists of slots, threaded through typed arrays: a slot is in one list at most, and everything is O(1).
// Each slot also bears a stamp that orders it among slots of other lists: growing for those put at a back, falling for
// those put at a front.

import { grownInts } from "./scheme.ts";

const NONE = -1;

/** Doubly linked lists over slots. Lists are numbered from 0 and appear when first used. */
export class EngineLists {
  #heads: Int32Array = new Int32Array(8).fill(NONE);
  #tails: Int32Array = new Int32Array(8).fill(NONE);
  #next: Int32Array = new Int32Array(16).fill(NONE);
  #previous: Int32Array = new Int32Array(16).fill(NONE);
  #listOf: Int32Array = new Int32Array(16).fill(NONE);
  #stamps: number[] = [];
  #youngest = 0;
  #oldest = 0;
  #size = 0;

  /** Slots in all lists together. */
  get size(): number {
    return this.#size;
  }

  /** The list a slot is in, or -1. */
  listOf(slot: number): number {
    return slot < this.#listOf.length ? (this.#listOf[slot] as number) : NONE;
  }

  /** First slot of a list, or -1. */
  head(list: number): number {
    return list < this.#heads.length ? (this.#heads[list] as number) : NONE;
  }

  /** The slot behind this one in its list, or -1. */
  next(slot: number): number {
    return this.#next[slot] as number;
  }

  /** Smaller for those who have been in their place longer. */
  stamp(slot: number): number {
    return this.#stamps[slot] as number;
  }

  /** Puts a slot that is in no list at the end of one. */
  pushBack(list: number, slot: number): void {
    this.#reserve(list, slot);
    const tail = this.#tails[list] as number;
    this.#previous[slot] = tail;
    this.#next[slot] = NONE;
    if (tail === NONE) this.#heads[list] = slot;
    else this.#next[tail] = slot;
    this.#tails[list] = slot;
    this.#listOf[slot] = list;
    this.#stamps[slot] = this.#youngest += 1;
    this.#size += 1;
  }

  /** Puts a slot that is in no list at the front of one. */
  pushFront(list: number, slot: number): void {
    this.#reserve(list, slot);
    const head = this.#heads[list] as number;
    this.#next[slot] = head;
    this.#previous[slot] = NONE;
    if (head === NONE) this.#tails[list] = slot;
    else this.#previous[head] = slot;
    this.#heads[list] = slot;
    this.#listOf[slot] = list;
    this.#stamps[slot] = this.#oldest -= 1;
    this.#size += 1;
  }

  /** Takes a slot out of its list. */
  remove(slot: number): void {
    const list = this.#listOf[slot] as number;
    const previous = this.#previous[slot] as number;
    const next = this.#next[slot] as number;
    if (previous === NONE) this.#heads[list] = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tails[list] = previous;
    else this.#previous[next] = previous;
    this.#listOf[slot] = NONE;
    this.#size -= 1;
  }

  #reserve(list: number, slot: number): void {
    if (list >= this.#heads.length) {
      this.#heads = grownInts(this.#heads, list + 1, NONE);
      this.#tails = grownInts(this.#tails, list + 1, NONE);
    }
    if (slot >= this.#next.length) {
      this.#next = grownInts(this.#next, slot + 1, NONE);
      this.#previous = grownInts(this.#previous, slot + 1, NONE);
      this.#listOf = grownInts(this.#listOf, slot + 1, NONE);
    }
    while (this.#stamps.length <= slot) this.#stamps.push(0);
  }
}

/** Of some slots the one whose stamp is smallest. */
export function longestInPlace(lists: EngineLists, slots: readonly number[]): number {
  let best = slots[0] as number;
  for (const slot of slots) if (lists.stamp(slot) < lists.stamp(best)) best = slot;
  return best;
}
