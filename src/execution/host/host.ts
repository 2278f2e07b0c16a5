// The one place where user code, a second copy of this package and the side thread find the running engine: a symbol of
// the registry on `globalThis`. Nothing with a name is added to the user's namespace.

import { InvalidStateError } from "../../base/index.ts";

/** What `tsparallel/engine` offers of the running engine; see `public.ts`. */
export interface ExecutionHost {
  /** Task of the running request, or of the last one when none runs. */
  currentTask(): CurrentTask | undefined;
  /** Publishes a value as display output of the current request. */
  display(value: unknown, choice: DisplayChoice): void;
  /** Has the front end remove what the current request has put out; with `wait`, when its next output comes. */
  clearOutput(wait: boolean): void;
  /** Asks the user for a line of text. Missing where nobody can be asked. */
  readonly ask?: (prompt: string, isPassword: boolean) => Promise<string>;
  /** Called by the side thread through the inspector; see `Containment`. `only`: the one request that may be stopped, or what goes on when none runs; 0: any. `isOverLimit`: because its time is over. */
  interrupt(only: number, isOverLimit: boolean): number;
  /** Called by the side thread likewise: stops the request that runs if it is one of these, and says which, as `<serial> <msg_id>`, else "". */
  cancel(msgIds: readonly string[]): string;
  /** Called through the inspector, by the engine itself; see `Containment`. */
  runContained(): void;
}

/** How a value is displayed. */
export interface DisplayChoice {
  /** Name under which the display can be updated later. Default: none. */
  readonly displayId?: string | undefined;
  /** For the front end, by MIME type, e.g. `{ "image/png": { width: 300 } }`. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Changes the displays of that `displayId` in place instead of adding one. Default false. */
  readonly update?: boolean | undefined;
}

/** The request that runs, as user code sees it. */
export interface CurrentTask {
  /** Id of the engine. */
  readonly engineId: number;
  /** The identity it registered with. */
  readonly engineUuid: string;
  /** `header.msg_id` of the request. */
  readonly msgId: string;
  /** Which attempt this is: 1, and one more for each that failed before (`retries`). */
  readonly attempt: number;
  /** Aborted when the request is to be stopped: cancelled, interrupted, out of time. */
  readonly signal: AbortSignal;
  /** Sends intermediate data to the client, where it appears in the result's metadata. */
  readonly publish: (data: Readonly<Record<string, unknown>>) => void;
}

const KEY: unique symbol = Symbol.for("tsparallel.engine") as never;
const EXPRESSION = 'globalThis[Symbol.for("tsparallel.engine")]';

/** Expression that interrupts, for the inspector: whatever runs (0), or the request of a serial number, perhaps because its time is over. */
export const interruptExpression = (only: number, isOverLimit: boolean): string => `${EXPRESSION}.interrupt(${only}, ${isOverLimit})`;
/** Expression that stops what runs if it is one of these requests. */
export const cancelExpression = (msgIds: readonly string[]): string => `${EXPRESSION}.cancel(${JSON.stringify(msgIds)})`;
/** Expression that runs what waits in the containment, for the inspector. */
export const RUN_EXPRESSION: string = `void ${EXPRESSION}.runContained()`;

/** Makes it findable. */
export function installHost(host: ExecutionHost): void {
  Object.defineProperty(globalThis, KEY, { value: host, configurable: true, enumerable: false });
}

/** The engine of this process, if it is one. */
function findHost(): ExecutionHost | undefined {
  return (globalThis as { [KEY]?: ExecutionHost })[KEY];
}

/** The running engine or kernel. Throws where there is none. */
export function requireHost(): ExecutionHost {
  const found = findHost();
  if (found === undefined)
    throw new InvalidStateError("this code does not run on an engine or in a notebook; call it from a function or cell that one of them runs");
  return found;
}
