// `apply_request`: a function and its arguments, in our own serialization.

import type { KernelFailure } from "../base/index.ts";
import { isPickle, packValue, unpackCall, type UnpackEnv } from "../serial/index.ts";
import type { Dict, Frame } from "../wire/index.ts";
import type { Containment } from "./containment.ts";
import { failureOf, interruptedFailure } from "./failure.ts";
import type { Namespace } from "./namespace.ts";
import { namedFunctions } from "./named-functions.ts";

/** How a request ended. `content` is what its reply has besides the failure. */
export type RunOutcome =
  | { readonly status: "ok"; readonly content: Dict; readonly buffers: readonly Frame[] }
  | { readonly status: "error"; readonly failure: KernelFailure; readonly content: Dict; readonly wasInterrupted: boolean };

/** Makes the outcome for a thrown value. */
export function failed(thrown: unknown, content: Dict = {}): RunOutcome {
  return { status: "error", failure: failureOf(thrown), content, wasInterrupted: false };
}

/** Makes the outcome of a request that was interrupted. */
export function interrupted(content: Dict = {}): RunOutcome {
  return { status: "error", failure: interruptedFailure(), content, wasInterrupted: true };
}

/** A run in the making. */
export interface RunHooks {
  /** The request was given up meanwhile: whatever it still does has no effect. */
  isOver(): boolean;
  /** The request ended. Called once. */
  end(outcome: RunOutcome): void;
}

type Call = (...args: readonly unknown[]) => unknown;

/** Runs functions that clients send. */
export class ApplyRunner {
  readonly #containment: Containment;
  readonly #env: UnpackEnv;

  constructor(namespace: Namespace, containment: Containment) {
    const functions = namedFunctions(namespace);
    this.#containment = containment;
    this.#env = {
      named: (name) => functions.get(name),
      evaluate: (expression) => namespace.evaluate(expression),
      importModule: (specifier, parent) => namespace.importModule(specifier, parent),
    };
  }

  /** Starts a request; its end is told through the hooks, never thrown. */
  start(buffers: readonly Frame[], hooks: RunHooks): void {
    if (isPickle(buffers))
      return hooks.end(
        failed(
          new TypeError(
            "this engine runs TypeScript and JavaScript, and the request carries a Python pickle; send such calls to a Python engine, or use execute",
          ),
        ),
      );
    unpackCall(buffers, this.#env).then(
      // User code starts on a turn of its own: if it is cut, promises of the engine that are due in this turn are not lost with it.
      (call) => setImmediate(() => this.#invoke(call.fn as Call, call.args, hooks)),
      (error: unknown) => hooks.end(failed(error)),
    );
  }

  #invoke(fn: Call, args: readonly unknown[], hooks: RunHooks): void {
    if (hooks.isOver()) return;
    let outcome: RunOutcome | undefined;
    let pending: PromiseLike<unknown> | undefined;
    const end = this.#containment.run(() => {
      try {
        const result = fn(...args);
        if (isThenable(result)) pending = result;
        else outcome = succeeded(result);
      } catch (error) {
        outcome = failed(error);
      }
    });
    if (end === "interrupted") hooks.end(interrupted());
    else if (pending === undefined) hooks.end(outcome ?? interrupted());
    else void this.#await(pending, hooks); // Ends through the hooks; an interrupt may leave it waiting for ever.
  }

  async #await(pending: PromiseLike<unknown>, hooks: RunHooks): Promise<void> {
    let outcome: RunOutcome;
    try {
      outcome = succeeded(await pending);
    } catch (error) {
      outcome = failed(error);
    }
    hooks.end(outcome);
  }
}

function succeeded(result: unknown): RunOutcome {
  return { status: "ok", content: { status: "ok" }, buffers: packValue(result, "result") };
}

/** Whether a value is to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return ((typeof value === "object" && value !== null) || typeof value === "function") && typeof (value as { then?: unknown }).then === "function";
}
