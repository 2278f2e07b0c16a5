// Ends a run from outside: Ctrl-C once starts no more, twice kills; other ends of the terminal or of the reader likewise.

import { EXIT_CANNOT_RUN, type JobRun } from "../bakapara/index.ts";
import { ExitError } from "./program.ts";

// npx and npm pass a terminal's Ctrl-C on although we got it from the terminal too: such a twin is one wish, not two.
const TWIN_MS = 300;
// After a kill, results come at once; an engine that gives none is not waited for.
const AFTER_KILL_MS = 15_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Watches for signals until disposed. */
export class Stopper implements Disposable {
  readonly #starting = new AbortController();
  #run: JobRun | undefined;
  #say: (text: string) => void = () => undefined;
  #firstAt: number | undefined;
  #isKilling = false;
  #deadline: NodeJS.Timeout | undefined;
  readonly #onSignal = (name: NodeJS.Signals): void => this.#signal(name);

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#onSignal);
  }

  /** Aborts at a signal that comes before the run has begun. */
  get starting(): AbortSignal {
    return this.#starting.signal;
  }

  /** The run has begun: from now on signals are for it. */
  attach(run: JobRun, say: (text: string) => void): void {
    this.#run = run;
    this.#say = say;
    if (this.#firstAt !== undefined) run.stop();
  }

  /** Nobody takes the results any more: there is no use in starting more jobs. */
  onOutputFailed(error: NodeJS.ErrnoException, sentence: string): void {
    if (error.code !== "EPIPE") this.#say(`${sentence}; no more jobs are started`);
    this.#run?.stop();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#deadline);
    for (const name of SIGNALS) process.off(name, this.#onSignal);
  }

  #signal(name: NodeJS.Signals): void {
    const now = performance.now();
    const isFirst = this.#firstAt === undefined;
    this.#firstAt ??= now;
    if (this.#run === undefined) return this.#starting.abort(new ExitError(EXIT_CANNOT_RUN, `interrupted by ${name} before the first job`));
    if (isFirst && name === "SIGINT") {
      this.#say("interrupted: no more jobs are started, those that run go on; press Ctrl-C again to kill them");
      return this.#run.stop();
    }
    if (this.#isKilling || (!isFirst && now - this.#firstAt < TWIN_MS)) return undefined;
    this.#isKilling = true;
    this.#say("interrupted: the running jobs are killed");
    this.#deadline = setTimeout(() => process.exit(EXIT_CANNOT_RUN), AFTER_KILL_MS);
    // An engine that cannot be reached any more is told as dead by the controller, or the deadline ends it.
    this.#run.kill().catch((error: Error) => this.#say(`some jobs could not be killed: ${error.message}`));
    return undefined;
  }
}
