// Tasks that a client does not want any more. One that waits fails; one that an engine has is the engine's to stop, and is
// only marked here, so that it never runs again: neither retried, nor taken back and placed anew. A word about a task may
// overtake the task itself, which comes by another channel; then the scheduler remembers it, within a bound, until the task comes.

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
