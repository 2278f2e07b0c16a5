// How something that a user asked for has ended, and what is asked of it while it runs: the same for cells and calls.

import type { KernelFailure } from "../base/index.ts";
import type { Dict, Frame } from "../wire/index.ts";
import { failureOf, interruptedFailure } from "./failure.ts";

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

/** Whether a value is to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return ((typeof value === "object" && value !== null) || typeof value === "function") && typeof (value as { then?: unknown }).then === "function";
}
