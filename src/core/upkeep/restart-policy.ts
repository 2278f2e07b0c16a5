// Whether an engine that ended is started again, as a machine. So many times within a time, each time after a longer wait: an
// engine that dies because of what it runs, or cannot start at all, must not be started for ever.

import { InvalidArgumentError, type Millis } from "../../base/index.ts";

/** When an engine is started again: never, or when it failed (by a signal other than one that asks it to end, or with a status other than 0). */
export type RestartMode = "never" | "on-failure";

/** The policy. */
export interface RestartPolicyOptions {
  readonly mode: RestartMode;
  /** Restarts within `windowMs`; further engines that end are left. */
  readonly max: number;
  readonly windowMs: number;
  /** Wait before the first restart; it doubles with each further one within the window. */
  readonly delayMs: number;
}

/** How an engine ended. */
export interface EngineEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** What is to be done about an engine that ended. */
export type RestartDecision =
  /** Its end was in order, or nothing is ever restarted. */
  | { readonly type: "leave" }
  /** Start another one after `delayMs`; it is restart number `restart` of those allowed within the window. */
  | { readonly type: "restart"; readonly delayMs: number; readonly restart: number }
  /** As many were started again as may be. */
  | { readonly type: "giveUp"; readonly restarts: number };

/** A wait never grows beyond this. */
const DELAY_MS_MAX = 60_000;
/** By these an engine is asked to end. */
const ASKING_SIGNALS: ReadonlySet<string> = new Set(["SIGTERM", "SIGINT", "SIGHUP"]);

/** Decides about engines that end. */
export class RestartPolicy {
  readonly #options: RestartPolicyOptions;
  /** When engines were started again, within the window. */
  #times: Millis[] = [];
  #total = 0;

  /** @throws InvalidArgumentError for options that cannot be */
  constructor(options: RestartPolicyOptions) {
    for (const name of ["max", "windowMs", "delayMs"] as const) {
      if (!(options[name] >= 0 && Number.isFinite(options[name])))
        throw new InvalidArgumentError(`${name} is ${options[name]}, and must be a number of at least 0`);
    }
    this.#options = options;
  }

  /** Restarts since the beginning. */
  get total(): number {
    return this.#total;
  }

  /** An engine ended, or one that was started again did not get ready. Times never go back. */
  ended(at: Millis, end: EngineEnd): RestartDecision {
    const { mode, max, windowMs, delayMs } = this.#options;
    if (mode === "never" || !isFailure(end)) return { type: "leave" };
    this.#times = this.#times.filter((time) => at - time < windowMs);
    const restarts = this.#times.length;
    if (restarts >= max) return { type: "giveUp", restarts };
    this.#times.push(at);
    this.#total += 1;
    return { type: "restart", delayMs: Math.min(DELAY_MS_MAX, delayMs * 2 ** Math.min(restarts, 30)), restart: restarts + 1 };
  }
}

function isFailure({ exitCode, signal }: EngineEnd): boolean {
  if (signal !== null) return !ASKING_SIGNALS.has(signal);
  return exitCode !== null && exitCode !== 0;
}
