// A binary heap: the first item by an order of the owner's, in logarithmic time. An owner that takes items out of the
// middle is told each item's place, so that it need not search.

/** Items of which the first is at hand. The owner bounds it: this container only grows and shrinks. */
export class Heap<T> {
  #items: T[] = [];
  readonly #isBefore: (one: T, other: T) => boolean;
  readonly #placed: ((item: T, index: number) => void) | undefined;

  /**
   * @param isBefore a strict order of the items; it must not change while they are in here
   * @param placed told an item's index, for `removeAt`, whenever it gets another one
   */
  constructor(isBefore: (one: T, other: T) => boolean, placed?: (item: T, index: number) => void) {
    this.#isBefore = isBefore;
    this.#placed = placed;
  }

  /** How many items it holds. */
  get length(): number {
    return this.#items.length;
  }

  /** The first item, still in the heap; `undefined` when empty. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Adds an item. */
  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  /** Takes the first item out; `undefined` when empty. */
  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.removeAt(0);
    return first;
  }

  /** Takes out the item at an index that `placed` told last of it. */
  removeAt(index: number): void {
    const last = this.#items.pop() as T;
    if (index === this.#items.length) return;
    const parent = (index - 1) >> 1;
    if (index > 0 && this.#isBefore(last, this.#items[parent] as T)) this.#rise(index, last);
    else this.#sink(index, last);
  }

  /** Keeps only the items that pass. */
  keep(passes: (item: T) => boolean): void {
    this.#items = this.#items.filter(passes);
    for (let index = this.#items.length - 1; index >= 0; index -= 1) this.#sink(index, this.#items[index] as T);
  }

  /** All items, in no order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items.values();
  }

  /** Puts an item at an index or, where it comes before its parent, as far up as it belongs. */
  #rise(start: number, item: T): void {
    const items = this.#items;
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const other = items[parent] as T;
      if (!this.#isBefore(item, other)) break;
      items[index] = other;
      this.#placed?.(other, index);
      index = parent;
    }
    items[index] = item;
    this.#placed?.(item, index);
  }

  /** Puts an item at an index or, where a child comes before it, as far down as it belongs. */
  #sink(start: number, item: T): void {
    const items = this.#items;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#isBefore(items[child + 1] as T, items[child] as T)) child += 1;
      const other = items[child] as T;
      if (!this.#isBefore(other, item)) break;
      items[index] = other;
      this.#placed?.(other, index);
      index = child;
    }
    items[index] = item;
    this.#placed?.(item, index);
  }
}
