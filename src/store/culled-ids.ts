// Remembers which records were culled lately, so that whoever asks for one is told so instead of "never heard of it".

import { NoData, RingQueue } from "../base/index.ts";

const IDS_MAX = 10_000;

/** The last ids that a store culled, in bounded memory. */
export class CulledIds {
  readonly #ids = new Set<string>();
  readonly #order = new RingQueue<string>();

  add(id: string): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    this.#order.push(id);
    if (this.#order.length > IDS_MAX) this.#ids.delete(this.#order.shift() as string);
  }

  /** Throws NoData when the record was culled. */
  refuse(id: string, bound: string): void {
    if (this.#ids.has(id)) throw new NoData(`the record of ${id} was culled: the store keeps ${bound}`);
  }
}
