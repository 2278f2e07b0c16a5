// A set of slots that a random one can be drawn from in constant time: an array without gaps and each slot's position.

import type { Rng } from "../../../base/index.ts";

/** A whole number from 0 to `below` - 1. */
export function randomBelow(rng: Rng, below: number): number {
  return Math.min(below - 1, Math.floor(rng.next() * below));
}

/** Slots in no particular order. */
export class DenseSlots {
  readonly #slots: number[] = [];
  readonly #positions: Map<number, number> = new Map();

  get size(): number {
    return this.#slots.length;
  }

  has(slot: number): boolean {
    return this.#positions.has(slot);
  }

  add(slot: number): void {
    this.#positions.set(slot, this.#slots.length);
    this.#slots.push(slot);
  }

  remove(slot: number): void {
    const position = this.#positions.get(slot) as number;
    const last = this.#slots.pop() as number;
    if (last !== slot) {
      this.#slots[position] = last;
      this.#positions.set(last, position);
    }
    this.#positions.delete(slot);
  }

  /** How many of its slots are not shunned. */
  sizeWithout(shunned: ReadonlySet<number>): number {
    let size = this.#slots.length;
    for (const slot of shunned) if (this.#positions.has(slot)) size -= 1;
    return size;
  }

  /**
   * Draws uniformly among those that are not shunned, or gives -1, in O(1 + shunned). The number drawn counts the slots
   * that are not shunned; where it meets a shunned one at the front, one of the unshunned at the end stands in for it.
   */
  draw(rng: Rng, shunned: ReadonlySet<number>): number {
    const kept = this.sizeWithout(shunned);
    if (kept === 0) return -1;
    const drawn = this.#slots[randomBelow(rng, kept)] as number;
    if (!shunned.has(drawn)) return drawn;
    return this.#standIn(drawn, kept, shunned);
  }

  #standIn(drawn: number, kept: number, shunned: ReadonlySet<number>): number {
    const inFront: number[] = [];
    for (const slot of shunned) if ((this.#positions.get(slot) ?? kept) < kept) inFront.push(slot);
    const behind = this.#slots.slice(kept).filter((slot) => !shunned.has(slot));
    return behind[inFront.indexOf(drawn)] as number;
  }
}
