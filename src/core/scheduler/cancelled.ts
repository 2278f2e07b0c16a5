// Tasks that a client does not want any more. One that waits fails; one that an engine has is the engine's to stop, and is
// only marked here, so that it never runs again: neither retried, nor taken back and placed anew. A word about a task may
// overtake the task itself, which comes by another channel; then it is remembered, within a bound, until the task comes.

import type { MsgId } from "../../base/index.ts";
import { emptyPlan, type LiveTask } from "./task.ts";

/** Ids remembered of tasks that have not come. */
export const EARLY_MAX = 10_000;

/** This task is not to run, or not again. */
export function markCancelled(task: LiveTask): void {
  task.plan ??= emptyPlan();
  task.plan.isCancelled = true;
}

/** Whether a task is not to run, or not again. */
export function isCancelled({ plan }: LiveTask): boolean {
  return plan !== null && plan.isCancelled;
}

/** Ids of tasks that were cancelled before they came; the oldest gives way. */
export class EarlyCancels {
  readonly #ids = new Set<MsgId>();

  get size(): number {
    return this.#ids.size;
  }

  add(msgId: MsgId): void {
    this.#ids.add(msgId);
    if (this.#ids.size <= EARLY_MAX) return;
    const oldest = this.#ids.values().next();
    if (oldest.done !== true) this.#ids.delete(oldest.value);
  }

  /** Whether a task that comes now was cancelled before; forgotten by asking. */
  take(msgId: MsgId): boolean {
    return this.#ids.size > 0 && this.#ids.delete(msgId);
  }
}
