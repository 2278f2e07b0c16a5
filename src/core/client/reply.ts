// What a reply says (protocol §10.4): which request it answers, how that ended, and the facts for its metadata.

import type { EngineUuid, KernelFailure, Millis } from "../../base/index.ts";
import { isDict, readErrorContent, type Dict, type Message } from "../../wire/index.ts";
import type { EngineDirectory } from "./engine-directory.ts";
import type { RequestRecord } from "./request-record.ts";

/** How a request ended. */
export type RequestOutcome =
  /** With a value, in the reply's buffers (apply) or content (execute). */
  | { readonly type: "value"; readonly reply: Message }
  /** With an error, of the engine, of the scheduler or made here. */
  | { readonly type: "failure"; readonly failure: KernelFailure }
  /** Nobody will ever answer: the client was closed. */
  | { readonly type: "lost"; readonly reason: string }
  /** Nobody will ever answer: the controller went away. */
  | { readonly type: "controllerLost"; readonly reason: string };

/** Id of the request that a reply answers: the original one when a broadcast was coalesced. */
export function answeredId(message: Message): string | undefined {
  const { metadata } = message;
  const id = metadata["is_broadcast"] === true && metadata["is_coalescing"] === true ? metadata["original_msg_id"] : message.parentHeader["msg_id"];
  return typeof id === "string" ? id : undefined;
}

/** Reads how it ended; `undefined` for a reply that ends nothing (`resubmitted`). */
export function outcomeOf(record: RequestRecord, message: Message, engines: EngineDirectory): RequestOutcome | undefined {
  switch (message.content["status"]) {
    case "ok":
      return { type: "value", reply: message };
    case "resubmitted":
      return undefined;
    case "aborted":
      return { type: "failure", failure: { ename: "TaskAborted", evalue: `the request was aborted before it ran, msg_id ${record.msgId}` } };
    default:
      return { type: "failure", failure: withHost(readFailure(message, engines), message, engines) };
  }
}

function readFailure(message: Message, engines: EngineDirectory): KernelFailure {
  const failure = readErrorContent(message.content);
  const info = failure.engineInfo;
  if (info === undefined || info.engineId !== null) return failure;
  const engine = engines.findByUuid(info.engineUuid as EngineUuid);
  return engine === undefined ? failure : { ...failure, engineInfo: { ...info, engineId: engine.id } };
}

function withHost(failure: KernelFailure, message: Message, engines: EngineDirectory): KernelFailure {
  const info = failure.engineInfo;
  if (info === undefined) return failure;
  const host = message.metadata["host"] ?? engines.findByUuid(info.engineUuid as EngineUuid)?.properties["host"];
  return typeof host === "string" ? { ...failure, engineInfo: { ...info, host } } : failure;
}

/**
 * Whether iopub output may still follow this reply: an engine had the request and says `idle` when all is out. With an
 * engine that counts its output nobody waits for `idle`.
 */
export function expectsOutput(record: RequestRecord, message: Message): boolean {
  const { content } = message;
  if (record.outputsExpected !== undefined) return record.outputsSeen < record.outputsExpected;
  if (content["status"] === "ok") return true;
  if (content["status"] === "aborted") return false;
  return isDict(content["engine_info"]) && Object.keys(content["engine_info"]).length > 0;
}

/** Writes the reply's facts into the record. */
export function noteReply(record: RequestRecord, message: Message, received: Millis | undefined, engines: EngineDirectory): void {
  const { metadata, header, content } = message;
  record.status = typeof content["status"] === "string" ? content["status"] : undefined;
  record.received = received;
  record.completed = typeof header.date === "string" ? header.date : undefined;
  if (typeof metadata["started"] === "string") record.started = metadata["started"];
  if (Array.isArray(metadata["after"])) record.after = texts(metadata["after"]);
  if (Array.isArray(metadata["follow"])) record.follow = texts(metadata["follow"]);
  if (typeof metadata["outputs"] === "number" && record.targets.length <= 1) record.outputsExpected = metadata["outputs"];
  const pairs = metadata["is_coalescing"] === true ? readPairs(metadata["broadcast_targets"]) : undefined;
  if (pairs === undefined) noteEngine(record, metadata, engines);
  else {
    // In the order of the reply's buffers, which need not be that of the request's targets.
    record.engineUuid = pairs.map(([uuid]) => uuid);
    record.engineId = pairs.map(([, id]) => id);
  }
}

/** Takes the engine named in a message's metadata, also from iopub before the reply is there. */
export function noteEngine(record: RequestRecord, metadata: Dict, engines: EngineDirectory): void {
  const uuid = metadata["engine"];
  if (typeof uuid !== "string" || uuid === record.engineUuid || Array.isArray(record.engineUuid)) return;
  record.engineUuid = uuid as EngineUuid;
  record.engineId = engines.findByUuid(uuid as EngineUuid)?.id ?? null;
}

function readPairs(value: unknown): (readonly [EngineUuid, number])[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const isPair = (item: unknown): item is [EngineUuid, number] => Array.isArray(item) && typeof item[0] === "string" && typeof item[1] === "number";
  return value.every(isPair) ? value : undefined;
}

function texts(values: readonly unknown[]): readonly string[] {
  return values.filter((value): value is string => typeof value === "string");
}
