// Watches one running job: its time limit, its caller's abort, its memory. Both runners use it, so that stopping means the
// same in both: SIGTERM to the group, after a grace period SIGKILL, then whatever still carries the job's marker.

import { signalGroup, sweepMarked } from "./process-group.ts";
import { RssSampler } from "./rss-sampler.ts";

/** Between SIGTERM and SIGKILL. */
export const GRACE_MS = 2_000;
/** Between SIGKILL and giving up on a process that not even that ends (waiting for a dead disk). */
export const UNKILLABLE_MS = 5_000;

// setTimeout's limit; longer limits are as good as none.
const TIMER_MAX_MS = 2_147_483_647;

/** What a supervisor is made for. */
export interface Supervised {
  /** The job's process group; `undefined` while it is not there yet, or not any more. Asked only when it is needed. */
  readonly findGroup: () => number | undefined;
  readonly marker: string;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Not even SIGKILL ended the job: stop waiting for it. */
  readonly onUnkillable: () => void;
}

/** What it saw. */
export interface Supervision {
  readonly timedOut: boolean;
  readonly aborted: boolean;
  readonly maxRssKb: number | null;
}

// A job that is to be stopped before its process is there is looked for again so soon.
const LOOK_AGAIN_MS = 5;

/** Watches from `begin` to `finish`. */
export class Supervisor {
  readonly #job: Supervised;
  /** The group that was stopped. */
  #pgid: number | undefined;
  #timedOut = false;
  #aborted = false;
  #limit: NodeJS.Timeout | undefined;
  #escalation: NodeJS.Timeout | undefined;
  #sampler: RssSampler | undefined;
  readonly #onAbort = (): void => {
    if (this.#timedOut || this.#aborted) return;
    this.#aborted = true;
    this.#stop();
  };

  constructor(job: Supervised) {
    this.#job = job;
  }

  /** The job is about to run. */
  begin(): void {
    const { signal, timeoutMs, findGroup } = this.#job;
    this.#sampler = new RssSampler(findGroup);
    if (timeoutMs !== undefined) this.#limit = setTimeout(() => this.#onTimeout(), Math.min(timeoutMs, TIMER_MAX_MS));
    if (signal === undefined) return;
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** The job's leader ended. A stopped job's remaining processes are killed; an ended job's background children live on. */
  async finish(): Promise<Supervision> {
    clearTimeout(this.#limit);
    clearTimeout(this.#escalation);
    this.#job.signal?.removeEventListener("abort", this.#onAbort);
    const maxRssKb = this.#sampler?.stop() ?? null;
    if (this.#timedOut || this.#aborted) {
      if (this.#pgid !== undefined) signalGroup(this.#pgid, "SIGKILL");
      await sweepMarked(this.#job.marker);
    }
    return { timedOut: this.#timedOut, aborted: this.#aborted, maxRssKb };
  }

  #onTimeout(): void {
    if (this.#aborted) return;
    this.#timedOut = true;
    this.#stop();
  }

  #stop(): void {
    const pgid = this.#job.findGroup();
    // A process that was just made may not lead its group yet.
    if (pgid === undefined || !signalGroup(pgid, "SIGTERM")) {
      this.#escalation = setTimeout(() => this.#stop(), LOOK_AGAIN_MS);
      return;
    }
    this.#pgid = pgid;
    // A stopped process takes SIGTERM only once it runs again.
    signalGroup(pgid, "SIGCONT");
    this.#escalation = setTimeout(() => {
      signalGroup(pgid, "SIGKILL");
      this.#escalation = setTimeout(this.#job.onUnkillable, UNKILLABLE_MS);
    }, GRACE_MS);
  }
}
