// Running user code so that it can be stopped, and nothing else with it.
//
// User code runs inside an in-process inspector evaluation: V8 ends a termination at that frame, so the engine's own
// frames beneath it survive. A termination is only ever asked for from inside the main thread (`interrupt`, called
// through the side thread's inspector session in the middle of a loop), and only when user code is on the stack: asked
// for at an idle moment it would kill the engine's next callback.
//
// It takes effect where V8 looks next, which is at the next call of a function or turn of a loop, and no `finally` runs.
// Engine code that user code calls (output, publication) must not be cut in the middle either: it runs under `guard`,
// which holds a termination back until it has returned to the user's frames, and lets one that was asked for before it
// take effect before it begins.

import inspector from "node:inspector";
import { RUN_EXPRESSION } from "./host/index.ts";

/** How a contained call ended: with control back in the engine, or cut. What it computed is in the caller's variables. */
export type ContainedEnd = "returned" | "interrupted";

/** Mark in the file name of every piece of user code that the engine compiles. */
const USER_FILE = /ipp-(?:cell|task)-/;
/** A line of a stack that is no frame, but somebody who awaits one. */
const AWAITING = /^\s*at async /;
const GUARD_FRAME = /\.guard \(/;
/** A termination is found at the next call at the latest: one that was not after so many has been lost. */
const TURNS_MAX = 10_000;

/** Runs user code; one per process. */
export class Containment {
  readonly #isForeign: (stackLine: string) => boolean;
  #runner: inspector.Session | undefined;
  #terminator: inspector.Session | undefined;
  #inside: (() => void) | undefined;
  /** Between the first and the last instruction of contained code. */
  #isInside = false;
  /** A termination was asked for and has not taken effect. */
  #isTerminating = false;
  /** Guards under way. */
  #guards = 0;
  /** A termination was asked for under a guard. */
  #isTerminationHeld = false;
  /** Called when user code has been cut, before anything else runs. */
  readonly #onTerminated = (): void => {
    this.#isTerminating = false;
    this.#isInside = false;
  };

  /** @param ownPaths parts of paths of code that is not the user's, e.g. this package's directory */
  constructor(ownPaths: readonly string[]) {
    this.#isForeign = (line) => /(?:\(|at )(?:file:\/\/)?\//.test(line) && !ownPaths.some((path) => line.includes(path));
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
    this.#guards = 0; // A guard that somebody else has cut is over by now.
    this.#isTerminationHeld = false;
    let failure: Error | null = null;
    this.#sessions().runner.post("Runtime.evaluate", { expression: RUN_EXPRESSION, silent: true }, (error) => {
      failure = error;
    });
    this.#isInside = false;
    this.#isTerminating = false;
    if (thrown !== undefined) throw (thrown as { readonly error: unknown }).error;
    return failure === null ? "returned" : "interrupted";
  }

  /** Within `runAround`: calls user code, which may be cut, and with it the whole run. `userCode` must not throw. */
  section(userCode: () => void): void {
    this.#isInside = true;
    userCode();
    this.#isInside = false;
    this.#takeTermination(); // Asked for at the very last moment, it would take effect later, in the engine.
  }

  /** For the host: what `runAround` wants evaluated. */
  runInside(): void {
    const inside = this.#inside;
    this.#inside = undefined;
    inside?.();
  }

  /** For the side thread, in the middle of whatever runs here: stops user code if it is on the stack, else does nothing. */
  interrupt(): void {
    if (this.#isTerminating) return;
    const stack = this.#isInside && this.#guards === 0 ? undefined : stackLines();
    if (!this.#isInside && stack?.some((line) => USER_FILE.test(line) || this.#isForeign(line)) !== true) return;
    // Somebody else may have cut a guard: a `timeout` of node:vm ends whatever runs.
    if (this.#guards > 0 && stack?.some((line) => GUARD_FRAME.test(line)) !== true) this.#guards = 0;
    if (this.#guards > 0) this.#isTerminationHeld = true;
    else this.#terminate(); // The last act here: any call behind it would be cut, instead of the user's code.
  }

  /** Runs engine code that user code called; it is not cut. */
  guard<T>(engineCode: () => T): T {
    // It would cut the guarded code, and the guard would never end. From here to there, nothing lets an interrupt in.
    this.#takeTermination();
    this.#guards += 1;
    try {
      return engineCode();
    } finally {
      this.#guards -= 1;
      if (this.#guards === 0 && this.#isTerminationHeld) this.#terminate();
    }
  }

  #terminate(): void {
    if (this.#isTerminating) return;
    this.#isTerminating = true;
    this.#isTerminationHeld = false;
    this.#sessions().terminator.post("Runtime.terminateExecution", this.#onTerminated);
  }

  /** Lets a termination that was asked for take effect here. */
  #takeTermination(): void {
    for (let turn = 0; this.#isTerminating && turn < TURNS_MAX; turn += 1) look();
    this.#isTerminating = false;
  }

  /** Opens the inspector sessions before they are needed: an interrupt may not find the time. */
  prepare(): void {
    this.#sessions();
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

/** A call, for V8 to look for what was asked of it. */
function look(): void {}

/** Frames that are on the stack, whatever user code has made of `Error`'s ways to show them. */
function stackLines(): string[] {
  const { stackTraceLimit } = Error;
  const prepare = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");
  Error.stackTraceLimit = Number.POSITIVE_INFINITY;
  Reflect.deleteProperty(Error, "prepareStackTrace");
  const { stack } = new Error("stack");
  Error.stackTraceLimit = stackTraceLimit;
  if (prepare !== undefined) Object.defineProperty(Error, "prepareStackTrace", prepare);
  return (stack ?? "").split("\n").filter((line) => !AWAITING.test(line));
}
