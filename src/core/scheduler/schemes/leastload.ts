// leastload: the engine with the fewest tasks; among equals the one that has had this number longest. A bucket for
// each load, and a chain of the buckets that are not empty. A load changes by one at a time, so an engine's next
// bucket is always the neighbour in the chain or a new one beside it: no search, whatever the number of engines.

import type { SchemeName } from "../events.ts";
import { EngineLists } from "./engine-lists.ts";
import { grownInts, type Scheme } from "./scheme.ts";

const NONE = -1;

/** Fewest tasks first. A new engine goes to the front of the idle ones. */
export class LeastLoad implements Scheme {
  readonly name: SchemeName = "leastload";
  readonly #lists = new EngineLists();
  /** Next and previous bucket that is not empty, for each bucket that is not empty. */
  #above: Int32Array = new Int32Array(8).fill(NONE);
  #below: Int32Array = new Int32Array(8).fill(NONE);
  #lowest = NONE;
  #highest = NONE;

  get size(): number {
    return this.#lists.size;
  }

  has(slot: number): boolean {
    return this.#lists.listOf(slot) !== NONE;
  }

  add(slot: number, load: number, isNew: boolean): void {
    // Only here can the bucket be far from others: idle ones are lowest, and an engine that was full is highest. One that was to
    // go and stays may be anywhere; that is rare enough for a search.
    if (this.#lists.head(load) === NONE) {
      let below = load === 0 ? NONE : this.#highest;
      while (below > load) below = this.#below[below] as number;
      this.#chain(load, below);
    }
    if (isNew) this.#lists.pushFront(load, slot);
    else this.#lists.pushBack(load, slot);
  }

  remove(slot: number): void {
    const load = this.#lists.listOf(slot);
    this.#lists.remove(slot);
    if (this.#lists.head(load) === NONE) this.#unchain(load);
  }

  change(slot: number, load: number): void {
    const former = this.#lists.listOf(slot);
    if (this.#lists.head(load) === NONE) this.#chain(load, load > former ? former : (this.#below[former] as number));
    this.#lists.remove(slot);
    if (this.#lists.head(former) === NONE) this.#unchain(former);
    this.#lists.pushBack(load, slot);
  }

  pick(shunned: ReadonlySet<number>): number {
    for (let load = this.#lowest; load !== NONE; load = this.#above[load] as number) {
      for (let slot = this.#lists.head(load); slot !== NONE; slot = this.#lists.next(slot)) {
        if (shunned.size === 0 || !shunned.has(slot)) return slot;
      }
    }
    return NONE;
  }

  pickAmong(slots: readonly number[]): number {
    let best = slots[0] as number;
    for (const slot of slots) {
      const difference = this.#lists.listOf(slot) - this.#lists.listOf(best);
      if (difference < 0 || (difference === 0 && this.#lists.stamp(slot) < this.#lists.stamp(best))) best = slot;
    }
    return best;
  }

  /** Puts a bucket into the chain right above `below`, or as the lowest. */
  #chain(load: number, below: number): void {
    if (load >= this.#above.length) {
      this.#above = grownInts(this.#above, load + 1, NONE);
      this.#below = grownInts(this.#below, load + 1, NONE);
    }
    const above = below === NONE ? this.#lowest : (this.#above[below] as number);
    this.#below[load] = below;
    this.#above[load] = above;
    if (below === NONE) this.#lowest = load;
    else this.#above[below] = load;
    if (above === NONE) this.#highest = load;
    else this.#below[above] = load;
  }

  #unchain(load: number): void {
    const below = this.#below[load] as number;
    const above = this.#above[load] as number;
    if (below === NONE) this.#lowest = above;
    else this.#above[below] = above;
    if (above === NONE) this.#highest = below;
    else this.#below[above] = below;
  }
}
