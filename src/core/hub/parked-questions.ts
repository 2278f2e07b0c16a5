// Questions for results of which none is there yet: they wait in the Hub until something of theirs has ended, so that nobody has to ask
// again and again. Bounded in number of ids and in time; who finds no room, or waited long enough, is answered with what there is.

import { invariant, type Millis } from "../../base/index.ts";

/** Bounds. */
export interface ParkedOptions {
  /** Ids that parked questions may name together; default 100,000. */
  readonly idsMax?: number;
  /** How long a question waits at most, in milliseconds; default 20,000. */
  readonly waitMs?: number;
}

interface Parked<Question> {
  readonly question: Question;
  readonly ids: readonly string[];
  readonly until: number;
}

const IDS_MAX = 100_000;
const WAIT_MS = 20_000;

/** Keeps questions until one of the requests that they name is not pending any more. */
export class ParkedQuestions<Question> {
  readonly #idsMax: number;
  readonly #waitMs: number;
  readonly #parked = new Set<Parked<Question>>();
  #idCount = 0;

  constructor(options: ParkedOptions = {}) {
    this.#idsMax = options.idsMax ?? IDS_MAX;
    this.#waitMs = options.waitMs ?? WAIT_MS;
  }

  /** Takes a question for requests that are all pending; false when there is no room for it. */
  park(question: Question, ids: readonly string[], at: Millis): boolean {
    if (this.#idCount + ids.length > this.#idsMax) return false;
    this.#parked.add({ question, ids, until: at + this.#waitMs });
    this.#idCount += ids.length;
    return true;
  }

  /** Gives back the questions of which something has ended, or whose time is over, in the order in which they came. */
  release(isPending: (id: string) => boolean, at: Millis): Question[] {
    const released: Question[] = [];
    for (const parked of this.#parked) {
      if (at < parked.until && parked.ids.every(isPending)) continue;
      this.#parked.delete(parked);
      this.#idCount -= parked.ids.length;
      released.push(parked.question);
    }
    return released;
  }

  /** Checks what must hold. */
  validate(): void {
    const count = [...this.#parked].reduce((sum, { ids }) => sum + ids.length, 0);
    invariant(count === this.#idCount && count <= this.#idsMax, () => `${this.#idCount} ids are counted as parked, and ${count} are`);
  }
}
