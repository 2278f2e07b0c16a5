// What the controller's relays and schedulers tell the Hub's record keeping (protocol §5.1): past facts as typed
// values. `at` is the Hub's clock; messages are unpacked, their frames opaque.

import type { EngineId, EngineUuid, Millis, MsgId } from "../../base/index.ts";
import type { Message } from "../../wire/index.ts";

/** One observed fact. */
export type MonitorEvent =
  /** A client's request passed the mux relay to a registered engine. */
  | { readonly type: "muxRequest"; readonly at: Millis; readonly engine: EngineUuid; readonly message: Message }
  /** An engine's reply passed the mux relay. */
  | { readonly type: "muxReply"; readonly at: Millis; readonly engine: EngineUuid; readonly message: Message }
  /** The task scheduler accepted a request. Telling it twice (after a resubmission) is harmless. */
  | { readonly type: "taskRequest"; readonly at: Millis; readonly message: Message }
  /** The task scheduler assigned (or reassigned) a request. */
  | { readonly type: "taskDestination"; readonly at: Millis; readonly msgId: MsgId; readonly engine: EngineUuid }
  /** The final reply of a task, an engine's or one the scheduler made. Replies that lead to a retry are not told. */
  | { readonly type: "taskReply"; readonly at: Millis; readonly message: Message }
  /**
   * A client's broadcast. Plain: each target gets the id `<msg_id>_<uuid>` and replies for itself. Coalescing
   * (`metadata.is_coalescing`): one reply for all, recorded under the client's own id.
   */
  | { readonly type: "broadcastRequest"; readonly at: Millis; readonly targets: readonly EngineUuid[]; readonly message: Message }
  /** A reply to a broadcast as it goes to the client. */
  | { readonly type: "broadcastReply"; readonly at: Millis; readonly message: Message }
  /** A message an engine published. */
  | { readonly type: "iopub"; readonly at: Millis; readonly message: Message }
  /** An engine is registered and alive. */
  | { readonly type: "engineJoined"; readonly at: Millis; readonly id: EngineId; readonly engine: EngineUuid }
  /** An engine is gone, for whatever reason. Its mux requests may still be answered until they are declared stranded. */
  | { readonly type: "engineLeft"; readonly at: Millis; readonly engine: EngineUuid }
  /** The grace period after `engineLeft` is over: whatever mux and broadcast requests it still had fail with EngineError. */
  | { readonly type: "requestsStranded"; readonly at: Millis; readonly engine: EngineUuid };

/** What became of a request, for schedulers that ask about dependencies on earlier tasks. */
export interface RecordedOutcome {
  readonly msgId: MsgId;
  readonly status: "ok" | "failed" | "pending" | "unknown";
  /** The engine that ran it or has it; `null` when none, or not known. */
  readonly engine: EngineUuid | null;
}
