// twobin: of two engines drawn at random the one that got its last task longer ago.

import type { Rng } from "../../../base/index.ts";
import type { SchemeName } from "../events.ts";
import { DenseSlots, randomBelow } from "./dense-slots.ts";
import type { Scheme } from "./scheme.ts";

/** Two uniform draws, the less recently used wins. A new engine counts as never used. */
export class TwoBin implements Scheme {
  readonly name: SchemeName = "twobin";
  readonly #slots = new DenseSlots();
  readonly #rng: Rng;
  /** When each slot got its last task, counted in tasks; 0 for a new engine. */
  readonly #lastUse: number[] = [];
  #uses = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  get size(): number {
    return this.#slots.size;
  }

  has(slot: number): boolean {
    return this.#slots.has(slot);
  }

  add(slot: number, _load: number, isNew: boolean): void {
    this.#slots.add(slot);
    while (this.#lastUse.length <= slot) this.#lastUse.push(0);
    // As with lru, an engine that was full counts from the moment it has room again.
    this.#lastUse[slot] = isNew ? 0 : (this.#uses += 1);
  }

  remove(slot: number): void {
    this.#slots.remove(slot);
  }

  change(slot: number, _load: number, gotTask: boolean): void {
    if (gotTask) this.#lastUse[slot] = this.#uses += 1;
  }

  pick(shunned: ReadonlySet<number>): number {
    const first = this.#slots.draw(this.#rng, shunned);
    return first < 0 ? first : this.#lessRecent(first, this.#slots.draw(this.#rng, shunned));
  }

  pickAmong(slots: readonly number[]): number {
    const first = slots[randomBelow(this.#rng, slots.length)] as number;
    return this.#lessRecent(first, slots[randomBelow(this.#rng, slots.length)] as number);
  }

  #lessRecent(one: number, other: number): number {
    return (this.#lastUse[other] as number) < (this.#lastUse[one] as number) ? other : one;
  }
}
