// The side thread's hold on the main thread: stops the code that a request runs, insists where V8 lets it slip, and sees to
// it that a process which is to end does end.

import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../log/index.ts";
import { Insistence } from "./insistence.ts";
import { canInterrupt, Interrupter } from "./interrupter.ts";

/** User code that is in the way when the process is to end is cut short after this time, and again after as much. */
const LEAVE_STEP_MS = 100;
const LEAVE_ATTEMPTS = 4;
/** How long the process may then take to end before it is killed. */
const LEAVE_END_MS = 1500;
/** Stops what the main thread runs. */
export class MainReins {
  readonly #interrupter = new Interrupter();
  readonly #log: Logger;
  readonly #runningSerial: () => number;
  readonly #insistence: Insistence;
  #isClosed = false;

  /**
   * @param runningSerial serial number of the request that runs on the main thread, 0 when none does
   * @param ping asks the main thread for a sign of life, on a turn of its own: `turned` is to be called then
   */
  constructor(log: Logger, runningSerial: () => number, ping?: () => void) {
    this.#log = log;
    this.#runningSerial = runningSerial;
    const cut = (serial: number, isOverLimit: boolean): Promise<number> => this.interrupt(serial, isOverLimit);
    this.#insistence = new Insistence({ runningSerial, isClosing: () => this.#isClosed, cut, ping });
  }

  /** Whether this Node can interrupt at all. Else what is interrupted is given up, and its code runs on. */
  get canInterrupt(): boolean {
    return canInterrupt();
  }

  /**
   * Stops the user code that runs, in the middle of whatever it does.
   *
   * @param only serial number of the one request that is meant, and what goes on when none runs; 0: any
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
   * Call after a request was told to stop; see `Insistence`.
   *
   * @returns whether it has ended and left nothing behind; false: it could not be stopped in time, and goes on
   */
  async insist(serial: number, isOverLimit: boolean): Promise<boolean> {
    return !canInterrupt() || this.#insistence.end(serial, isOverLimit);
  }

  /** Call after a request was cut and has ended. False: something that it left behind keeps the main thread, and could not be cut in time. */
  async free(): Promise<boolean> {
    return !canInterrupt() || this.#insistence.free();
  }

  /** The main thread gives the sign of life that it was asked for. */
  turned(): void {
    this.#insistence.turned();
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
