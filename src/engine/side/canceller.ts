// Cancelling requests, from the side thread. The main thread is told first: it drops what waits, and has a task that
// awaits something end, after its signal was aborted. A main thread that does not answer is kept busy by somebody: if by
// one of these requests, it is cut, and asked again until it answers.

import { within } from "../../execution/side/index.ts";
import type { SideMessage } from "./side-protocol.ts";

/** How long the main thread gets to stop a request by itself: for code that listens to its signal. */
const STEP_MS = 100;
/** After some steps they are shorter: a loop of `await`s is cut only at a lucky moment (see `Insistence`). */
const LONG_STEPS = 3;
const SHORT_STEP_MS = 5;
/** Steps before the answer is that it could not be stopped: some ten seconds. */
const STEPS_MAX = 1500;
/** How long one cut may take: a main thread within a call that never looks up, as into the system, takes it when that returns. */
const CUT_MS = 10_000;

/** How the main thread is reached while it is busy. */
export interface MainThread {
  readonly post: (message: SideMessage) => void;
  /** Whether it runs one of these, as far as that can be seen from outside. */
  readonly runs: (msgIds: readonly string[]) => boolean;
  /** Has it cut the one of these that it runs, in the middle of whatever it does: gives `<serial> <msg_id>`, or "". */
  readonly cut: (msgIds: readonly string[]) => Promise<string>;
}

/** Cancels requests. */
export class Canceller {
  readonly #main: MainThread;
  readonly #open = new Map<number, (stopped: string | undefined) => void>();
  #nextToken = 1;

  constructor(main: MainThread) {
    this.#main = main;
  }

  /** The main thread says that none of a cancel's requests runs. */
  answered(token: number, stopped: string | undefined): void {
    this.#open.get(token)?.(stopped);
    this.#open.delete(token);
  }

  /**
   * Cancels requests: those that have not begun will not run, and the one that runs is stopped.
   *
   * @param tell tells the main thread; it answers by `cancelled` with the token
   * @returns ids of those that were stopped; `undefined` when the main thread did not come to an end with it in time
   */
  async cancel(msgIds: readonly string[], tell: (token: number) => void): Promise<readonly string[] | undefined> {
    const token = this.#nextToken++;
    const answer = new Promise<{ readonly id: string | undefined }>((resolve) => this.#open.set(token, (id) => resolve({ id })));
    tell(token);
    try {
      return await this.#stop(msgIds, answer);
    } finally {
      this.#open.delete(token);
    }
  }

  async #stop(msgIds: readonly string[], answer: Promise<{ readonly id: string | undefined }>): Promise<readonly string[] | undefined> {
    const stopped = new Set<string>();
    for (let step = 0; ; step += 1) {
      const answered = await within(answer, step < LONG_STEPS ? STEP_MS : SHORT_STEP_MS);
      if (answered?.id !== undefined) stopped.add(answered.id);
      // What it was told is in force for whatever it begins; nobody has to wait for what else it runs.
      if (answered !== undefined || !this.#main.runs(msgIds)) return [...stopped];
      if (step === STEPS_MAX) return undefined;
      const cut = await within(this.#main.cut(msgIds), CUT_MS);
      if (cut === undefined) return undefined;
      const [serial, id] = cut.split(" ");
      if (id !== undefined) stopped.add(id);
      if (Number(serial) > 0) this.#main.post({ type: "cancelled", serial: Number(serial) });
    }
  }
}
