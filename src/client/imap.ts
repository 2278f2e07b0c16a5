// A lazy map: items are taken from the source only as results are taken by the reader.

import { InvalidArgumentError } from "../base/index.ts";
import type { ResultOwner } from "./async-result.ts";
import type { RequestHandle } from "./request-handle.ts";

/** An iterable, or an asynchronous one. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

/** How a lazy map runs. */
export interface ImapOptions {
  /** Tasks submitted whose results were not taken, at most; default ten for each engine. */
  readonly maxOutstanding?: number;
  /** Default true; false gives results as they complete. */
  readonly ordered?: boolean;
  /** Items in one task, default 1. */
  readonly chunkSize?: number;
  /** Cancels. */
  readonly signal?: AbortSignal;
}

interface ImapParts<T> {
  readonly items: AnyIterable<T>;
  readonly submit: (chunk: readonly T[]) => RequestHandle;
  readonly owner: ResultOwner;
  readonly maxOutstanding: number;
  readonly ordered: boolean;
  readonly chunkSize: number;
  readonly signal?: AbortSignal;
}

/**
 * Results of a lazy map. Read it with `for await`; leaving the loop, `cancel()` or the signal ends it: nothing more is
 * taken from the source, and tasks that have not begun are aborted.
 */
export class ImapIterator<T, R> implements AsyncIterableIterator<R> {
  readonly #run: AsyncGenerator<R, undefined, undefined>;
  readonly #parts: ImapParts<T>;
  readonly #source: AsyncIterator<T>;
  /** Tasks submitted and not yet taken, in order. */
  readonly #under = new Set<RequestHandle>();
  #isCancelled = false;
  #wake: (() => void) | undefined;

  /** @internal Use `view.imap`. */
  constructor(parts: ImapParts<T>) {
    if (!(parts.maxOutstanding >= 1)) throw new InvalidArgumentError(`maxOutstanding must be at least 1, and is ${parts.maxOutstanding}`);
    if (!Number.isInteger(parts.chunkSize) || parts.chunkSize < 1)
      throw new InvalidArgumentError(`chunkSize must be a whole number of at least 1, and is ${parts.chunkSize}`);
    this.#parts = parts;
    this.#source = iteratorOf(parts.items);
    this.#run = this.#generate();
  }

  /** The next result, once it is there. Rejects with what a task failed with, or what the source threw; then it is over. */
  next(): Promise<IteratorResult<R, undefined>> {
    return this.#run.next();
  }

  /** Ends it, as leaving a `for await` loop does. */
  async return(): Promise<IteratorResult<R, undefined>> {
    await this.cancel();
    return this.#run.return(undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends it: the reader's next step is the end, and tasks that have not begun are aborted. */
  async cancel(): Promise<void> {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#wake?.();
    this.#stopTaking?.();
    const pending = [...this.#under].filter((handle) => handle.state === "pending").map((handle) => handle.record.msgId);
    if (pending.length > 0) await this.#parts.owner.abort(pending);
  }

  async *#generate(): AsyncGenerator<R, undefined, undefined> {
    const { signal, ordered } = this.#parts;
    // The loop below ends by itself; a failure to abort is of no use to a reader who has gone.
    const onAbort = (): void => void this.cancel().catch(() => undefined);
    signal?.addEventListener("abort", onAbort, { once: true });
    const feed = this.#feed();
    // Kept quiet until the reader meets it below.
    feed.catch(() => undefined);
    try {
      signal?.throwIfAborted();
      while (!this.#isCancelled) {
        const handle = this.#nextReady(ordered);
        if (handle !== undefined) {
          this.#under.delete(handle);
          this.#wakeFeeder?.();
          const error = handle.lookAtError();
          if (error !== undefined) throw error;
          yield* handle.value as readonly R[];
        } else if (this.#under.size === 0 && this.#isFed) {
          await feed;
          return undefined;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
      signal?.throwIfAborted();
      return undefined;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#wakeFeeder?.();
      // What the reader meets is the end or the task's error, not a failure to abort the rest.
      await this.cancel().catch(() => undefined);
    }
  }

  #isFed = false;
  #isSourceOver = false;
  #wakeFeeder: (() => void) | undefined;

  #nextReady(ordered: boolean): RequestHandle | undefined {
    for (const handle of this.#under) {
      if (handle.state !== "pending") return handle;
      if (ordered) return undefined;
    }
    return undefined;
  }

  /** Takes items and submits chunks while there is room. Ends with the source, with `cancel`, or with the source's error. */
  async #feed(): Promise<void> {
    const { chunkSize } = this.#parts;
    let chunk: T[] = [];
    try {
      for (let step = await this.#take(); step !== undefined && !this.#isCancelled; step = await this.#take()) {
        if (step.done !== true) chunk.push(step.value);
        if (chunk.length === chunkSize || (step.done === true && chunk.length > 0)) {
          this.#submit(chunk);
          chunk = [];
        }
        if (step.done === true) return;
        await this.#room();
      }
    } finally {
      this.#isFed = true;
      if (!this.#isSourceOver) this.#releaseSource();
      this.#wake?.();
    }
  }

  #stopTaking: (() => void) | undefined;

  /** The source's next step; `undefined` as soon as all is cancelled, whether the source has an item then or not. */
  #take(): Promise<IteratorResult<T, unknown> | undefined> {
    if (this.#isCancelled) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#stopTaking = () => resolve(undefined);
      const take = (step: IteratorResult<T, unknown>): void => {
        this.#isSourceOver = step.done === true;
        resolve(step);
      };
      const fail = (error: unknown): void => {
        this.#isSourceOver = true;
        reject(error as Error);
      };
      Promise.resolve(this.#source.next()).then(take, fail);
    });
  }

  /** Lets the source go. Not waited for: one that gives nothing at the moment may not answer either. */
  #releaseSource(): void {
    // A stream that waits for data takes notice of `return` only with the next of it.
    const { destroy } = this.#parts.items as { readonly destroy?: unknown };
    if (typeof destroy === "function") destroy.call(this.#parts.items);
    const released = async (): Promise<unknown> => this.#source.return?.();
    // The reader has gone, or meets the error that ended the map.
    released().catch(() => undefined);
  }

  #submit(chunk: readonly T[]): void {
    const handle = this.#parts.submit(chunk);
    this.#under.add(handle);
    handle.onSettled(() => this.#wake?.());
  }

  async #room(): Promise<void> {
    while (this.#under.size >= this.#parts.maxOutstanding && !this.#isCancelled) {
      await new Promise<void>((resolve) => {
        this.#wakeFeeder = resolve;
      });
    }
  }
}

/** Reads either kind of iterable in one way. */
function iteratorOf<T>(items: AnyIterable<T>): AsyncIterator<T> {
  const source: unknown = items;
  const isIterable = (key: symbol): boolean => source !== null && source !== undefined && typeof (source as Record<symbol, unknown>)[key] === "function";
  if (isIterable(Symbol.asyncIterator)) return (items as AsyncIterable<T>)[Symbol.asyncIterator]();
  if (isIterable(Symbol.iterator)) return overSync(items as Iterable<T>);
  throw new InvalidArgumentError(`imap's items cannot be iterated, being ${source === null ? "null" : typeof source}; pass an iterable, asynchronous or not`);
}

async function* overSync<T>(items: Iterable<T>): AsyncGenerator<T, undefined, undefined> {
  yield* items;
  return undefined;
}
