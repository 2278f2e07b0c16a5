// Ids of requests to abort when they are reached (protocol §8.7). An id that never comes would stay for ever, so the
// set is bounded: the oldest id gives way.

import type { MsgId } from "../../base/index.ts";

/** Remembers at most `limit` ids. */
export class AbortSet {
  readonly #limit: number;
  readonly #ids = new Set<MsgId>();

  /** @param limit ids remembered at most */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many ids are remembered. */
  get size(): number {
    return this.#ids.size;
  }

  /** Remembers an id, forgetting the oldest when there is no room. */
  add(id: MsgId): void {
    this.#ids.delete(id);
    this.#ids.add(id);
    if (this.#ids.size <= this.#limit) return;
    const oldest = this.#ids.values().next();
    if (oldest.done !== true) this.#ids.delete(oldest.value);
  }

  /** Whether the id is to be aborted; it is forgotten by asking. */
  take(id: MsgId): boolean {
    return this.#ids.delete(id);
  }
}
