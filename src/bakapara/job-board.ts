// The state of a run: which jobs wait, run and ended, what starts next, when to read more, when it is over. Pure; the
// shell around it talks to the cluster.
//
// A job waits (`add`), runs (`take`), and when its attempt ends (`finish`) either waits again or has ended. Higher priority starts
// first, then the earlier; a retried job comes before later ones. Invariants: waiting and running are disjoint and bounded by
// the limits; with kept order nothing is read more than `orderSpanMax` places ahead of the oldest job that has not ended.

import { invariant } from "../base/index.ts";

/** Bounds of a run. */
export interface BoardLimits {
  /** Jobs read and not started. */
  readonly waitingMax: number;
  /** Bytes of those jobs; a single larger job is taken all the same. */
  readonly waitingBytesMax?: number | undefined;
  /** With kept order: how far ahead of the oldest unfinished job is read; `undefined`: order does not matter. */
  readonly orderSpanMax?: number | undefined;
}

/** A job on the board. */
export interface Entry<T> {
  /** Position in the input, from 0. */
  readonly seq: number;
  readonly priority: number;
  readonly retries: number;
  /** The attempt that runs or comes next, from 1. */
  attempt: number;
  readonly payload: T;
  readonly sizeBytes: number;
}

/** Waiting, running and ended jobs of one run. */
export class JobBoard<T> {
  readonly #limits: BoardLimits;
  readonly #waiting: Entry<T>[] = [];
  readonly #running = new Set<Entry<T>>();
  readonly #endedAhead = new Set<number>();
  #oldestUnended = 0;
  #added = 0;
  #ended = 0;
  #waitingBytes = 0;
  #isInputOver = false;
  #isStopping = false;

  constructor(limits: BoardLimits) {
    this.#limits = limits;
  }

  /** Whether there is room for another job. */
  get wantsMore(): boolean {
    const { waitingMax, waitingBytesMax = Infinity, orderSpanMax = Infinity } = this.#limits;
    return !this.#isStopping && this.#waiting.length < waitingMax && this.#waitingBytes < waitingBytesMax && this.#added - this.#oldestUnended < orderSpanMax;
  }

  /** Whether nothing runs and nothing more will. */
  get isOver(): boolean {
    return this.#running.size === 0 && (this.#isStopping || (this.#isInputOver && this.#waiting.length === 0));
  }

  get added(): number {
    return this.#added;
  }

  get ended(): number {
    return this.#ended;
  }

  get isInputOver(): boolean {
    return this.#isInputOver;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  get running(): ReadonlySet<Entry<T>> {
    return this.#running;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** A job was read. */
  add(payload: T, options: { readonly priority?: number | undefined; readonly retries?: number | undefined; readonly sizeBytes?: number } = {}): void {
    const { priority = 0, retries = 0, sizeBytes = 0 } = options;
    this.#push({ seq: this.#added, priority, retries, attempt: 1, payload, sizeBytes });
    this.#added += 1;
  }

  /** There are no more jobs to read. */
  endInput(): void {
    this.#isInputOver = true;
  }

  /** Starts no more. */
  stop(): void {
    this.#isStopping = true;
  }

  /** The next job to start, if there is one. How many run at a time is the caller's affair. */
  take(): Entry<T> | undefined {
    if (this.#isStopping) return undefined;
    const next = this.#waiting[0];
    if (next === undefined) return undefined;
    this.#pop();
    this.#waitingBytes -= next.sizeBytes;
    this.#running.add(next);
    return next;
  }

  /**
   * An attempt ended.
   *
   * @param isFinal another attempt is not wanted or would not help
   * @returns true when the job has ended with it, false when it waits for another attempt
   */
  finish(entry: Entry<T>, isFinal: boolean): boolean {
    this.drop(entry);
    if (!isFinal && entry.attempt <= entry.retries && !this.#isStopping) {
      entry.attempt += 1;
      this.#push(entry);
      return false;
    }
    this.#ended += 1;
    this.#endedAhead.add(entry.seq);
    while (this.#endedAhead.delete(this.#oldestUnended)) this.#oldestUnended += 1;
    return true;
  }

  /** A started job was taken back before it began: it neither runs nor has ended. */
  drop(entry: Entry<T>): void {
    invariant(this.#running.delete(entry), () => `job ${entry.seq} left the board and was not running`);
  }

  // A binary heap by priority, then by position.
  #push(entry: Entry<T>): void {
    const heap = this.#waiting;
    this.#waitingBytes += entry.sizeBytes;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Entry<T>;
      if (!isBefore(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#waiting;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      if (left >= heap.length) break;
      const child = right < heap.length && isBefore(heap[right] as Entry<T>, heap[left] as Entry<T>) ? right : left;
      if (!isBefore(heap[child] as Entry<T>, last)) break;
      heap[at] = heap[child] as Entry<T>;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.priority !== b.priority ? a.priority > b.priority : a.seq < b.seq;
}
