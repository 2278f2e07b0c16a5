// Running user code so that it can be stopped, and nothing else with it.
//
// User code runs inside an in-process inspector evaluation: V8 ends a termination at that frame, so the engine's own
// frames beneath it survive. A termination is only ever asked for from inside the main thread (`interrupt`, called
// through the side thread's inspector session in the middle of a loop), and only when user code is on the stack: asked
// for at an idle moment it would kill the engine's next callback.
//
// Engine code that user code calls (output, publication) must not be cut in the middle either: it runs under `guard`,
// which holds a termination back until it has returned to the user's frames.

import inspector from "node:inspector";
import { RUN_EXPRESSION } from "./host.ts";

/** How a contained call ended: with control back in the engine, or cut. What it computed is in the caller's variables. */
export type ContainedEnd = "returned" | "interrupted";

/** Mark in the file name of every piece of user code that the engine compiles. */
const USER_FILE = /ipp-(?:cell|task)-/;

/** Runs user code; one per process. */
export class Containment {
  readonly #isForeign: (stackLine: string) => boolean;
  #runner: inspector.Session | undefined;
  #terminator: inspector.Session | undefined;
  #inside: (() => void) | undefined;
  /** Between the first and the last instruction of contained code. */
  #isInside = false;
  /** A termination was asked for from inside and has not taken effect. */
  #isPending = false;
  #guards = 0;
  #isTerminationHeld = false;

  /** @param ownPaths parts of paths of code that is not the user's, e.g. this package's directory */
  constructor(ownPaths: readonly string[]) {
    this.#isForeign = (line) => /(?:\(|at (?:async )?)(?:file:\/\/)?\//.test(line) && !ownPaths.some((path) => line.includes(path));
  }

  /** Calls user code and returns when it has returned or was cut. `userCode` must not throw. */
  run(userCode: () => void): ContainedEnd {
    return this.runAround(() => this.section(userCode));
  }

  /**
   * Calls engine code that calls user code, by `section`, once or several times, and returns when it has returned or a
   * section was cut. An evaluation costs about as much as the rest of a small request; so several can share one.
   */
  runAround(engineCode: () => void): ContainedEnd {
    let thrown: { readonly error: unknown } | undefined;
    this.#inside = () => {
      try {
        engineCode();
      } catch (error) {
        thrown = { error }; // The evaluation would swallow it.
      }
    };
    let failure: Error | null = null;
    this.#sessions().runner.post("Runtime.evaluate", { expression: RUN_EXPRESSION, silent: true }, (error) => {
      failure = error;
    });
    this.#isInside = false;
    this.#isPending = false;
    if (thrown !== undefined) throw (thrown as { readonly error: unknown }).error;
    return failure === null ? "returned" : "interrupted";
  }

  /** Within `runAround`: calls user code, which may be cut, and with it the whole run. `userCode` must not throw. */
  section(userCode: () => void): void {
    this.#isInside = true;
    userCode();
    this.#isInside = false;
    // Asked for at the very last moment, a termination would take effect later, in the engine: it is awaited here.
    while (this.#isPending);
  }

  /** For the host: what `runAround` wants evaluated. */
  runInside(): void {
    const inside = this.#inside;
    this.#inside = undefined;
    inside?.();
  }

  /** For the side thread, in the middle of whatever runs here: stops user code if it is on the stack, else does nothing. */
  interrupt(): void {
    const { terminator } = this.#sessions();
    if (!this.#isInside && !this.#isUserOnStack()) return;
    this.#isPending = this.#isInside;
    if (this.#guards > 0) this.#isTerminationHeld = true;
    else terminator.post("Runtime.terminateExecution"); // Takes effect at the next call or turn of a loop: the last act here.
  }

  /** Runs engine code that user code called; it is not cut. */
  guard<T>(engineCode: () => T): T {
    this.#guards += 1;
    try {
      return engineCode();
    } finally {
      this.#guards -= 1;
      if (this.#guards === 0 && this.#isTerminationHeld) {
        this.#isTerminationHeld = false;
        this.#sessions().terminator.post("Runtime.terminateExecution");
      }
    }
  }

  /** Opens the inspector sessions before they are needed: an interrupt may not find the time. */
  prepare(): void {
    this.#sessions();
  }

  #isUserOnStack(): boolean {
    const before = Error.stackTraceLimit;
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    const stack = new Error("stack").stack ?? "";
    Error.stackTraceLimit = before;
    return USER_FILE.test(stack) || stack.split("\n").some(this.#isForeign);
  }

  #sessions(): { readonly runner: inspector.Session; readonly terminator: inspector.Session } {
    if (this.#runner === undefined || this.#terminator === undefined) {
      this.#runner = new inspector.Session();
      this.#terminator = new inspector.Session();
      this.#runner.connect();
      this.#terminator.connect();
    }
    return { runner: this.#runner, terminator: this.#terminator };
  }
}
