// Stopping the request that runs. The side thread calls in here in the middle of whatever the main thread does, and user
// code that is on the stack is cut then; what else there is to do waits for the main thread's own turn. The machine's word
// says which request runs: it has said so before the runner has it.

import type { RequestQueue } from "../core/engine/index.ts";
import type { Containment } from "../execution/index.ts";
import type { RequestRunner } from "./request-runner.ts";
import type { MainMessage } from "./side/side-protocol.ts";

/** What stopping works with. */
export interface StoppingParts {
  readonly queue: RequestQueue;
  readonly containment: Containment;
  /** `undefined` before the engine has joined. */
  readonly runner: () => RequestRunner | undefined;
  readonly post: (message: MainMessage) => void;
}

/** A `cancel` of the side thread that is not answered: the request is being stopped. */
interface OpenCancel {
  readonly token: number;
  readonly serial: number;
  readonly stopped: string;
}

/** Interrupts, and cancels. */
export class Stopping {
  readonly #parts: StoppingParts;
  #open: OpenCancel[] = [];

  constructor(parts: StoppingParts) {
    this.#parts = parts;
  }

  /**
   * Called in the middle of whatever runs on this thread.
   *
   * @param only serial number of the one request that is meant, and what goes on when none runs; 0: any
   * @param isOverLimit it is stopped because its time is over
   * @returns serial number of the request that is to be given up, 0 when none runs
   */
  interrupt(only: number, isOverLimit: boolean): number {
    // Nothing may be called behind the interrupt: the termination would take effect here already, and stop here.
    const { queue, containment } = this.#parts;
    const { state } = queue;
    const serial = state.name === "running" ? state.request.serial : 0;
    if (only !== 0 && serial !== 0 && serial !== only) return 0;
    const runner = this.#parts.runner();
    if (isOverLimit && serial !== 0) runner?.noteLimit(serial);
    if (serial !== 0) runner?.noteInterrupt(serial);
    containment.interrupt();
    return serial;
  }

  /** Called likewise: stops the request that runs if it is one of these, and says which: `<serial> <msg_id>`, or "". */
  cancel(ids: readonly string[]): string {
    const { queue, containment } = this.#parts;
    const { state } = queue;
    if (state.name !== "running" || !ids.includes(state.request.msgId)) return "";
    const answer = `${state.request.serial} ${state.request.msgId}`;
    this.#parts.runner()?.noteCancel(state.request.serial);
    containment.interrupt();
    return answer;
  }

  /** On this thread's own turn: the machine knows of the cancel by now, and the side thread is told when none of these runs. */
  answer(token: number, ids: readonly string[]): void {
    const { state } = this.#parts.queue;
    // The runner has let go of one that has ended already.
    if (state.name === "running" && ids.includes(state.request.msgId) && this.#parts.runner()?.serial === state.request.serial)
      this.#open.push({ token, serial: state.request.serial, stopped: state.request.msgId });
    else this.#parts.post({ type: "cancelled", token, stopped: undefined });
  }

  /** A request has ended. */
  ended(serial: number): void {
    if (this.#open.length === 0) return;
    for (const one of this.#open) if (one.serial === serial) this.#parts.post({ type: "cancelled", token: one.token, stopped: one.stopped });
    this.#open = this.#open.filter((one) => one.serial !== serial);
  }
}
