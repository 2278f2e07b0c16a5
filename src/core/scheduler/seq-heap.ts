// The smallest sequence number first: a binary heap over anything that has one. Entries that have become void are met
// and skipped, and swept out when they are the greater part, so that they cost O(1) each and hold no memory for long.

const SWEEP_MIN = 16;

/** Something with a place in the order of submission. */
export interface Sequenced {
  readonly seq: number;
}

/** A heap by sequence number. */
export class SeqHeap<T extends Sequenced> {
  #items: T[] = [];
  readonly #isVoid: (item: T) => boolean;
  #voids = 0;

  /** @param isVoid whether an item no longer counts; once void, for ever void */
  constructor(isVoid: (item: T) => boolean) {
    this.#isVoid = isVoid;
  }

  /** Items that count. Right only if `noteVoid` was called once for each that does not. */
  get length(): number {
    return this.#items.length - this.#voids;
  }

  /** Items held, void ones included. */
  get heldLength(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#up(this.#items.length - 1);
  }

  /** An item in here has become void. */
  noteVoid(): void {
    this.#voids += 1;
    if (this.#voids * 2 > this.#items.length && this.#items.length >= SWEEP_MIN) this.#sweep();
    else if (this.#voids === this.#items.length) this.#sweep();
  }

  /** The first item that counts. */
  peek(): T | undefined {
    for (;;) {
      const first = this.#items[0];
      if (first === undefined || !this.#isVoid(first)) return first;
      this.#removeFirst();
      this.#voids -= 1;
    }
  }

  /** Takes out the first item that counts. */
  pop(): T | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  /** Items that count, in no order. */
  *[Symbol.iterator](): Iterator<T> {
    for (const item of this.#items) if (!this.#isVoid(item)) yield item;
  }

  #sweep(): void {
    // A sorted array is a heap.
    this.#items = this.#items.filter((item) => !this.#isVoid(item)).toSorted((one, other) => one.seq - other.seq);
    this.#voids = 0;
  }

  #removeFirst(): void {
    const last = this.#items.pop() as T;
    if (this.#items.length === 0) return;
    this.#items[0] = last;
    this.#down();
  }

  #up(start: number): void {
    let index = start;
    const item = this.#items[index] as T;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const other = this.#items[parent] as T;
      if (other.seq <= item.seq) break;
      this.#items[index] = other;
      index = parent;
    }
    this.#items[index] = item;
  }

  #down(): void {
    let index = 0;
    const item = this.#items[0] as T;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.#items.length) break;
      if (child + 1 < this.#items.length && (this.#items[child + 1] as T).seq < (this.#items[child] as T).seq) child += 1;
      const other = this.#items[child] as T;
      if (item.seq <= other.seq) break;
      this.#items[index] = other;
      index = child;
    }
    this.#items[index] = item;
  }
}
