// Failures of requests whose results nobody looked at. A dropped AsyncResult disturbs nobody while the program runs; at its
// end one sentence says what went wrong unseen.

import { ClosedError, CompositeError, KernelError, TaskAborted } from "../base/index.ts";
import type { RequestHandle } from "./request-handle.ts";

/** Failures that are remembered, to be told apart; further ones are counted. */
const KEPT_MAX = 100;

/** Failed requests that nobody looked at. */
export class UnseenFailures {
  readonly #kept = new Set<RequestHandle>();
  #count = 0;

  /** A request has failed. What its user did (aborted it, closed the client) is not worth telling. */
  add(handle: RequestHandle): void {
    const { error } = handle;
    if (error === undefined || error instanceof TaskAborted || error instanceof ClosedError || handle.isSeen) return;
    this.#count += 1;
    if (this.#kept.size < KEPT_MAX) this.#kept.add(handle);
    handle.onSeen = () => {
      this.#count -= 1;
      this.#kept.delete(handle);
    };
  }

  /** The sentence; `undefined` when there is nothing to tell. */
  describe(): string | undefined {
    if (this.#count === 0) return undefined;
    const errors = [...this.#kept].flatMap(({ error }) => error ?? []);
    const [first] = errors;
    const what = errors.length === 1 && first !== undefined ? first.message : new CompositeError(errors).evalue.replace(/^\d+ failures: /, "");
    const requests = this.#count === 1 ? "1 request" : `${this.#count} requests`;
    const [traceback] = errors.flatMap((error) => (error instanceof KernelError && error.traceback.length > 1 ? [error.traceback.slice(1)] : []));
    const where = traceback === undefined ? "" : `\n${traceback.join("\n")}`;
    return `tsparallel: ${requests} failed and nobody looked at the result: ${what}; await or catch it, or connect with \`tellUnseen: false\`${where}\n`;
  }
}

const OF_PROCESS = new UnseenFailures();
let isTold = false;

/** Remembers a failed request until somebody looks at it; tells of it when the process ends. */
export function noteFailure(handle: RequestHandle): void {
  OF_PROCESS.add(handle);
  if (isTold) return;
  isTold = true;
  process.once("exit", () => {
    const text = OF_PROCESS.describe();
    if (text !== undefined) process.stderr.write(text);
  });
}
