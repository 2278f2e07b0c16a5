// Ctrl-C and its relatives for a program in the foreground: the first asks to stop in order, the second ends at once.

import { constants } from "node:os";
import type { Logger } from "../log/index.ts";
import { ExitError } from "./exit-error.ts";

/** npx and npm pass a terminal's Ctrl-C on although we got it from the terminal too: such a twin is one wish, not two. */
const TWIN_MS = 300;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Watches for signals until `dispose`. */
export class Interruption implements Disposable {
  /** Aborts at the first signal; the reason is an ExitError with the shell's status for it. */
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #logger: Logger;
  #firstAt: number | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.signal = this.#abort.signal;
    for (const name of SIGNALS) process.on(name, this.#onSignal);
  }

  /** Stops in order, as if a signal had come. */
  interrupt(reason: Error): void {
    this.#abort.abort(reason);
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#onSignal);
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    const status = 128 + constants.signals[name];
    const now = performance.now();
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      this.#logger.info(`${name} received: stopping; once more to kill at once`);
      this.#abort.abort(new ExitError(status, `interrupted by ${name}; everything was stopped`));
    } else if (now - this.#firstAt > TWIN_MS) {
      this.#logger.warn(`${name} received again: killing everything`);
      process.exit(status); // what must not outlive this process is killed by its exit guard
    }
  };
}
