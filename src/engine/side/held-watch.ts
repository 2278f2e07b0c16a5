// The side thread's eye on replies that wait in shared memory (`held-replies.ts`): those that have waited from one look to
// the next are sent from here, because user code keeps the main thread from it.

import type { Frame } from "../../wire/index.ts";
import { takeHeld } from "../held-replies.ts";
import { SHARED } from "./side-protocol.ts";

/** Time between two looks: a reply waits for one or two of them. */
const LOOK_MS = 4;
/** After so many looks that found nothing new the watch ends; the next reply that is held begins it anew. */
const IDLE_LOOKS_MAX = 50;

/** Looks after held replies while there are any. */
export class HeldWatch {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #send: (packed: Frame) => void;
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;
  #idleLooks = 0;

  /** @param send sends the packed replies to the controller */
  constructor(words: Int32Array, bytes: Uint8Array, send: (packed: Frame) => void) {
    this.#words = words;
    this.#bytes = bytes;
    this.#send = send;
  }

  /** The main thread has set `heldWatched` and holds a reply. */
  start(): void {
    this.#idleLooks = 0;
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const serial = Atomics.load(this.#words, SHARED.heldSerial);
    if (serial !== this.#seen) {
      this.#seen = serial;
      this.#idleLooks = 0;
      return;
    }
    const packed = takeHeld(this.#words, this.#bytes);
    if (packed !== undefined) return this.#send(packed);
    this.#idleLooks += 1;
    if (this.#idleLooks < IDLE_LOOKS_MAX) return;
    this.stop();
    Atomics.store(this.#words, SHARED.heldWatched, 0);
    // One that was held in between found the watch still set, and asked for none.
    if (Atomics.load(this.#words, SHARED.heldSerial) !== serial && Atomics.compareExchange(this.#words, SHARED.heldWatched, 0, 1) === 0) this.start();
  }
}
