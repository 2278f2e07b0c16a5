// Outcomes of tasks that finished lately, for dependencies submitted after them. Bounded, first in first out. Nothing
// here is needed by a live task: it took over what it depends on when it was submitted, or is told when it happens.

import { RingQueue, type EngineUuid, type MsgId } from "../../base/index.ts";
import type { TaskOutcome } from "./events.ts";

/** How and where a task finished. */
export interface KeptOutcome {
  readonly outcome: TaskOutcome;
  readonly engine: EngineUuid | null;
}

/** The last outcomes. */
export class RecentOutcomes {
  readonly #max: number;
  readonly #byId = new Map<MsgId, KeptOutcome>();
  readonly #order = new RingQueue<MsgId>();

  /** @param max outcomes kept at most */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(msgId: MsgId): KeptOutcome | undefined {
    return this.#byId.get(msgId);
  }

  /** Remembers an outcome; an id that is known keeps its place in the order. */
  set(msgId: MsgId, kept: KeptOutcome): void {
    if (this.#max === 0) return;
    if (!this.#byId.has(msgId)) this.#order.push(msgId);
    this.#byId.set(msgId, kept);
    if (this.#byId.size > this.#max) this.#byId.delete(this.#order.shift() as MsgId);
  }
}
