// What the client's machine is told and what it orders.

import type { EngineUuid, Millis, MsgId } from "../../base/index.ts";
import type { Dict, Message } from "../../wire/index.ts";
import type { EngineFacts } from "./engine-directory.ts";
import type { OutputChange } from "./output.ts";
import type { RequestOutcome } from "./reply.ts";
import type { RequestRecord } from "./request-record.ts";

/** A question to the Hub or to an engine's control channel ended. */
export type AnswerOutcome =
  | { readonly type: "answer"; readonly message: Message }
  /** The engine left before it answered. */
  | { readonly type: "engineLeft"; readonly engine: EngineFacts }
  | { readonly type: "lost"; readonly reason: string }
  | { readonly type: "controllerLost"; readonly reason: string };

/** What happened. */
export type ClientEvent<Token, Asker> =
  /** A view made a request; several records when one plain broadcast goes to several engines. */
  | { readonly type: "submitted"; readonly requests: readonly RequestRecord<Token>[] }
  /** Something came on the mux, task or broadcast channel. */
  | { readonly type: "replied"; readonly at: Millis; readonly message: Message }
  /** Something of ours came on iopub. */
  | { readonly type: "published"; readonly message: Message }
  /** The user aborted requests; those still waiting here end now. */
  | { readonly type: "aborted"; readonly msgIds: readonly MsgId[] }
  | { readonly type: "asked"; readonly msgId: MsgId; readonly engine?: EngineUuid; readonly asker: Asker }
  | { readonly type: "answered"; readonly message: Message }
  /** The asker's deadline passed: a late answer is dropped. */
  | { readonly type: "abandoned"; readonly msgId: MsgId }
  /** A connection_request went out. */
  | { readonly type: "listingAsked"; readonly msgId: MsgId }
  /** With `keepsRequests`, those of engines that are not in the list go on: the controller was just restarted, and engines may come back. */
  | { readonly type: "listed"; readonly msgId: MsgId; readonly engines: readonly EngineFacts[]; readonly keepsRequests: boolean }
  | { readonly type: "engineJoined"; readonly engine: EngineFacts }
  | { readonly type: "engineLeft"; readonly uuid: EngineUuid }
  /** More is known of an engine than its arrival told. */
  | { readonly type: "engineDescribed"; readonly uuid: EngineUuid; readonly properties: Dict }
  /** The controller went away: nothing is sent until it is back. */
  | { readonly type: "controllerLost"; readonly reason: string }
  /** The Hub has the result of a request whose reply has not come here. */
  | { readonly type: "recovered"; readonly msgId: MsgId; readonly message: Message; readonly at: Millis }
  /** The Hub was asked for all that was under way when the controller went; `pending` are those it knows without a result. */
  | { readonly type: "inquired"; readonly pending: ReadonlySet<string>; readonly isSameLife: boolean }
  /** An engine has answered a question that was sent behind these requests. */
  | { readonly type: "fenceReached"; readonly msgIds: readonly MsgId[] }
  /** What waits may be sent. */
  | { readonly type: "controllerBack" }
  /** Nothing will come any more: closed here, or given up because the controller is gone. */
  | { readonly type: "closed"; readonly reason: string; readonly cause: "closed" | "controllerLost" };

/** What the shell must do. */
export type ClientEffect<Token, Asker> =
  | { readonly type: "send"; readonly request: RequestRecord<Token> }
  | { readonly type: "settle"; readonly request: RequestRecord<Token>; readonly outcome: RequestOutcome }
  | { readonly type: "outputChanged"; readonly request: RequestRecord<Token>; readonly change: OutputChange; readonly message: Message }
  | { readonly type: "outputCompleted"; readonly request: RequestRecord<Token> }
  /** Ask this engine something behind these requests; `fenceReached` is to follow. */
  | { readonly type: "fence"; readonly engine: EngineFacts; readonly msgIds: readonly MsgId[] }
  | { readonly type: "answer"; readonly asker: Asker; readonly outcome: AnswerOutcome }
  | { readonly type: "engineJoined"; readonly engine: EngineFacts }
  | { readonly type: "engineLeft"; readonly engine: EngineFacts };
