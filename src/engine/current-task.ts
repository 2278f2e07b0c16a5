// The request that runs, as user code and the engine see it.

import type { CurrentTask } from "../execution/host/index.ts";

/** What a task publishes through. */
export type PublishData = (data: Readonly<Record<string, unknown>>) => void;

/** One request's run. */
export class TaskContext implements CurrentTask {
  readonly engineId: number;
  readonly engineUuid: string;
  readonly msgId: string;
  readonly attempt: number;
  /** Not a method: it works also when it is taken out of the task. */
  readonly publish: PublishData;
  #abort: AbortController | undefined;
  #reason: unknown;

  constructor(facts: Pick<CurrentTask, "engineId" | "engineUuid" | "msgId" | "attempt">, publish: PublishData) {
    this.engineId = facts.engineId;
    this.engineUuid = facts.engineUuid;
    this.msgId = facts.msgId;
    this.attempt = facts.attempt;
    this.publish = publish;
  }

  /** Made when it is first asked for: most tasks never ask. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#reason !== undefined) this.#abort.abort(this.#reason);
    }
    return this.#abort.signal;
  }

  /** Whether anybody has asked for the signal: to abort it may call user code then. */
  get isWatched(): boolean {
    return this.#abort !== undefined;
  }

  /** Aborts the signal, now or when it is asked for. */
  abort(reason: unknown): void {
    this.#reason = reason;
    this.#abort?.abort(reason);
  }
}
