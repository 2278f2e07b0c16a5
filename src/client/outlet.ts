// One outgoing socket with the messages its bounded queue had no room for. They go out, in order, as it drains; how many
// there can be is bounded by the client's window.

import { RingQueue } from "../base/index.ts";
import type { MessageSocket } from "../net/index.ts";
import type { Frame } from "../wire/index.ts";

/** Sends in order and never refuses. */
export class Outlet {
  readonly socket: MessageSocket;
  readonly #overflow = new RingQueue<readonly Frame[]>();
  #isDraining = false;
  #isClosed = false;

  constructor(socket: MessageSocket) {
    this.socket = socket;
  }

  send(frames: readonly Frame[]): void {
    if (this.#isClosed) return;
    if (this.#overflow.length === 0 && this.socket.send(frames)) return;
    this.#overflow.push(frames);
    // Runs until the overflow is empty or the socket is closed; it cannot fail otherwise.
    if (!this.#isDraining) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    try {
      while (this.#overflow.length > 0 && !this.#isClosed) {
        await this.socket.flushed();
        for (let frames = this.#overflow.peek(); frames !== undefined && !this.#isClosed; frames = this.#overflow.peek()) {
          if (!this.socket.send(frames)) break;
          this.#overflow.shift();
        }
      }
    } finally {
      this.#isDraining = false;
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#overflow.clear();
    return this.socket.close();
  }

  /** Closes at once: what has not left is dropped. */
  abort(): Promise<void> {
    this.#isClosed = true;
    this.#overflow.clear();
    return this.socket.abort();
  }
}
