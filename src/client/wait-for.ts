// Waiting with a deadline and a signal, in one place.

import { InvalidArgumentError, TimeoutError } from "../base/index.ts";

/** How long to wait. */
export interface WaitOptions {
  /** Milliseconds; default: for ever. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting, and only the waiting, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Starts something that calls back; gives back how to stop it. */
export type Starter<T> = (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void;

/** Refuses a time that cannot be waited. */
export function checkWait(options: WaitOptions): void {
  if (typeof options !== "object") throw new InvalidArgumentError(`how long to wait is told as { timeoutMs }, and not as ${String(options)}`);
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0))
    throw new InvalidArgumentError(`timeoutMs must be at least 0, and is ${timeoutMs}`);
}

/**
 * Waits for a callback. No timer is made unless a timeout is asked for.
 *
 * @throws TimeoutError with the given text, the signal's reason, or InvalidArgumentError
 */
export async function waitFor<T>(start: Starter<T>, options: WaitOptions, timeoutText: () => string): Promise<T> {
  checkWait(options);
  const { timeoutMs, signal } = options;
  signal?.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const cleanups: (() => void)[] = [];
    let isOver = false;
    // What ends the waiting runs every clean-up; one that is added later runs at once.
    const onEnd = (cleanup: () => void): void => {
      if (isOver) cleanup();
      else cleanups.push(cleanup);
    };
    const ending =
      <V>(settle: (value: V) => void) =>
      (value: V): void => {
        if (isOver) return;
        isOver = true;
        for (const cleanup of cleanups) cleanup();
        settle(value);
      };
    const fail = ending<unknown>((reason) => reject(reason as Error));
    // `start` may call back before it returns.
    onEnd(start(ending(resolve), fail));
    if (isOver) return;
    if (signal !== undefined) {
      const onAbort = (): void => fail(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      onEnd(() => signal.removeEventListener("abort", onAbort));
    }
    if (timeoutMs !== undefined && timeoutMs !== Infinity) {
      const timer = setTimeout(() => fail(new TimeoutError(timeoutText())), timeoutMs);
      onEnd(() => clearTimeout(timer));
    }
  });
}

/** Waits until all of several things called back. */
export function allOf(starters: readonly ((done: () => void) => () => void)[]): Starter<void> {
  return (resolve) => {
    let missing = starters.length;
    if (missing === 0) resolve();
    const done = (): void => {
      missing -= 1;
      if (missing === 0) resolve();
    };
    const stops = starters.map((start) => start(done));
    return () => {
      for (const stop of stops) stop();
    };
  };
}
