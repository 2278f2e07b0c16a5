// How many jobs are under way at a time. Long ones are chosen late, so that a job of high priority, a halt or an engine that
// joins finds few that are on their way; short ones are sent many at a time, because each message costs as much as they do.
// Pure: told how long jobs took, asked for the bound.

/** Work that an engine may have before it, by the mean time of the jobs. */
const WORK_MS = 100;
const PER_ENGINE_MIN = 4;
const PER_ENGINE_MAX = 32;
/** A longer job counts as this one: one long job among short ones is soon forgotten. */
const JOB_MS_MAX = WORK_MS / PER_ENGINE_MIN;
/** Weight of the newest job in the mean. */
const WEIGHT = 1 / 16;
/** Bounds of all engines' jobs together; many engines have two each at least. */
const JOBS_MIN = 8;
const JOBS_MAX = 1_000;

/** The number of jobs under way. */
export class JobWindow {
  #meanMs = JOB_MS_MAX;

  /** A job took so long, in milliseconds. */
  ended(elapsedMs: number): void {
    this.#meanMs += (Math.min(elapsedMs, JOB_MS_MAX) - this.#meanMs) * WEIGHT;
  }

  /** Jobs that may be under way on so many engines. */
  size(engines: number): number {
    const perEngine = Math.min(PER_ENGINE_MAX, Math.floor(WORK_MS / Math.max(this.#meanMs, 1)));
    return Math.max(JOBS_MIN, Math.min(perEngine * engines, Math.max(JOBS_MAX, 2 * engines)));
  }

  /** Jobs to start now, when so many run: none until half of the window is free, then all of them, so that they leave in one message. */
  free(running: number, engines: number): number {
    const size = this.size(engines);
    return running > size / 2 ? 0 : size - running;
  }
}
