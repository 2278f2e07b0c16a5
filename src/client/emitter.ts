// Typed events for callbacks and for `for await`.

/** Listeners of one object's events, by name. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** Subscribes; the returned function unsubscribes. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener);
    const mine = listeners;
    return () => void mine.delete(listener);
  }

  /** Calls the listeners in the order of their subscription. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    // A listener added meanwhile must not be called for this event.
    for (const listener of Array.from(listeners)) {
      try {
        (listener as (event: Events[Name]) => void)(event);
      } catch (error) {
        // The user's bug is the user's to see, as an uncaught exception; the message being handled must not suffer from it.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** Events waiting for a slow reader at most; the oldest are dropped. */
const STREAM_WAITING_MAX = 10_000;

/** Turns callbacks into an async iterable that ends with `signal` or when `onEnd` calls back. */
export async function* streamOf<T>(
  subscribe: (listener: (event: T) => void) => () => void,
  onEnd: (listener: () => void) => () => void,
  signal?: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const waiting: T[] = [];
  let isOver = signal?.aborted ?? false;
  let wake: (() => void) | undefined;
  const end = (): void => {
    isOver = true;
    wake?.();
  };
  const stops = [
    subscribe((event) => {
      waiting.push(event);
      if (waiting.length > STREAM_WAITING_MAX) waiting.shift();
      wake?.();
    }),
    onEnd(end),
  ];
  signal?.addEventListener("abort", end, { once: true });
  try {
    for (;;) {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) yield next;
      if (isOver) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  } finally {
    for (const stop of stops) stop();
    signal?.removeEventListener("abort", end);
  }
}
