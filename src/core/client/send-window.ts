// How much the client may have under way. A request takes room in its lane when it is sent and gives it back when it
// is settled; further requests of the lane wait here, in order. So a million requests submitted in one loop fill
// neither the controller nor a socket's queue.
//
// A lane is the task channel, the broadcast channel, or one engine: a slow engine never holds up another.

import { RingQueue } from "../../base/index.ts";

/** Bounds of a lane. */
export interface WindowLimits {
  /** Messages sent and not settled, default 4,096. */
  readonly messagesMax: number;
  /** Their bytes, default 256 MiB; one message larger than that goes alone. */
  readonly bytesMax: number;
}

/** Defaults of a lane. */
export const DEFAULT_WINDOW: WindowLimits = { messagesMax: 4096, bytesMax: 256 * 1024 ** 2 };

/** What the window needs to know of a request. */
export interface Windowed {
  readonly bytes: number;
  /** Whether it still waits; a request aborted meanwhile is skipped. */
  readonly state: string;
}

interface Lane<T> {
  messages: number;
  bytes: number;
  readonly waiting: RingQueue<T>;
}

/** Credits and waiting lines, one pair for each lane. */
export class SendWindow<T extends Windowed> {
  readonly #limits: WindowLimits;
  readonly #lanes = new Map<string, Lane<T>>();
  #isPaused = false;

  constructor(limits: WindowLimits = DEFAULT_WINDOW) {
    this.#limits = limits;
  }

  /** True when the request may be sent now; otherwise it waits. */
  offer(laneName: string, request: T): boolean {
    const lane = this.#lane(laneName);
    if (!this.#isPaused && lane.waiting.length === 0 && this.#hasRoom(lane, request)) {
      take(lane, request);
      return true;
    }
    lane.waiting.push(request);
    return false;
  }

  /** Gives back the room of a sent request; the requests that may be sent now, in order. */
  release(laneName: string, request: T): readonly T[] {
    const lane = this.#lanes.get(laneName);
    if (lane === undefined) return NOTHING;
    lane.messages -= 1;
    lane.bytes -= request.bytes;
    if (lane.waiting.length === 0) {
      if (lane.messages === 0) this.#lanes.delete(laneName);
      return NOTHING;
    }
    return this.#admit(laneName, lane);
  }

  /** Drops the requests at the head of a lane that no longer wait; what may be sent after that. */
  prune(laneName: string): readonly T[] {
    const lane = this.#lanes.get(laneName);
    return lane === undefined ? NOTHING : this.#admit(laneName, lane);
  }

  /** Lets nothing more be sent; everything waits. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Ends a pause; what may be sent now. */
  resume(): readonly T[] {
    this.#isPaused = false;
    return [...this.#lanes].flatMap(([name, lane]) => this.#admit(name, lane));
  }

  /** Messages and bytes sent and not settled, and messages waiting, over all lanes. */
  get totals(): { readonly messages: number; readonly bytes: number; readonly waiting: number } {
    let messages = 0;
    let bytes = 0;
    let waiting = 0;
    for (const lane of this.#lanes.values()) {
      messages += lane.messages;
      bytes += lane.bytes;
      waiting += lane.waiting.length;
    }
    return { messages, bytes, waiting };
  }

  #admit(laneName: string, lane: Lane<T>): readonly T[] {
    const admitted: T[] = [];
    for (let next = lane.waiting.peek(); next !== undefined; next = lane.waiting.peek()) {
      if (next.state === "waiting") {
        if (this.#isPaused || !this.#hasRoom(lane, next)) break;
        take(lane, next);
        admitted.push(next);
      }
      lane.waiting.shift();
    }
    if (lane.messages === 0 && lane.waiting.length === 0) this.#lanes.delete(laneName);
    return admitted;
  }

  #hasRoom(lane: Lane<T>, request: T): boolean {
    if (lane.messages === 0) return true;
    return lane.messages < this.#limits.messagesMax && lane.bytes + request.bytes <= this.#limits.bytesMax;
  }

  #lane(name: string): Lane<T> {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { messages: 0, bytes: 0, waiting: new RingQueue() };
      this.#lanes.set(name, lane);
    }
    return lane;
  }
}

const NOTHING: readonly never[] = [];

function take(lane: { messages: number; bytes: number }, request: Windowed): void {
  lane.messages += 1;
  lane.bytes += request.bytes;
}
