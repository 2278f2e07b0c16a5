// Reading a broadcast request and deriving the messages for its targets (protocol §3.5).

import { engineUuid, type EngineUuid } from "../../base/index.ts";
import { isDict, type Dict, type Header, type Message } from "../../wire/index.ts";

/** One engine a broadcast is meant for. */
export interface BroadcastTarget {
  readonly engine: EngineUuid;
  readonly engineId: number;
}

/** What a broadcast request asks for. */
export interface BroadcastRequest {
  /** In the order of the request, each engine once. */
  readonly targets: readonly BroadcastTarget[];
  readonly isCoalescing: boolean;
  /** Id the client knows the request by; one that is in the metadata already is kept. */
  readonly originalMsgId: string;
}

/** Reads the metadata of a broadcast request; a text tells what is wrong with it. */
export function readBroadcastRequest(message: Message): BroadcastRequest | string {
  const listed = message.metadata["targets"];
  if (!Array.isArray(listed) || listed.length === 0) return "metadata.targets must be a list of [engine uuid, engine id] pairs that is not empty";
  const targets: BroadcastTarget[] = [];
  const seen = new Set<string>();
  for (const pair of listed as readonly unknown[]) {
    if (!Array.isArray(pair) || typeof pair[0] !== "string" || !isEngineNumber(pair[1])) return "metadata.targets must be pairs of engine uuid and engine id";
    if (seen.has(pair[0])) return `metadata.targets names engine '${pair[0]}' twice`;
    seen.add(pair[0]);
    targets.push({ engine: engineUuid(pair[0]), engineId: pair[1] });
  }
  const original = message.metadata["original_msg_id"];
  return {
    targets,
    isCoalescing: message.metadata["is_coalescing"] === true,
    originalMsgId: typeof original === "string" && original !== "" ? original : message.header.msg_id,
  };
}

/** Id of the message that one target gets. */
export function derivedMsgId(originalMsgId: string, engine: EngineUuid): string {
  return `${originalMsgId}_${engine}`;
}

/** The header of the message that one target gets: only the id differs. */
export function derivedHeader(header: Header, originalMsgId: string, engine: EngineUuid): Header {
  return { ...header, msg_id: derivedMsgId(originalMsgId, engine) };
}

/** Targets as the wire has them. */
export function targetPairs(targets: readonly BroadcastTarget[]): [string, number][] {
  return targets.map(({ engine, engineId }) => [engine, engineId]);
}

/** Type of the reply to a request: `apply_reply` for `apply_request`. */
export function replyType(requestType: string): string {
  return requestType.endsWith("_request") ? `${requestType.slice(0, -"_request".length)}_reply` : "apply_reply";
}

/** `parent_header.msg_id` of a reply, if it has one. */
export function parentMsgId(parentHeader: Dict): string | undefined {
  const id = isDict(parentHeader) ? parentHeader["msg_id"] : undefined;
  return typeof id === "string" ? id : undefined;
}

function isEngineNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
