// Turns the router's packed monitor entries back into messages for the record keeping. The router authenticated them;
// what does not unpack is left out: the peer's request was routed all the same, but there is nothing to record.

import { engineUuid, msgId, type EngineUuid } from "../base/index.ts";
import type { MonitorEvent } from "../core/index.ts";
import { isDict, isHeader, readMonitorBatch, type Dict, type Frame, type Header, type Message, type MonitorEntry, type Session } from "../wire/index.ts";

const NO_DICT: Dict = {};

/** Reads one batch; entries that make no sense are skipped. */
export function* readMonitorEvents(batch: Uint8Array, session: Session): Generator<MonitorEvent, void, undefined> {
  for (const entry of readMonitorBatch(batch)) {
    const event = toEvent(entry, session);
    if (event !== undefined) yield event;
  }
}

function toEvent(entry: MonitorEntry, session: Session): MonitorEvent | undefined {
  const { kind, at, frames } = entry;
  const first = frames[0] as Frame;
  switch (kind) {
    case "taskDestination":
      return { type: kind, at, engine: engineOf(first, session), msgId: msgId(session.text.decode(frames[1] as Frame)) };
    case "iopub": {
      const message = unpackMessage(session, { header: first, parent: frames[1] as Frame, content: frames[2] as Frame }, []);
      return message === undefined ? undefined : { type: kind, at, message };
    }
    case "muxRequest":
    case "taskRequest":
    case "broadcastRequest": {
      const message = unpackMessage(session, { header: frames[1] as Frame, metadata: frames[2] as Frame, content: frames[3] as Frame }, frames.slice(4));
      if (message === undefined) return undefined;
      if (kind === "muxRequest") return { type: kind, at, engine: engineOf(first, session), message };
      return kind === "taskRequest" ? { type: kind, at, message } : { type: kind, at, targets: targetsOf(message), message };
    }
    case "muxReply":
    case "taskReply":
    case "broadcastReply": {
      const parts = { header: frames[2] as Frame, metadata: frames[3] as Frame, content: frames[4] as Frame };
      const message = unpackMessage(session, parts, frames.slice(5), { msg_id: session.text.decode(frames[1] as Frame) });
      if (message === undefined) return undefined;
      return kind === "muxReply" ? { type: kind, at, engine: engineOf(first, session), message } : { type: kind, at, message };
    }
  }
}

interface PackedParts {
  readonly header: Frame;
  readonly parent?: Frame;
  readonly metadata?: Frame;
  readonly content: Frame;
}

function unpackMessage(session: Session, parts: PackedParts, buffers: readonly (Frame | number)[], parentHeader?: Dict): Message | undefined {
  const header = session.unpack(parts.header);
  const parent = parts.parent === undefined ? (parentHeader ?? NO_DICT) : session.unpack(parts.parent);
  const metadata = parts.metadata === undefined ? NO_DICT : session.unpack(parts.metadata);
  const content = session.unpack(parts.content);
  if (!isHeader(header) || parent === undefined || metadata === undefined || content === undefined) return undefined;
  return { idents: [], header: header as Header, parentHeader: parent, metadata, content, buffers: buffers.map(bufferOf) };
}

/**
 * A buffer that was too large to be carried is stood for by zeros of its length, which the store will not keep: it looks
 * at the lengths first. The platform commits no memory to pages that nobody touches.
 */
function bufferOf(buffer: Frame | number): Frame {
  return typeof buffer === "number" ? new Uint8Array(buffer) : buffer;
}

function engineOf(frame: Frame, session: Session): EngineUuid {
  return engineUuid(session.text.decode(frame));
}

/** Uuids of a broadcast's `targets`, which are pairs `[uuid, id]`. */
function targetsOf(message: Message): readonly EngineUuid[] {
  const targets = message.metadata["targets"];
  if (!Array.isArray(targets)) return [];
  const uuids: EngineUuid[] = [];
  for (const target of targets as readonly unknown[]) {
    if (Array.isArray(target) && typeof target[0] === "string") uuids.push(engineUuid(target[0]));
  }
  return uuids;
}

/** The uuid of an engine that says on iopub that it ends (`shutdown_reply`); `undefined` for every other message. */
export function endedEngine(event: MonitorEvent): EngineUuid | undefined {
  if (event.type !== "iopub" || event.message.header.msg_type !== "shutdown_reply") return undefined;
  const { session } = event.message.header;
  return isDict(event.message.content) && typeof session === "string" ? engineUuid(session) : undefined;
}
