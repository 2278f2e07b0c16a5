// lru and pure: engines take turns in one list, and whoever gets a task goes to its end. They differ in a new engine's
// place only. An engine that was full comes back at the end as well, counted from the moment it has room again.

import type { SchemeName } from "../events.ts";
import { EngineLists, longestInPlace } from "./engine-lists.ts";
import type { Scheme } from "./scheme.ts";

const NONE = -1;
const LIST = 0;

/** The engine that got its last task longest ago. */
export class Turns implements Scheme {
  readonly name: SchemeName;
  readonly #newcomers: "first" | "last";
  readonly #lists = new EngineLists();

  /** @param newcomers where an engine that joins begins */
  constructor(name: SchemeName, newcomers: "first" | "last") {
    this.name = name;
    this.#newcomers = newcomers;
  }

  get size(): number {
    return this.#lists.size;
  }

  has(slot: number): boolean {
    return this.#lists.listOf(slot) !== NONE;
  }

  add(slot: number, _load: number, isNew: boolean): void {
    if (isNew && this.#newcomers === "first") this.#lists.pushFront(LIST, slot);
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
