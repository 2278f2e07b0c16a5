// Reads what arrives and counts what is dropped; the first of each kind is logged.

import type { Logger } from "../log/index.ts";
import type { DropReason, Frame, Message, Session } from "../wire/index.ts";

/** Reads messages for one client. */
export class MessageReader {
  readonly #logger: Logger;
  readonly #dropped = new Map<DropReason, number>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Messages dropped so far, by reason, in the order of their first. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  /** The message; `undefined` when it was dropped. */
  read(session: Session, frames: readonly Frame[], channel: string): Message | undefined {
    const parsed = session.parse(frames);
    if (parsed.ok) return parsed.value;
    const count = (this.#dropped.get(parsed.reason) ?? 0) + 1;
    this.#dropped.set(parsed.reason, count);
    if (count === 1) this.#logger.warn("dropped a message", { channel, reason: parsed.reason });
    return undefined;
  }
}
