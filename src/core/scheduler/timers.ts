// Due times of everything the scheduler waits for: a heap whose entries know their place, so that a timer that is no
// longer wanted leaves at once and keeps nothing alive.

import { Heap, type Millis } from "../../base/index.ts";
import type { Engine } from "./engine-pool.ts";
import type { LiveTask, TaskPlan } from "./task.ts";

/** What is to be done at a time. */
export type TimerPurpose =
  | { readonly kind: "timeout"; readonly task: LiveTask }
  | { readonly kind: "lookup"; readonly task: LiveTask }
  | { readonly kind: "stranded"; readonly engine: Engine }
  | { readonly kind: "recall"; readonly engine: Engine }
  | { readonly kind: "drain"; readonly engine: Engine };

/** A timer; `index` belongs to the heap, -1 when it is not in it. */
export interface TimerEntry {
  readonly at: Millis;
  /** Decides between equal times: first set, first due. */
  readonly order: number;
  readonly purpose: TimerPurpose;
  index: number;
}

/** Timers of the platform do not reach weeks ahead, so nobody is asked to wake us later than in an hour. */
const WAKE_AHEAD_MS_MAX = 3_600_000;

/** Timers by due time. */
export class Timers {
  readonly #heap = new Heap<TimerEntry>(isBefore, notePlace);
  #order = 0;
  #now = 0 as Millis;
  /** The time we asked to be woken at and that has not come yet. */
  #wakeAt: Millis | null = null;

  /** The time from which everything is reckoned until told otherwise. */
  begin(at: Millis): void {
    this.#now = at;
  }

  add(delayMs: number, purpose: TimerPurpose): TimerEntry {
    const entry: TimerEntry = { at: (this.#now + delayMs) as Millis, order: (this.#order += 1), purpose, index: -1 };
    this.#heap.push(entry);
    return entry;
  }

  /** The time a task may be queued runs from the moment it is queued until it is assigned. */
  startTimeout(task: LiveTask, plan: TaskPlan): void {
    if (plan.timeoutMs > 0 && plan.timer === null) plan.timer = this.add(plan.timeoutMs, { kind: "timeout", task });
  }

  /** Stops one of a task's timers, if it runs. */
  cancel(plan: TaskPlan, which: "timer" | "lookupTimer"): void {
    const timer = plan[which];
    if (timer === null) return;
    this.remove(timer);
    plan[which] = null;
  }

  /** Takes a timer out; nothing happens when it is out already. */
  remove(entry: TimerEntry): void {
    if (entry.index < 0) return;
    this.#heap.removeAt(entry.index);
    entry.index = -1;
  }

  /** Takes out the earliest timer that is due. */
  popDue(): TimerEntry | undefined {
    const first = this.#heap.peek();
    if (first === undefined || first.at > this.#now) return undefined;
    this.remove(first);
    return first;
  }

  /** We were woken. */
  woke(): void {
    this.#wakeAt = null;
  }

  /** When to ask to be woken, if that is earlier than asked before; `null` when nothing changes. */
  wakeChange(): Millis | null {
    const earliest = this.#heap.peek()?.at;
    if (earliest === undefined || (this.#wakeAt !== null && this.#wakeAt <= earliest)) return null;
    this.#wakeAt = Math.min(earliest, this.#now + WAKE_AHEAD_MS_MAX) as Millis;
    return this.#wakeAt;
  }

  [Symbol.iterator](): Iterator<TimerEntry> {
    return this.#heap[Symbol.iterator]();
  }
}

function isBefore(one: TimerEntry, other: TimerEntry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function notePlace(entry: TimerEntry, index: number): void {
  entry.index = index;
}
