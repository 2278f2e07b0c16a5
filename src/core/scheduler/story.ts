// The story: the last transitions of all tasks, in a ring of columns that is written over and over. Cheap enough to be
// always on; read when something impossible happened or somebody asks.

import { millis, type EngineUuid, type Millis, type MsgId } from "../../base/index.ts";

/** One step of a task's life. */
export interface Transition {
  readonly at: Millis;
  /** Type of the event that caused it. */
  readonly event: string;
  readonly from: string;
  readonly to: string;
  /** The engine concerned, or `null`. */
  readonly engine: EngineUuid | null;
}

/** The last transitions, over all tasks. */
export class Story {
  readonly #max: number;
  readonly #times: number[] = [];
  readonly #ids: MsgId[] = [];
  readonly #events: string[] = [];
  readonly #from: string[] = [];
  readonly #to: string[] = [];
  readonly #engines: (EngineUuid | null)[] = [];
  #position = 0;
  #at = 0;
  #event = "";

  /** @param max transitions kept */
  constructor(max: number) {
    this.#max = max;
  }

  /** The event whose consequences are written from now on. */
  begin(event: string, at: Millis): void {
    this.#event = event;
    this.#at = at;
  }

  write(msgId: MsgId, from: string, to: string, engine: EngineUuid | null): void {
    const position = this.#position;
    this.#times[position] = this.#at;
    this.#ids[position] = msgId;
    this.#events[position] = this.#event;
    this.#from[position] = from;
    this.#to[position] = to;
    this.#engines[position] = engine;
    this.#position = position + 1 === this.#max ? 0 : position + 1;
  }

  /** What is remembered of one task, oldest first. */
  of(msgId: MsgId): Transition[] {
    const transitions: Transition[] = [];
    const length = this.#ids.length;
    for (let i = 0; i < length; i += 1) {
      // The next place to be written holds the oldest entry once the ring is full.
      const position = (this.#position + i) % length;
      if (this.#ids[position] !== msgId) continue;
      transitions.push({
        at: millis(this.#times[position] as number),
        event: this.#events[position] as string,
        from: this.#from[position] as string,
        to: this.#to[position] as string,
        engine: this.#engines[position] ?? null,
      });
    }
    return transitions;
  }
}
