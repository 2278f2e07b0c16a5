// Holds back a client-facing socket for several reasons at once: it is paused while any reason stands.

import type { MessageSocket } from "../net/index.ts";

/** Why clients are held back. */
export type PauseReason = "hubBehind" | "tooManyTasks";

/** Pauses one socket. */
export class IntakeGate {
  readonly #socket: MessageSocket;
  readonly #reasons = new Set<PauseReason>();

  constructor(socket: MessageSocket) {
    this.#socket = socket;
  }

  /** Whether the socket is paused. */
  get isPaused(): boolean {
    return this.#reasons.size > 0;
  }

  /** Gives or takes back a reason. */
  set(reason: PauseReason, stands: boolean): void {
    const before = this.isPaused;
    if (stands) this.#reasons.add(reason);
    else this.#reasons.delete(reason);
    if (before === this.isPaused) return;
    if (this.isPaused) this.#socket.pause();
    else this.#socket.resume();
  }
}
