// pure: round robin over all engines, as ZeroMQ's DEALER deals. The scheduler gives it neither hwm nor constraints.

import type { SchemeName } from "../events.ts";
import { EngineLists, longestInPlace } from "./engine-lists.ts";
import type { Scheme } from "./scheme.ts";

const NONE = -1;
const LIST = 0;

/** Each engine in turn. A new engine's turn comes last. */
export class Pure implements Scheme {
  readonly name: SchemeName = "pure";
  readonly #lists = new EngineLists();

  get size(): number {
    return this.#lists.size;
  }

  has(slot: number): boolean {
    return this.#lists.listOf(slot) !== NONE;
  }

  add(slot: number): void {
    this.#lists.pushBack(LIST, slot);
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
