// How messages become fields of a task record (protocol §5.3): requests, replies, failures that the Hub itself states.

import { isoMicros, parseIsoDate, type EngineUuid, type Millis } from "../../base/index.ts";
import { errorContent, readReplyOutcome, type Message } from "../../wire/index.ts";
import { emptyTaskRecord, type TaskRecord, type TaskRecordPatch } from "./task-record.ts";

/** Message types whose requests are kept; everything else on mux (comm messages, `clear_request` …) leaves no record. */
const REPLY_TYPES = { apply_request: "apply_reply", execute_request: "execute_reply" } as const;

/** The reply a kept request gets. */
export type ReplyType = (typeof REPLY_TYPES)[keyof typeof REPLY_TYPES];

/** The type of reply that a request gets, or `undefined` when requests of this type are not kept. */
export function replyTypeOf(requestType: string): ReplyType | undefined {
  return Object.hasOwn(REPLY_TYPES, requestType) ? REPLY_TYPES[requestType as keyof typeof REPLY_TYPES] : undefined;
}

/** Whether a message answers a kept request. */
export function isReplyType(msgType: string): boolean {
  return msgType === "apply_reply" || msgType === "execute_reply";
}

/** A wire date in the record's form (UTC, microseconds), or the fallback when it is missing or not a date. */
function dateOr(value: unknown, fallback: Millis): string {
  return isoMicros((typeof value === "string" ? parseIsoDate(value) : undefined) ?? fallback);
}

/** The record of a request that was just seen. */
export function requestRecord(message: Message, at: Millis, queue: TaskRecord["queue"], engine: EngineUuid | null): TaskRecord {
  return {
    ...emptyTaskRecord(message.header.msg_id),
    header: message.header,
    metadata: message.metadata,
    content: message.content,
    buffers: message.buffers,
    submitted: dateOr(message.header.date, at),
    client_uuid: typeof message.header.session === "string" ? message.header.session : null,
    engine_uuid: engine,
    queue,
    label: message.metadata["label"] ?? null,
  };
}

/** What a reply adds to its record. */
export function replyPatch(message: Message, at: Millis): TaskRecordPatch {
  const started = message.metadata["started"];
  const startedAt = typeof started === "string" ? parseIsoDate(started) : undefined;
  const engine = readReplyOutcome(message.metadata).engine;
  return {
    result_header: message.header,
    result_metadata: message.metadata,
    result_content: message.content,
    result_buffers: message.buffers,
    started: startedAt === undefined ? null : isoMicros(startedAt),
    completed: dateOr(message.header.date, at),
    received: isoMicros(at),
    ...(engine === undefined || engine === "" ? {} : { engine_uuid: engine }),
  };
}

/** Message id of the reply that the Hub states for a stranded request. */
export function strandedId(id: string): string {
  return `${id}_stranded`;
}

/**
 * The result of a request that died with its engine. The metadata is an object and the header names a reply type:
 * clients read both without looking.
 */
export function strandedPatch(id: string, replyType: ReplyType, engine: EngineUuid, at: Millis): TaskRecordPatch {
  const date = isoMicros(at);
  return {
    result_header: { msg_id: strandedId(id), msg_type: replyType, username: "hub", session: engine, date, version: "5.3" },
    result_metadata: { engine, status: "error", date },
    result_content: errorContent({ ename: "EngineError", evalue: `engine ${engine} died while running request ${id}` }),
    result_buffers: [],
    completed: date,
    received: date,
  };
}
