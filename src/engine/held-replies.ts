// Replies that wait, while further requests are run, so that several leave together: to send one wakes threads in two
// processes, which costs more than a small request does. They wait until the turn of the event loop ends, two
// milliseconds or so, unless user code keeps the turn for itself. Therefore they lie in shared memory, from where the
// side thread takes them when they have waited too long and sends them by the control channel.
//
// One word says whose the replies are:
//
//   MAIN ──offer──> OFFERED ──reclaim──> MAIN      by the main thread, before it adds to them or sends them
//                      └──────take─────> TAKING ──> MAIN   by the side thread, which counts the taking first
//
// Both leave OFFERED by compare-and-exchange, so each reply is sent once.

import { packedBytes, writeHead, writeMessage, type Frame } from "../wire/index.ts";
import { SHARED } from "./side/side-protocol.ts";

const MAIN = 0;
const OFFERED = 1;
const TAKING = 2;

/** Bytes of replies that may wait; more are sent at once. */
export const HELD_BYTES_MAX: number = 64 * 1024;
/** Replies that may wait. */
const HELD_MAX = 32;
/** The side thread copies the replies in microseconds, but it may lose its core in the middle. */
const TAKING_MS = 100;

/** What holding needs. */
export interface HeldRepliesParts {
  /** The words of `SHARED`. */
  readonly words: Int32Array;
  /** At least `HELD_BYTES_MAX`. */
  readonly bytes: Uint8Array;
  /** Sends replies now. */
  readonly send: (replies: readonly (readonly Frame[])[]) => void;
  /** Asks the side thread to look after the replies, until it has found none for a while. */
  readonly watch: () => void;
}

/** The main thread's side. */
export class HeldReplies {
  readonly #parts: HeldRepliesParts;
  #replies: (readonly Frame[])[] = [];
  #end: number;
  #takings = 0;
  #isReleaseDue = false;

  constructor(parts: HeldRepliesParts) {
    this.#parts = parts;
    this.#end = writeHead(parts.bytes);
  }

  /** Holds a reply, until this turn of the loop ends at the latest. */
  add(frames: readonly Frame[]): void {
    const { words, bytes, watch } = this.#parts;
    this.#reclaim();
    if (this.#replies.length >= HELD_MAX || this.#end + packedBytes(frames) > HELD_BYTES_MAX) {
      this.#replies.push(frames);
      return this.#sendAll();
    }
    this.#replies.push(frames);
    this.#end = writeMessage(bytes, this.#end, frames);
    if (this.#replies.length === 1) Atomics.add(words, SHARED.heldSerial, 1);
    Atomics.store(words, SHARED.heldBytes, this.#end);
    Atomics.store(words, SHARED.heldState, OFFERED);
    if (Atomics.compareExchange(words, SHARED.heldWatched, 0, 1) === 0) watch();
    if (this.#isReleaseDue) return;
    this.#isReleaseDue = true;
    process.nextTick(() => {
      this.#isReleaseDue = false;
      this.release();
    });
  }

  /** Sends what is held. */
  release(): void {
    if (this.#replies.length === 0) return;
    this.#reclaim();
    this.#sendAll();
  }

  #sendAll(): void {
    const replies = this.#replies;
    this.#empty();
    if (replies.length > 0) this.#parts.send(replies);
  }

  #empty(): void {
    this.#replies = [];
    this.#end = writeHead(this.#parts.bytes);
  }

  /** Makes the replies this thread's; those that the side thread has taken are forgotten. */
  #reclaim(): void {
    const { words } = this.#parts;
    while (Atomics.compareExchange(words, SHARED.heldState, OFFERED, MAIN) === TAKING) Atomics.wait(words, SHARED.heldState, TAKING, TAKING_MS);
    const takings = Atomics.load(words, SHARED.heldTakings);
    if (takings === this.#takings) return;
    this.#takings = takings;
    this.#empty();
  }
}

/** Takes the replies that are held, from the side thread, as one packed frame; `undefined` when there are none or the main thread has them. */
export function takeHeld(words: Int32Array, bytes: Uint8Array): Frame | undefined {
  if (Atomics.compareExchange(words, SHARED.heldState, OFFERED, TAKING) !== OFFERED) return undefined;
  const taken = bytes.slice(0, Atomics.load(words, SHARED.heldBytes));
  Atomics.add(words, SHARED.heldTakings, 1);
  Atomics.store(words, SHARED.heldState, MAIN);
  Atomics.notify(words, SHARED.heldState);
  return taken;
}
