// The smallest sequence number first: a heap over anything that has one. Entries that have become void are met and
// skipped, and swept out when they are the greater part, so that they cost O(1) each and hold no memory for long.

import { Heap } from "../../base/index.ts";

const SWEEP_MIN = 16;

/** Something with a place in line. */
export interface Sequenced {
  readonly seq: number;
}

/** A heap by sequence number. */
export class SeqHeap<T extends Sequenced> {
  readonly #heap = new Heap<T>(isEarlier);
  readonly #isVoid: (item: T) => boolean;
  #voids = 0;

  /** @param isVoid whether an item no longer counts; once void, for ever void */
  constructor(isVoid: (item: T) => boolean) {
    this.#isVoid = isVoid;
  }

  /** Items that count. Right only if `noteVoid` was called once for each that does not. */
  get length(): number {
    return this.#heap.length - this.#voids;
  }

  /** Items held, void ones included. */
  get heldLength(): number {
    return this.#heap.length;
  }

  push(item: T): void {
    this.#heap.push(item);
  }

  /** An item in here has become void. */
  noteVoid(): void {
    this.#voids += 1;
    const held = this.#heap.length;
    if ((this.#voids * 2 > held && held >= SWEEP_MIN) || this.#voids === held) this.#sweep();
  }

  /** The first item that counts. */
  peek(): T | undefined {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || !this.#isVoid(first)) return first;
      this.#heap.pop();
      this.#voids -= 1;
    }
  }

  /** Takes out the first item that counts. */
  pop(): T | undefined {
    const first = this.peek();
    if (first !== undefined) this.#heap.pop();
    return first;
  }

  /** Items that count, in no order. */
  *[Symbol.iterator](): Iterator<T> {
    for (const item of this.#heap) if (!this.#isVoid(item)) yield item;
  }

  #sweep(): void {
    this.#heap.keep((item) => !this.#isVoid(item));
    this.#voids = 0;
  }
}

function isEarlier(one: Sequenced, other: Sequenced): boolean {
  return one.seq < other.seq;
}
