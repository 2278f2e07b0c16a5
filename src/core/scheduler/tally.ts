// What the scheduler counts, and the bound on what it holds: above the limits intake pauses, below 80 % of both it goes on.

import type { SchedulerCounters, SchedulerDropReason, SchedulerLoad, TaskOutcome } from "./events.ts";

const RESUME_SHARE = 0.8;

/** Limits on what is held. */
export interface IntakeLimits {
  readonly queuedBytesMax: number;
  readonly queuedTasksMax: number;
}

/** Counts since the start, and what is held now. */
export class Tally {
  readonly #limits: IntakeLimits;
  readonly #dropped: Record<SchedulerDropReason, number> = {
    duplicateTask: 0,
    lateReply: 0,
    foreignReply: 0,
    duplicateEngine: 0,
    unknownEngine: 0,
    unaskedOutcome: 0,
    unaskedRecall: 0,
  };
  #submitted = 0;
  #succeeded = 0;
  #failed = 0;
  /** Failed attempts that were tried again. */
  retried = 0;
  /** Attempts an engine declined. */
  declined = 0;
  /** Tasks taken back before they were started. */
  recalled = 0;
  /** Tasks on engines, also on those that left. */
  running = 0;
  #bytes = 0;
  #isPaused = false;

  constructor(limits: IntakeLimits) {
    this.#limits = limits;
  }

  /** Bytes of all live tasks' requests. */
  get bytes(): number {
    return this.#bytes;
  }

  submitted(bytes: number): void {
    this.#submitted += 1;
    this.#bytes += bytes;
  }

  finished(outcome: TaskOutcome, bytes: number): void {
    if (outcome === "ok") this.#succeeded += 1;
    else this.#failed += 1;
    this.#bytes -= bytes;
  }

  dropped(reason: SchedulerDropReason): void {
    this.#dropped[reason] += 1;
  }

  /** Whether intake has to change now, as an order; `null` when not. */
  intakeChange(): "pauseIntake" | "resumeIntake" | null {
    const { queuedBytesMax, queuedTasksMax } = this.#limits;
    const tasks = this.#submitted - this.#succeeded - this.#failed;
    if (!this.#isPaused && (this.#bytes > queuedBytesMax || tasks > queuedTasksMax)) {
      this.#isPaused = true;
      return "pauseIntake";
    }
    if (this.#isPaused && this.#bytes < RESUME_SHARE * queuedBytesMax && tasks < RESUME_SHARE * queuedTasksMax) {
      this.#isPaused = false;
      return "resumeIntake";
    }
    return null;
  }

  /** How much is held, with what only the scheduler knows. */
  load(tasks: number, engines: number): SchedulerLoad {
    return { tasks, running: this.running, bytes: this.#bytes, engines, isIntakePaused: this.#isPaused };
  }

  counters(): SchedulerCounters {
    return {
      submitted: this.#submitted,
      succeeded: this.#succeeded,
      failed: this.#failed,
      retried: this.retried,
      declined: this.declined,
      recalled: this.recalled,
      dropped: { ...this.#dropped },
    };
  }
}
