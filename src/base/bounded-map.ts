// A cache with a bound, in entries and if wanted in weight: the entry unused for longest goes first.

/** A second bound: the sum of the values' weights. */
export interface WeightBound<V> {
  /** What a value weighs, say in bytes; always the same for the same value. */
  readonly weigh: (value: V) => number;
  readonly weightMax: number;
}

/** Map of at most `max` entries; reading an entry makes it the youngest. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #max: number;
  readonly #bound: WeightBound<V> | undefined;
  #weight = 0;

  /** @param bound a single value that is heavier than allowed is kept none the less, alone */
  constructor(max: number, bound?: WeightBound<V>) {
    this.#max = max;
    this.#bound = bound;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Sum of the weights; 0 without a bound for it. */
  get weight(): number {
    return this.#weight;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    // Reordering costs; it matters only once entries are about to be dropped.
    if (value !== undefined && this.#isFilling()) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: K, value: V): void {
    this.delete(key);
    this.#entries.set(key, value);
    if (this.#bound !== undefined) this.#weight += this.#bound.weigh(value);
    while (this.#isTooFull()) this.delete(this.#entries.keys().next().value as K);
  }

  delete(key: K): void {
    const value = this.#entries.get(key);
    if (value !== undefined && this.#bound !== undefined) this.#weight -= this.#bound.weigh(value);
    this.#entries.delete(key);
  }

  #isFilling(): boolean {
    return this.#entries.size * 2 > this.#max || (this.#bound !== undefined && this.#weight * 2 > this.#bound.weightMax);
  }

  #isTooFull(): boolean {
    if (this.#entries.size > this.#max) return true;
    return this.#bound !== undefined && this.#weight > this.#bound.weightMax && this.#entries.size > 1;
  }
}
