// Who has a request of the task channel: this engine, once it has claimed it to start it, or the controller, once it has
// recalled it. The two threads decide it by one word of shared memory that changes by compare-and-exchange only:
//
//   low 20 bits   ordinal of the last request claimed, modulo 2^20; changed by the main thread
//   next 11 bits  recalls so far, modulo 2^11; changed by the side thread
//
// The side thread tells the main thread of a recall before it counts it. So a main thread that finds a recall it was not
// told of has that word waiting in its port, and a claim succeeds only if no recall was counted since it looked. What was
// claimed when the recall was counted is started, everything else up to the recall's ordinal goes back: never both, never
// neither.

const ORDINAL_BITS = 20;
const ORDINAL_MASK = 2 ** ORDINAL_BITS - 1;
const RECALL_MASK = 2 ** 11 - 1;

/** The main thread's side. */
export class TaskClaims {
  readonly #words: Int32Array;
  readonly #index: number;
  /** Takes what the side thread has posted, now. */
  readonly #drain: () => void;
  /** Recalls the side thread has told of, modulo 2^11. */
  #recalls = 0;
  #recalledThrough = 0;

  /** @param drain hands over what the side thread has posted; `recalled` is called from within */
  constructor(words: Int32Array, index: number, drain: () => void) {
    this.#words = words;
    this.#index = index;
    this.#drain = drain;
  }

  /** Requests up to this ordinal that were not claimed are the controller's. */
  get recalledThrough(): number {
    return this.#recalledThrough;
  }

  /** The side thread has told of a recall. */
  recalled(through: number): void {
    this.#recalls = (this.#recalls + 1) & RECALL_MASK;
    this.#recalledThrough = Math.max(this.#recalledThrough, through);
  }

  /** Claims a request; ordinals rise from claim to claim. False: it was recalled, and must not be started. */
  claim(ordinal: number): boolean {
    for (;;) {
      const word = Atomics.load(this.#words, this.#index);
      const counted = word >>> ORDINAL_BITS;
      // It may be told and not yet counted as well: then there is nothing to take, and what it means is known.
      if (counted !== this.#recalls) this.#drain();
      if (ordinal <= this.#recalledThrough) return false;
      const claimed = (counted << ORDINAL_BITS) | (ordinal & ORDINAL_MASK);
      if (Atomics.compareExchange(this.#words, this.#index, word, claimed) === word) return true;
    }
  }
}

/**
 * Counts a recall, from the side thread; the main thread has been told of it.
 *
 * @param through ordinal of the last request that is recalled
 * @returns ordinal of the last request that had been claimed by then: it and those before it are the engine's
 */
export function countRecall(words: Int32Array, index: number, through: number): number {
  for (;;) {
    const word = Atomics.load(words, index);
    const recalls = ((word >>> ORDINAL_BITS) + 1) & RECALL_MASK;
    if (Atomics.compareExchange(words, index, word, (recalls << ORDINAL_BITS) | (word & ORDINAL_MASK)) !== word) continue;
    const unclaimed = (through - (word & ORDINAL_MASK)) & ORDINAL_MASK;
    // Half the circle and more means that requests behind `through` have been claimed.
    return unclaimed > ORDINAL_MASK / 2 ? through : through - unclaimed;
  }
}
