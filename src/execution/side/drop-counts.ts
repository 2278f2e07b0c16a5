// Counts messages that a process's sockets drop, by reason. Each reason is logged the first time; after that only the
// counts speak, which are written at the end. A hostile peer can fill neither the log nor memory.

import type { Logger } from "../../log/index.ts";
import type { DropReason } from "../../wire/index.ts";

/** Counters of dropped messages, for the sockets of one thread. */
export class DropCounts {
  readonly #log: Logger;
  readonly #channel: string;
  readonly #counts = new Map<DropReason, number>();

  /** @param channel names the sockets in the log */
  constructor(log: Logger, channel: "shell" | "control") {
    this.#log = log;
    this.#channel = channel;
  }

  /** Counts one message. */
  count(reason: DropReason): void {
    const before = this.#counts.get(reason) ?? 0;
    this.#counts.set(reason, before + 1);
    if (before === 0) this.#log.warn("dropped a message; more of this kind are only counted", { channel: this.#channel, reason });
  }

  /** Writes the totals, when there are any. */
  logSummary(): void {
    if (this.#counts.size > 0) this.#log.info("messages dropped in total", { channel: this.#channel, ...Object.fromEntries(this.#counts) });
  }
}
