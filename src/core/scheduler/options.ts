// The scheduler's options and their defaults.

import { InvalidArgumentError, seededRng, type Rng } from "../../base/index.ts";
import { SCHEME_NAMES, type SchemeName } from "./events.ts";

/** Options of a task scheduler; all may be left out. */
export interface TaskSchedulerOptions {
  /** How an engine is chosen; default `leastload`. */
  readonly scheme?: SchemeName;
  /** Tasks an engine may have at a time; default 1, 0: no limit. Ignored by `pure`. */
  readonly hwm?: number;
  /** Tasks an engine that can prefetch may hold while its tasks are short and many wait; default 16, 1: none ahead. Only with `hwm` 1 and not `pure`. */
  readonly prefetch?: number;
  /** Work an engine that can prefetch may hold beside the task that runs, by the mean time between its replies, in milliseconds; default 8. */
  readonly prefetchAheadMs?: number;
  /** Random choices of plainrandom, twobin and weighted; default: a fixed seed. */
  readonly rng?: Rng;
  /** How long the tasks of an engine that left wait for a reply already on its way, in milliseconds; default 5000. */
  readonly strandedDelayMs?: number;
  /** How long an answer to `lookupOutcome` may take before its tasks are unknown, in milliseconds; default 30000. */
  readonly lookupTimeoutMs?: number;
  /** Outcomes of finished tasks kept for later dependencies; default 100,000. */
  readonly outcomesMax?: number;
  /** Request bytes held before intake pauses; default 512 MiB. */
  readonly queuedBytesMax?: number;
  /** Live tasks before intake pauses; default 2,000,000. */
  readonly queuedTasksMax?: number;
  /** Transitions the story remembers over all tasks; default 16384. */
  readonly storyMax?: number;
}

/** Complete options. */
export type TaskSchedulerConfig = Required<TaskSchedulerOptions>;

/** Fills in defaults and refuses what cannot work. */
export function resolveTaskSchedulerOptions(options: TaskSchedulerOptions): TaskSchedulerConfig {
  const config: TaskSchedulerConfig = {
    scheme: options.scheme ?? "leastload",
    hwm: options.hwm ?? 1,
    prefetch: options.prefetch ?? 16,
    prefetchAheadMs: options.prefetchAheadMs ?? 8,
    rng: options.rng ?? seededRng(1),
    strandedDelayMs: options.strandedDelayMs ?? 5000,
    lookupTimeoutMs: options.lookupTimeoutMs ?? 30_000,
    outcomesMax: options.outcomesMax ?? 100_000,
    queuedBytesMax: options.queuedBytesMax ?? 512 * 1024 ** 2,
    queuedTasksMax: options.queuedTasksMax ?? 2_000_000,
    storyMax: options.storyMax ?? 16_384,
  };
  if (!SCHEME_NAMES.includes(config.scheme)) throw new InvalidArgumentError(`unknown scheme "${config.scheme}"; use one of ${SCHEME_NAMES.join(", ")}`);
  requireWhole("hwm", config.hwm, 0);
  requireWhole("prefetch", config.prefetch, 1, 1000);
  requireWhole("outcomesMax", config.outcomesMax, 0);
  requireWhole("queuedBytesMax", config.queuedBytesMax, 1);
  // A Map ends at 2^24 entries; requests on their way when the pause is ordered still have to fit.
  requireWhole("queuedTasksMax", config.queuedTasksMax, 1, 8_000_000);
  requireWhole("storyMax", config.storyMax, 1, 2 ** 24);
  requireDuration("prefetchAheadMs", config.prefetchAheadMs);
  requireDuration("strandedDelayMs", config.strandedDelayMs);
  requireDuration("lookupTimeoutMs", config.lookupTimeoutMs);
  return config;
}

function requireWhole(name: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    const upTo = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`${name} is ${value}, and must be a whole number ${upTo}`);
  }
}

function requireDuration(name: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value))) throw new InvalidArgumentError(`${name} is ${value}, and must be a finite number of milliseconds of at least 0`);
}
