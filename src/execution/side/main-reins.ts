// The side thread's hold on the main thread: stops the code that a request runs, insists where V8 lets it slip, and sees to
// it that a process which is to end does end.

import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../log/index.ts";
import { canInterrupt, Interrupter } from "./interrupter.ts";

/** User code that is in the way when the process is to end is cut short after this time, and again after as much. */
const LEAVE_STEP_MS = 100;
const LEAVE_ATTEMPTS = 4;
/** How long the process may then take to end before it is killed. */
const LEAVE_END_MS = 1500;
/** A request that was interrupted gets this long to end, its listeners included; then it is tried again, and again. */
const INSIST_FIRST_MS = 200;
const INSIST_MS = 25;
const INSIST_ATTEMPTS = 400;

/** Stops what the main thread runs. */
export class MainReins {
  readonly #interrupter = new Interrupter();
  readonly #log: Logger;
  readonly #runningSerial: () => number;
  #isClosed = false;

  /** @param runningSerial serial number of the request that runs on the main thread, 0 when none does */
  constructor(log: Logger, runningSerial: () => number) {
    this.#log = log;
    this.#runningSerial = runningSerial;
  }

  /** Whether this Node can interrupt at all. Else what is interrupted is given up, and its code runs on. */
  get canInterrupt(): boolean {
    return canInterrupt();
  }

  /**
   * Stops the user code that runs, in the middle of whatever it does.
   *
   * @param only serial number of the one request that is meant; 0: any
   * @param isOverLimit it is stopped because its time is over
   * @returns serial number of the request that was told to stop, 0 when none ran
   */
  async interrupt(only: number, isOverLimit: boolean): Promise<number> {
    if (canInterrupt()) {
      try {
        return await this.#interrupter.interrupt(only, isOverLimit);
      } catch (error) {
        this.#log.warn("running code could not be interrupted; its request is given up", { error });
      }
    }
    return this.#runningSerial();
  }

  /** Stops what runs if it is one of these requests; see `Interrupter.cancel`. */
  cancel(msgIds: readonly string[], isMeant: () => boolean): Promise<string> {
    return canInterrupt() ? this.#interrupter.cancel(msgIds, isMeant) : Promise.resolve("");
  }

  /**
   * A loop of `await`s that never lets the event loop turn is cut only at a lucky moment: between two of its steps V8 takes a
   * termination back. So as long as the request is not over, it is tried again.
   */
  async insist(serial: number, isOverLimit: boolean): Promise<void> {
    for (let attempt = 0; attempt < INSIST_ATTEMPTS && canInterrupt(); attempt += 1) {
      await sleep(attempt === 0 ? INSIST_FIRST_MS : INSIST_MS);
      if (this.#isClosed || this.#runningSerial() !== serial) return;
      await this.interrupt(serial, isOverLimit);
    }
  }

  /** The main thread was told to end the process: cuts what user code is in the way. Returns when it is not ended by now: kill it. */
  async outlastUserCode(): Promise<void> {
    for (let attempt = 0; attempt < LEAVE_ATTEMPTS; attempt += 1) {
      await sleep(LEAVE_STEP_MS);
      // Does nothing to a main thread that is leaving already. It may not be answered at all, if user code calls into something that never returns.
      void this.interrupt(0, false).catch((error: unknown) => this.#log.warn("user code could not be cut short", { error }));
    }
    await sleep(LEAVE_END_MS);
  }

  /** Lets go of the main thread. */
  close(): void {
    this.#isClosed = true;
    this.#interrupter.close();
  }
}
