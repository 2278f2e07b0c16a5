// A load-balanced view in the form of an executor: submit functions, map them, stop by an AbortSignal, and at the end wait
// for all. Engines are not ended with it.

import { InvalidStateError } from "../base/index.ts";
import type { AsyncResult } from "./async-result.ts";
import type { RemoteArgs, RemoteCallable } from "./call-types.ts";
import type { AnyIterable, ImapIterator, ImapOptions } from "./imap.ts";

/** What an executor may be told. */
export interface ExecutorOptions {
  /** Aborts what it was given and has not begun, and refuses what it is given afterwards with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How an executor ends. */
export interface ExecutorEnd {
  /** Waits until all that was submitted has ended; default true. */
  readonly wait?: boolean;
  /** Aborts what has not begun; default false. */
  readonly cancel?: boolean;
}

/** What an executor needs of its view. */
interface TaskView {
  apply<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>, ...args: RemoteArgs<Args>): AsyncResult<Awaited<R>>;
  imap<T, R>(f: RemoteCallable<readonly [T], R>, items: AnyIterable<T>, options?: ImapOptions): ImapIterator<T, Awaited<R>>;
}

/** What the executors that come from one `view.executor()` share. */
class Submitted {
  readonly outstanding: Set<AsyncResult<unknown>> = new Set();
  isShutDown: boolean = false;
}

/** Runs functions through a view. */
export class ViewExecutor {
  readonly #view: TaskView;
  readonly #signal: AbortSignal | undefined;
  readonly #submitted: Submitted;

  /** @internal Use `view.executor()`. */
  constructor(view: TaskView, options: ExecutorOptions = {}, submitted: Submitted = new Submitted()) {
    this.#view = view;
    this.#signal = options.signal;
    this.#submitted = submitted;
  }

  /** The same executor for tasks that another signal stops. */
  with(options: ExecutorOptions): ViewExecutor {
    return new ViewExecutor(this.#view, options, this.#submitted);
  }

  /**
   * Runs `f(...args)` on a free engine.
   *
   * @throws InvalidStateError after `shutdown`; the signal's reason once it has aborted
   */
  submit<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>, ...args: RemoteArgs<Args>): AsyncResult<Awaited<R>> {
    this.#assertOpen();
    const result = this.#view.apply(f, ...args);
    const { outstanding } = this.#submitted;
    const stop = (): void => void abortQuietly(result);
    this.#signal?.addEventListener("abort", stop, { once: true });
    outstanding.add(result);
    // Never rejects: `wait` tells only that it is over.
    void result.wait().then(() => {
      outstanding.delete(result);
      this.#signal?.removeEventListener("abort", stop);
    });
    return result;
  }

  /** Maps `f` lazily over an iterable, a Node stream or another asynchronous source; see `LoadBalancedView.imap`. */
  map<T, R>(f: RemoteCallable<readonly [T], R>, items: AnyIterable<T>, options: ImapOptions = {}): ImapIterator<T, Awaited<R>> {
    this.#assertOpen();
    const signals = [this.#signal, options.signal].filter((signal) => signal !== undefined);
    return this.#view.imap(f, items, signals.length === 0 ? options : { ...options, signal: AbortSignal.any(signals) });
  }

  /** Takes no more, and waits for what was submitted. Engines go on. Idempotent. */
  async shutdown({ wait = true, cancel = false }: ExecutorEnd = {}): Promise<void> {
    this.#submitted.isShutDown = true;
    const all = [...this.#submitted.outstanding];
    if (cancel) await Promise.all(all.map(abortQuietly));
    if (wait) await Promise.all(all.map((result) => result.wait()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #assertOpen(): void {
    if (this.#submitted.isShutDown) throw new InvalidStateError("the executor was shut down; make a new one with view.executor()");
    this.#signal?.throwIfAborted();
  }
}

/** The result tells how it ended; that it could not be aborted any more is of no use to anybody. */
async function abortQuietly(result: AsyncResult<unknown>): Promise<void> {
  try {
    if (!result.ready()) await result.abort();
  } catch {
    // It ended, or the client was closed, in the meantime.
  }
}
