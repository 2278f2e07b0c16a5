// weighted: two engines drawn with weight 1 / (1e-6 + load), the less loaded of them wins. Engines of one load weigh
// the same, so a draw chooses a load first, then an engine of that load: it costs O(different loads), not O(engines).

import type { Rng } from "../../../base/index.ts";
import type { SchemeName } from "../events.ts";
import { DenseSlots } from "./dense-slots.ts";
import type { Scheme } from "./scheme.ts";

const weightOf = (load: number): number => 1 / (1e-6 + load);

/** Two draws weighted by idleness, the less loaded wins. */
export class Weighted implements Scheme {
  readonly name: SchemeName = "weighted";
  readonly #rng: Rng;
  readonly #byLoad = new Map<number, DenseSlots>();
  readonly #loads = new Map<number, number>();

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  get size(): number {
    return this.#loads.size;
  }

  has(slot: number): boolean {
    return this.#loads.has(slot);
  }

  add(slot: number, load: number): void {
    let group = this.#byLoad.get(load);
    if (group === undefined) this.#byLoad.set(load, (group = new DenseSlots()));
    group.add(slot);
    this.#loads.set(slot, load);
  }

  remove(slot: number): void {
    const load = this.#loads.get(slot) as number;
    const group = this.#byLoad.get(load) as DenseSlots;
    group.remove(slot);
    if (group.size === 0) this.#byLoad.delete(load);
    this.#loads.delete(slot);
  }

  change(slot: number, load: number): void {
    this.remove(slot);
    this.add(slot, load);
  }

  pick(shunned: ReadonlySet<number>): number {
    const first = this.#draw(shunned);
    return first < 0 ? first : this.#lessLoaded(first, this.#draw(shunned));
  }

  pickAmong(slots: readonly number[]): number {
    return this.#lessLoaded(this.#drawAmong(slots), this.#drawAmong(slots));
  }

  #draw(shunned: ReadonlySet<number>): number {
    let total = 0;
    for (const [load, group] of this.#byLoad) total += group.sizeWithout(shunned) * weightOf(load);
    if (total === 0) return -1;
    let rest = this.#rng.next() * total;
    let last: DenseSlots | undefined;
    for (const [load, group] of this.#byLoad) {
      const size = group.sizeWithout(shunned);
      if (size === 0) continue;
      last = group;
      rest -= size * weightOf(load);
      if (rest < 0) break;
    }
    return last === undefined ? -1 : last.draw(this.#rng, shunned);
  }

  #drawAmong(slots: readonly number[]): number {
    let total = 0;
    for (const slot of slots) total += weightOf(this.#loads.get(slot) as number);
    let rest = this.#rng.next() * total;
    for (const slot of slots) {
      rest -= weightOf(this.#loads.get(slot) as number);
      if (rest < 0) return slot;
    }
    return slots[slots.length - 1] as number;
  }

  #lessLoaded(one: number, other: number): number {
    return (this.#loads.get(other) as number) < (this.#loads.get(one) as number) ? other : one;
  }
}
