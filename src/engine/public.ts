// `tsparallel/engine`: what code that runs on an engine can ask of it.

import { InvalidStateError } from "../base/index.ts";
import { findHost, type CurrentTask, type ExecutionHost } from "../execution/host/index.ts";

export type { CurrentTask } from "../execution/host/index.ts";

function host(): ExecutionHost {
  const found = findHost();
  if (found === undefined) throw new InvalidStateError("this code does not run on an engine; call it from a function or cell that a view sends");
  return found;
}

/**
 * The request that runs: its abort signal, the engine's ids, which attempt it is, `publish`.
 *
 * Code that runs after its request has ended (a timer, say) is counted to the last request.
 *
 * @example const { signal } = currentTask(); await fetch(url, { signal });
 */
export function currentTask(): CurrentTask {
  const task = host().currentTask();
  if (task === undefined) throw new InvalidStateError("no request has run on this engine yet");
  return task;
}

/**
 * Shows a value to the client, as a notebook would: text always, and what `value[Symbol.for("Jupyter.display")]()` or
 * `value.toMime()` return (an object from MIME type to text).
 */
export function display(value: unknown): void {
  host().display(value);
}
