// What happens to an engine's request queue, and what it orders. Requests are known by a serial number that the shell
// gives; their frames stay with the shell.

import type { MsgId } from "../../base/index.ts";
import type { ReplyStatus } from "../../wire/index.ts";

/** What a request asks for, as far as the queue cares: only execute requests are aborted together. */
export type RequestKind = "apply" | "execute" | "other";

/** A shell request that arrived. */
export interface QueuedRequest {
  /** The shell's handle; unique, rising. */
  readonly serial: number;
  readonly msgId: MsgId;
  readonly kind: RequestKind;
  readonly bytes: number;
  /** Its sender counts the output messages that its reply speaks of, so that busy and idle are not published for it. */
  readonly countsOutputs: boolean;
  /**
   * Number among all messages of the task channel, the first being 1: until it is started, the controller may take it back, so it is claimed first.
   * Absent for other channels.
   */
  readonly ordinal?: number;
}

/** Facts the shell reports. */
export type EngineEvent =
  /** Registered, connected, start-up code done: requests may run. */
  | { readonly type: "started" }
  | { readonly type: "requestArrived"; readonly request: QueuedRequest }
  /** The running request ended; its reply is ready but not sent. `stopsQueue`: it failed and aborts the execute requests that wait. */
  | { readonly type: "requestFinished"; readonly serial: number; readonly status: ReplyStatus; readonly stopsQueue: boolean }
  /** The request of the last `claim` may be started: the controller cannot take it back any more. */
  | { readonly type: "claimed"; readonly serial: number }
  /** The controller took back all requests of the task channel up to this ordinal that are not claimed. */
  | { readonly type: "tasksRecalled"; readonly through: number }
  /** Everything that had reached the sockets has been reported since `settleIntake`. */
  | { readonly type: "intakeSettled" }
  | { readonly type: "abortRequested"; readonly msgIds: readonly MsgId[] | "all" }
  /** As an abort of these, and the one that runs is to be stopped too. */
  | { readonly type: "cancelRequested"; readonly msgIds: readonly MsgId[] }
  | { readonly type: "shutdownRequested" };

/** Orders to the shell, to be performed in the given order. */
export type EngineEffect =
  /** `serial`: the request it is said of. */
  | { readonly type: "publishStatus"; readonly state: "starting" | "busy" | "idle"; readonly serial: number | null }
  /** Claim the request, and feed `claimed`; when it was taken back meanwhile, feed `tasksRecalled` instead. */
  | { readonly type: "claim"; readonly serial: number; readonly ordinal: number }
  /** The request was taken back: confirm it to the controller, and say nothing to its sender; it may come again. */
  | { readonly type: "giveBack"; readonly serial: number }
  | { readonly type: "run"; readonly serial: number }
  /** Stop the request that runs; `requestFinished` follows as for any other end. */
  | { readonly type: "stop"; readonly serial: number }
  /** Flush the request's output, then send the reply that its run made; `tellsOutputs`: with the number of its output messages. */
  | { readonly type: "sendReply"; readonly serial: number; readonly tellsOutputs: boolean }
  | { readonly type: "sendAborted"; readonly serial: number; readonly tellsOutputs: boolean }
  /** Nothing more will be said of the request. Comes once for each, unless the engine leaves first. */
  | { readonly type: "forget"; readonly serial: number }
  /** Report what has arrived at the sockets already, then `intakeSettled`. */
  | { readonly type: "settleIntake" }
  | { readonly type: "pauseIntake" }
  | { readonly type: "resumeIntake" }
  /** Nothing will run any more: publish the farewell and go. */
  | { readonly type: "leave" };
