// One request at a time: starts it, gives it up when told to, and makes the reply of whichever came first.

import { isoMicros, type Clock, type EngineUuid, type KernelFailure } from "../base/index.ts";
import {
  attemptOf,
  errorContent,
  iopub,
  kernelInfo,
  readExecuteRequest,
  replyMetadata,
  replyType,
  timeLimitOf,
  type Dict,
  type Frame,
  type IopubMessage,
  type Message,
  type MimeBundle,
  type ReplyStatus,
} from "../wire/index.ts";
import { isPickle, packPython, packValue } from "../serial/index.ts";
import { cancelledFailure, CellRunner, failed, interrupted, limitFailure, type Containment, type Namespace, type RunOutcome } from "../execution/index.ts";
import { ApplyRunner } from "./apply.ts";
import type { Incoming, ReadyReply } from "./channels.ts";
import { TaskContext } from "./current-task.ts";

/** Why a task's signal is aborted. */
const CANCELLED = "the request was cancelled";
const INTERRUPTED = "the request was interrupted";

/** Who this engine is. */
export interface EngineIdentity {
  readonly engineId: number;
  readonly uuid: EngineUuid;
  readonly host: string;
  /** Bytes that the result of one request may have. */
  readonly resultBytesMax: number;
}

/** How a request ended. `reply` is missing for types that have none. */
export interface RunEnd {
  readonly reply: ReadyReply | undefined;
  readonly status: ReplyStatus;
  /** It failed and aborts the execute requests that wait (protocol §8.5). */
  readonly stopsQueue: boolean;
}

/** What a run publishes, and its end. */
export interface RunnerHooks {
  publish(message: IopubMessage, parent: Dict, buffers?: readonly Frame[]): void;
  /** Sends out what user code has written so far, so that what follows comes behind it. */
  flushOutput(): void;
  /** The request may run for so long: `noteLimit` and `giveUp` are to be called then. */
  watchLimit(serial: number, limitMs: number): void;
  ended(serial: number, end: RunEnd): void;
  /** Gets the code of a request that came without some of it. */
  fetchCode(msgId: string): Promise<readonly Frame[]>;
  /** A `shutdown_request` on the shell channel. */
  shutdown(header: Dict): void;
}

interface Run {
  readonly serial: number;
  readonly incoming: Incoming;
  readonly started: string;
  readonly task: TaskContext;
  readonly method: "apply" | "execute";
  readonly stopsQueueOnError: boolean;
  readonly limitMs: number | undefined;
  /** It is being stopped, and its signal's listeners are to be called first: nothing else ends it any more. */
  isEnding: boolean;
}

/** Runs requests. */
export class RequestRunner {
  readonly #identity: EngineIdentity;
  readonly #hooks: RunnerHooks;
  readonly #clock: Clock;
  readonly #containment: Containment;
  readonly #apply: ApplyRunner;
  readonly #cells: CellRunner;
  #run: Run | undefined;
  #last: TaskContext | undefined;
  /** Serial number of the request that ran out of time last. */
  #overLimit = 0;
  /** Serial number of the request that was interrupted last. */
  #interrupted = 0;
  /** Serial number of the request that was cancelled last. */
  #cancelled = 0;

  constructor(identity: EngineIdentity, namespace: Namespace, containment: Containment, clock: Clock, hooks: RunnerHooks) {
    this.#identity = identity;
    this.#hooks = hooks;
    this.#clock = clock;
    this.#containment = containment;
    this.#cells = new CellRunner(namespace, containment);
    this.#apply = new ApplyRunner(namespace, containment, this.#cells, identity.resultBytesMax);
  }

  /** Serial number of the request that runs, 0 when none does. */
  get serial(): number {
    return this.#run?.serial ?? 0;
  }

  /** Task of the request that runs, or of the last one. */
  get task(): TaskContext | undefined {
    return this.#run?.task ?? this.#last;
  }

  /** Runs cells before there are requests. */
  get cells(): CellRunner {
    return this.#cells;
  }

  /** Starts a request; its end comes through the hooks, possibly before this returns. */
  start(serial: number, incoming: Incoming): void {
    const { header, content, metadata } = incoming.message;
    const { engineId, uuid } = this.#identity;
    const facts = { engineId, engineUuid: uuid, msgId: header.msg_id, attempt: attemptOf(metadata) };
    const task = new TaskContext(facts, (data) => this.#publishData(data, incoming.message));
    const run: Run = {
      serial,
      incoming,
      started: isoMicros(this.#clock.now()),
      task,
      method: header.msg_type === "execute_request" ? "execute" : "apply",
      stopsQueueOnError: header.msg_type === "execute_request" && content["silent"] !== true && content["stop_on_error"] !== false,
      limitMs: timeLimitOf(metadata),
      isEnding: false,
    };
    this.#run = run;
    if (run.limitMs !== undefined) this.#hooks.watchLimit(serial, run.limitMs);
    switch (header.msg_type) {
      case "apply_request":
        return this.#apply.start(incoming.message.buffers, {
          isOver: () => this.#isOver(run),
          end: (outcome) => this.#end(run, outcome),
          fetchCode: () => this.#hooks.fetchCode(header.msg_id),
        });
      case "execute_request":
        return this.#execute(run);
      case "kernel_info_request":
        return this.#endPlain(run, kernelInfo(process.versions.node));
      case "comm_info_request":
        return this.#endPlain(run, { status: "ok", comms: {} });
      case "shutdown_request":
        this.#hooks.shutdown(header);
        return this.#endPlain(run, { status: "ok", restart: false });
      default:
        return this.#endPlain(run, undefined); // Types we do not know have no reply (protocol §8.2).
    }
  }

  #execute(run: Run): void {
    const { header, content } = run.incoming.message;
    const request = readExecuteRequest(content);
    if (typeof request === "string") return this.#end(run, failed(new TypeError(request)));
    const { engineId } = this.#identity;
    this.#cells.start(request, {
      isOver: () => this.#isOver(run),
      begun: (count) => this.#hooks.publish(iopub.executeInput(engineId, request.code, count), header),
      result: (data: MimeBundle, count) => {
        if (this.#run !== run) return;
        this.#hooks.flushOutput();
        this.#hooks.publish(iopub.executeResult(engineId, data, count), header);
      },
      end: (outcome) => this.#end(run, outcome),
    });
  }

  #publishData(data: Readonly<Record<string, unknown>>, request: Message): void {
    const buffers = isPickle(request.buffers) ? packPython(data, "data") : packValue(data, "data");
    this.#hooks.flushOutput();
    this.#hooks.publish(iopub.data(Object.keys(data)), request.header, buffers);
  }

  /** The request's time is over: what interrupts it now is that. Called in the middle of whatever runs. */
  noteLimit(serial: number): void {
    this.#overLimit = serial;
  }

  #isOver(run: Run): boolean {
    return this.#run !== run || run.isEnding || run.serial === this.#interrupted;
  }

  /**
   * Called in the middle of whatever runs: the request will be given up. It may not have begun by now, and none of its
   * code may begin before `giveUp` has its turn: that code could not be interrupted any more.
   */
  noteInterrupt(serial: number): void {
    this.#interrupted = serial;
  }

  /** Called likewise: the request will be given up because its client has cancelled it. However it ends, it fails with that. */
  noteCancel(serial: number): void {
    this.#cancelled = serial;
    this.#interrupted = serial;
  }

  /** Stops the running request because its client has cancelled it: code that has asked for its signal gets to hear it, and until `giveUp` to end. */
  cancel(serial: number): void {
    const run = this.#run;
    if (run === undefined || run.serial !== serial || run.isEnding) return;
    this.#cancelled = serial;
    if (run.task.isWatched) this.#abort(run.task, CANCELLED);
    else this.giveUp(serial);
  }

  /** Gives the running request up; does nothing when it is another one by now. */
  giveUp(serial: number): void {
    const run = this.#run;
    if (run === undefined || run.serial !== serial) return;
    this.#end(run, interrupted(this.#emptyContent(run)));
  }

  #emptyContent(run: Run): Dict {
    return run.method === "execute" ? { execution_count: this.#cells.executionCount, user_expressions: {}, payload: [] } : {};
  }

  /** Gives up whatever runs, without an answer: the engine leaves. */
  abandon(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#release(run);
    this.#abort(run.task, "the engine ends");
  }

  /** User code that listens to the signal is called on a turn of its own: it may have to be cut as well. */
  #abort(task: TaskContext, reason: string, then: () => void = () => undefined): void {
    const error = new DOMException(reason, "AbortError");
    if (!task.isWatched) {
      task.abort(error);
      return then();
    }
    setImmediate(() => {
      this.#containment.run(() => task.abort(error));
      then();
    });
  }

  /** Ends the request. Listeners to the signal of one that is stopped are called first, while they can be cut as its code can. */
  #end(run: Run, outcome: RunOutcome): void {
    if (this.#run !== run || run.isEnding) return; // Given up before; a late result means nothing.
    const isCancelled = run.serial === this.#cancelled;
    const end: RunOutcome = isCancelled ? { status: "error", failure: cancelledFailure(), content: this.#emptyContent(run), wasInterrupted: true } : outcome;
    if (end.status !== "error" || !end.wasInterrupted) return this.#finish(run, end);
    run.isEnding = true;
    this.#abort(run.task, isCancelled ? CANCELLED : INTERRUPTED, () => this.#finish(run, end));
  }

  #finish(run: Run, outcome: RunOutcome): void {
    if (this.#run !== run) return;
    this.#release(run);
    const { header } = run.incoming.message;
    const { status } = outcome;
    this.#hooks.flushOutput();
    let content = outcome.content;
    const failure = this.#failureOf(run, outcome);
    if (failure !== undefined && outcome.status === "error") {
      const { engineId, uuid, host } = this.#identity;
      const engineInfo = { engineUuid: uuid, engineId, method: run.method, host };
      content = { ...errorContent({ ...failure, engineInfo }), ...outcome.content };
      this.#hooks.publish(iopub.error(engineId, failure), header);
    }
    const reply = {
      msgType: replyType(header.msg_type),
      content,
      metadata: this.#metadata(run, status, failure?.ename),
      buffers: outcome.status === "ok" ? outcome.buffers : [],
    };
    const isCancelled = run.serial === this.#cancelled; // It alone was meant, not what waits behind it.
    this.#hooks.ended(run.serial, { reply, status, stopsQueue: status === "error" && run.stopsQueueOnError && !isCancelled });
  }

  #failureOf({ serial, limitMs }: Run, outcome: RunOutcome): KernelFailure | undefined {
    if (outcome.status === "ok") return undefined;
    return outcome.wasInterrupted && serial === this.#overLimit && limitMs !== undefined ? limitFailure(limitMs) : outcome.failure;
  }

  #endPlain(run: Run, content: Dict | undefined): void {
    this.#release(run);
    const { header } = run.incoming.message;
    const reply = content === undefined ? undefined : { msgType: replyType(header.msg_type), content, metadata: { engine: this.#identity.uuid }, buffers: [] };
    this.#hooks.ended(run.serial, { reply, status: "ok", stopsQueue: false });
  }

  #release(run: Run): void {
    this.#run = undefined;
    this.#last = run.task;
  }

  /** Reply of a request that never ran. */
  abortedReply(incoming: Incoming): ReadyReply {
    const { header, metadata } = incoming.message;
    const facts = this.#facts(isoMicros(this.#clock.now()), "aborted", undefined);
    return { msgType: replyType(header.msg_type), content: { status: "aborted" }, metadata: replyMetadata(metadata, facts), buffers: [] };
  }

  #metadata(run: Run, status: ReplyStatus, ename: string | undefined): Dict {
    return replyMetadata(run.incoming.message.metadata, this.#facts(run.started, status, ename));
  }

  #facts(started: string, status: ReplyStatus, ename: string | undefined): Parameters<typeof replyMetadata>[1] {
    const { uuid, engineId, host } = this.#identity;
    return { started, status, engineUuid: uuid, engineId, host, ename };
  }
}
