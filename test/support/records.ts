// Builders of messages and records for tests of the Hub's record keeping: defaults everywhere, so that a test shows
// only what matters to it.

import { engineId, engineUuid, isoMicros, millis, type EngineUuid, type Millis } from "../../src/base/index.ts";
import { emptyTaskRecord, type TaskRecord } from "../../src/core/index.ts";
import type { Dict, Frame, Header, Message } from "../../src/wire/index.ts";

/** 2026-01-02T03:04:05.678901Z, and later by whole milliseconds. */
export const at = (laterMs = 0): Millis => millis(1_767_323_045_678.901 + laterMs);

/** The wire date of `at(laterMs)`. */
export const dateAt = (laterMs = 0): string => isoMicros(at(laterMs));

export const E0: EngineUuid = engineUuid("e0000000-000000000000000000000000");
export const E1: EngineUuid = engineUuid("e1111111-111111111111111111111111");
export const ENGINE_0 = { type: "engineJoined", at: at(), id: engineId(0), engine: E0 } as const;
export const ENGINE_1 = { type: "engineJoined", at: at(), id: engineId(1), engine: E1 } as const;

export function header(msgId: string, msgType: string, more: Partial<Header> = {}): Header {
  return { msg_id: msgId, msg_type: msgType, username: "u", session: "client-1", date: dateAt(), version: "5.3", ...more };
}

export function request(
  msgId: string,
  more: {
    readonly header?: Partial<Header>;
    readonly metadata?: Dict;
    readonly content?: Dict;
    readonly buffers?: readonly Frame[];
    readonly msgType?: string;
  } = {},
): Message {
  return {
    idents: [],
    header: header(msgId, more.msgType ?? "apply_request", more.header),
    parentHeader: {},
    metadata: more.metadata ?? {},
    content: more.content ?? {},
    buffers: more.buffers ?? [],
  };
}

export function reply(
  parent: string,
  more: { readonly metadata?: Dict; readonly content?: Dict; readonly buffers?: readonly Frame[]; readonly msgType?: string; readonly laterMs?: number } = {},
): Message {
  return {
    idents: [],
    header: header(`${parent}-reply`, more.msgType ?? "apply_reply", { session: E0, date: dateAt(more.laterMs ?? 10) }),
    parentHeader: header(parent, "apply_request"),
    metadata: more.metadata ?? { engine: E0, status: "ok", started: dateAt(5) },
    content: more.content ?? { status: "ok" },
    buffers: more.buffers ?? [],
  };
}

export function published(parent: string | undefined, msgType: string, content: Dict, session: string = E0): Message {
  return {
    idents: [],
    header: header("pub", msgType, { session }),
    parentHeader: parent === undefined ? {} : header(parent, "execute_request"),
    metadata: {},
    content,
    buffers: [],
  };
}

/** A request as the store keeps it; finished when `completed` is given. */
export function record(msgId: string, more: Partial<TaskRecord> = {}): TaskRecord {
  return {
    ...emptyTaskRecord(msgId),
    header: header(msgId, "apply_request"),
    metadata: {},
    content: {},
    submitted: dateAt(),
    client_uuid: "client-1",
    queue: "task",
    ...more,
  };
}
