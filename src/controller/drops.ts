// Counts what was dropped, by socket and reason. Each kind is logged the first time; after that only the counts speak,
// so that nobody can fill a log with rubbish.

import type { Logger } from "../log/index.ts";
import { explainDrop } from "../wire/index.ts";

/** Counters of dropped messages. */
export class Drops {
  readonly #logger: Logger;
  readonly #counts = new Map<string, number>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Counts one message. Socket and reason come from closed sets, which bounds the map. */
  count(socket: string, reason: string): void {
    const kind = `${socket}.${reason}`;
    const before = this.#counts.get(kind) ?? 0;
    this.#counts.set(kind, before + 1);
    if (before > 0) return;
    // A peer that means well and can do nothing about it: who runs it has to be told what to change.
    const sender = reason === "badVersion" || reason === "badJson" ? { sender: explainDrop(reason) } : {};
    this.#logger.warn("dropped a message; more of this kind are only counted", { socket, reason, ...sender });
  }

  /** Counts by `<socket>.<reason>`. */
  get counts(): { readonly [kind: string]: number } {
    return Object.fromEntries(this.#counts);
  }

  /** Writes the totals, when there are any. */
  logSummary(): void {
    if (this.#counts.size > 0) this.#logger.info("messages dropped in total", this.counts);
  }
}
