// Values to be met again once, say ids of requests that may never come. Nothing else would forget those, so the set is
// bounded: the oldest value gives way.

/** Remembers at most `max` values, each until it is taken. */
export class BoundedSet<T> {
  readonly #values = new Set<T>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#values.size;
  }

  /** Remembers a value as the youngest, forgetting the oldest when there is no room. */
  add(value: T): void {
    this.#values.delete(value);
    this.#values.add(value);
    if (this.#values.size <= this.#max) return;
    const oldest = this.#values.values().next();
    if (oldest.done !== true) this.#values.delete(oldest.value);
  }

  /** Whether the value is remembered; it is forgotten by asking. */
  take(value: T): boolean {
    return this.#values.delete(value);
  }
}
