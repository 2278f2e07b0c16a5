// plainrandom: any engine with room, all equally likely.

import type { Rng } from "../../../base/index.ts";
import type { SchemeName } from "../events.ts";
import { DenseSlots, randomBelow } from "./dense-slots.ts";
import type { Scheme } from "./scheme.ts";

/** Uniformly random. */
export class PlainRandom implements Scheme {
  readonly name: SchemeName = "plainrandom";
  readonly #slots = new DenseSlots();
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  get size(): number {
    return this.#slots.size;
  }

  has(slot: number): boolean {
    return this.#slots.has(slot);
  }

  add(slot: number): void {
    this.#slots.add(slot);
  }

  remove(slot: number): void {
    this.#slots.remove(slot);
  }

  change(): void {
    // The load does not matter here.
  }

  pick(shunned: ReadonlySet<number>): number {
    return this.#slots.draw(this.#rng, shunned);
  }

  pickAmong(slots: readonly number[]): number {
    return slots[randomBelow(this.#rng, slots.length)] as number;
  }
}
