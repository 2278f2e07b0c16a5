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
  | { readonly type: "lost"; readonly reason: string };

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
  | { readonly type: "listed"; readonly msgId: MsgId; readonly engines: readonly EngineFacts[] }
  | { readonly type: "engineJoined"; readonly engine: EngineFacts }
  | { readonly type: "engineLeft"; readonly uuid: EngineUuid }
  /** More is known of an engine than its arrival told. */
  | { readonly type: "engineDescribed"; readonly uuid: EngineUuid; readonly properties: Dict }
  /** Nothing will come any more. */
  | { readonly type: "closed"; readonly reason: string };

/** What the shell must do. */
export type ClientEffect<Token, Asker> =
  | { readonly type: "send"; readonly request: RequestRecord<Token> }
  | { readonly type: "settle"; readonly request: RequestRecord<Token>; readonly outcome: RequestOutcome }
  | { readonly type: "outputChanged"; readonly request: RequestRecord<Token>; readonly change: OutputChange; readonly message: Message }
  | { readonly type: "outputCompleted"; readonly request: RequestRecord<Token> }
  | { readonly type: "answer"; readonly asker: Asker; readonly outcome: AnswerOutcome }
  | { readonly type: "engineJoined"; readonly engine: EngineFacts }
  | { readonly type: "engineLeft"; readonly engine: EngineFacts };
