// Which record goes first: a binary heap of ids by time. Entries are not taken out when their record goes for another
// reason; whoever pops asks whether it is still there.

interface Entry {
  readonly id: string;
  readonly at: string;
}

/** Ids with the earliest time first; equal times in no particular order. */
export class CullQueue {
  readonly #heap: Entry[] = [];

  get length(): number {
    return this.#heap.length;
  }

  push(id: string, at: string): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push({ id, at });
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if ((heap[parent] as Entry).at <= at) break;
      heap[place] = heap[parent] as Entry;
      place = parent;
    }
    heap[place] = { id, at };
  }

  /** The earliest entry, still in the queue. */
  peek(): Entry | undefined {
    return this.#heap[0];
  }

  /** Takes the earliest entry out. */
  pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Entry).at < (heap[child] as Entry).at) child += 1;
      if ((heap[child] as Entry).at >= last.at) break;
      heap[place] = heap[child] as Entry;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}
