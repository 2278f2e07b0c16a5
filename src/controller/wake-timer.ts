// One timer for a machine: machines say when they want to be woken, each word replacing the one before.

import type { Clock, Millis } from "../base/index.ts";

/** Node's longest timer. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** Calls `onWake` at the time last set. */
export class WakeTimer {
  readonly #clock: Clock;
  readonly #onWake: (at: Millis) => void;
  #at: Millis | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, onWake: (at: Millis) => void) {
    this.#clock = clock;
    this.#onWake = onWake;
  }

  /** Wakes at this time instead of any set before. */
  set(at: Millis): void {
    if (this.#at === at) return;
    this.#at = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fire(), Math.min(DELAY_MS_MAX, Math.max(0, Math.ceil(at - this.#clock.now()))));
  }

  /** Wakes at this time unless an earlier one is set. */
  setEarlier(at: Millis): void {
    if (this.#at === undefined || at < this.#at) this.set(at);
  }

  #fire(): void {
    this.#at = undefined;
    this.#timer = undefined;
    this.#onWake(this.#clock.now());
  }

  /** Wakes no more until set again. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#at = undefined;
    this.#timer = undefined;
  }
}
