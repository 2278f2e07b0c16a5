// `tsparallel/engine`: what code that runs on an engine can ask of it.

import { InvalidStateError } from "../base/index.ts";
import { requireHost, type CurrentTask } from "../execution/host/index.ts";

export {
  clearOutput,
  display,
  html,
  image,
  input,
  json,
  latex,
  markdown,
  password,
  svg,
  type CurrentTask,
  type Displayable,
  type DisplayChoice,
} from "../execution/host/index.ts";

/**
 * The request that runs: its abort signal, the engine's ids, which attempt it is, `publish`.
 *
 * Code that runs after its request has ended (a timer, say) is counted to the last request.
 *
 * @example const { signal } = currentTask(); await fetch(url, { signal });
 */
export function currentTask(): CurrentTask {
  const task = requireHost().currentTask();
  if (task === undefined) throw new InvalidStateError("no request has run on this engine yet");
  return task;
}
