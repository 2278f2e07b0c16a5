// What the broadcast scheduler hears and what it orders. It works on unpacked messages; the shell signs and sends.

import type { EngineUuid, Millis, MsgId } from "../../base/index.ts";
import type { Dict, Header, Message } from "../../wire/index.ts";

/** Facts the broadcast scheduler is told. `Route` is whatever the shell needs to reach a client. */
export type BroadcastEvent<Route = unknown> =
  | { readonly type: "engineJoined"; readonly at: Millis; readonly engine: EngineUuid }
  | { readonly type: "engineLeft"; readonly at: Millis; readonly engine: EngineUuid }
  /** A client's request. */
  | { readonly type: "requested"; readonly at: Millis; readonly client: Route; readonly message: Message }
  /** An engine's reply; `client` is the route its frames named. */
  | { readonly type: "replied"; readonly at: Millis; readonly engine: EngineUuid; readonly client: Route; readonly message: Message }
  /** The time of a `wakeAt` has come. */
  | { readonly type: "ticked"; readonly at: Millis };

/** Why something had no consequence. */
export type BroadcastDropReason =
  /** A request with the id of a coalescing broadcast that is still pending. */
  | "duplicateRequest"
  /** A coalescing reply nobody waits for: its broadcast is over, or never was. */
  | "lateReply"
  /** A reply from an engine that is not the target its parent names, or its second one. */
  | "foreignReply"
  | "duplicateEngine"
  | "unknownEngine";

/** The facts of a reply made here; the shell builds and signs it with a fresh header of `msgType`, no buffers. */
export interface BroadcastFailure {
  /** Type of the reply: `apply_reply` for an `apply_request`. */
  readonly msgType: string;
  readonly parentHeader: Header;
  readonly metadata: Dict;
  /** Error content (protocol §4.1). */
  readonly content: Dict;
}

/** Orders to the shell. */
export type BroadcastEffect<Route = unknown> =
  /** Sign and send `[engine][client] D…`; `engineId` picks the leaf where there are several. */
  | { readonly type: "sendToEngine"; readonly engine: EngineUuid; readonly engineId: number; readonly client: Route; readonly message: Message }
  /** Send the reply on as it came, without the engine's identity: `[client] D…`. Its own frames and signature stay valid. */
  | { readonly type: "relayReply"; readonly client: Route; readonly message: Message }
  /** Sign and send a merged reply: `[client] D…`. */
  | { readonly type: "sendReply"; readonly client: Route; readonly message: Message }
  /** Build, sign and send a reply made here: `[client] D…`. */
  | { readonly type: "replyFailure"; readonly client: Route; readonly failure: BroadcastFailure }
  /** Feed `ticked` at this time; replaces every earlier `wakeAt`. */
  | { readonly type: "wakeAt"; readonly at: Millis }
  /** Something had no consequence; log it once per reason. */
  | { readonly type: "dropped"; readonly reason: BroadcastDropReason; readonly msgId: MsgId | null; readonly engine: EngineUuid | null };

/** Options of a broadcast scheduler; all may be left out. */
export interface BroadcastSchedulerOptions {
  /** Coalescing broadcasts pending at a time; more are refused with an error reply. Default 10,000. */
  readonly pendingMax?: number;
  /** Bytes of held replies over all pending broadcasts; the broadcast that exceeds it fails. Default 1 GiB. */
  readonly heldBytesMax?: number;
  /** How long a reply of an engine that left may still arrive, in milliseconds; default 5000. */
  readonly departedGraceMs?: number;
}
