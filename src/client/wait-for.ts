// Waiting with a deadline and a signal, in one place.

import { TimeoutError } from "../base/index.ts";

/** How long to wait. */
export interface WaitOptions {
  /** Milliseconds; default: for ever. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting, and only the waiting, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Starts something that calls back; gives back how to stop it. */
export type Starter<T> = (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void;

/**
 * Waits for a callback. No timer is made unless a timeout is asked for.
 *
 * @throws TimeoutError with the given text, or the signal's reason
 */
export function waitFor<T>(start: Starter<T>, options: WaitOptions, timeoutText: () => string): Promise<T> {
  const { timeoutMs, signal } = options;
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    let isOver = false;
    const end = (): void => {
      isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      stop?.();
    };
    const onAbort = (): void => {
      end();
      reject(signal?.reason as Error);
    };
    stop = start(
      (value) => {
        end();
        resolve(value);
      },
      (error) => {
        end();
        reject(error as Error);
      },
    );
    // `start` may have called back before it returned.
    if (isOver) {
      stop();
      return;
    }
    signal?.addEventListener("abort", onAbort, { once: true });
    if (timeoutMs === undefined || timeoutMs === Infinity) return;
    timer = setTimeout(() => {
      end();
      reject(new TimeoutError(timeoutText()));
    }, timeoutMs);
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
