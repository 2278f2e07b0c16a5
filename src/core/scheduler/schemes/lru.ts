// lru: the engine that got its last task longest ago; one list, and whoever gets a task goes to its end. An engine that
// was full comes back at the end as well, counted from the moment it has room again.

import type { SchemeName } from "../events.ts";
import { EngineLists, longestInPlace } from "./engine-lists.ts";
import type { Scheme } from "./scheme.ts";

const NONE = -1;
const LIST = 0;

/** Least recently used first. A new engine goes to the front. */
export class Lru implements Scheme {
  readonly name: SchemeName = "lru";
  readonly #lists = new EngineLists();

  get size(): number {
    return this.#lists.size;
  }

  has(slot: number): boolean {
    return this.#lists.listOf(slot) !== NONE;
  }

  add(slot: number, _load: number, isNew: boolean): void {
    if (isNew) this.#lists.pushFront(LIST, slot);
    else this.#lists.pushBack(LIST, slot);
  }

  remove(slot: number): void {
    this.#lists.remove(slot);
  }

  change(slot: number, _load: number, gotTask: boolean): void {
    if (!gotTask) return;
    this.#lists.remove(slot);
    this.#lists.pushBack(LIST, slot);
  }

  pick(shunned: ReadonlySet<number>): number {
    let slot = this.#lists.head(LIST);
    while (slot !== NONE && shunned.has(slot)) slot = this.#lists.next(slot);
    return slot;
  }

  pickAmong(slots: readonly number[]): number {
    return longestInPlace(this.#lists, slots);
  }
}
