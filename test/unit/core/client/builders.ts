// Messages, engines and requests with defaults, so that a test shows only what matters.

import { engineId, engineUuid, millis, msgId, type EngineUuid } from "../../../../src/base/index.ts";
import { ClientMachine, RequestRecord, type ClientEffect, type EngineFacts, type RequestFacts } from "../../../../src/core/client/index.ts";
import type { Dict, Message } from "../../../../src/wire/index.ts";

export type Machine = ClientMachine<string, string>;
export type Effect = ClientEffect<string, string>;

export const AT = millis(Date.parse("2026-01-02T03:04:05.678Z"));

export function header(msgType: string, id = "reply"): Message["header"] {
  return { msg_id: id, msg_type: msgType, username: "u", session: "engine", date: "2026-01-02T03:04:05.600000Z", version: "5.3" };
}

export function message(msgType: string, parent: string, content: Dict = {}, metadata: Dict = {}): Message {
  return { idents: [], header: header(msgType), parentHeader: { msg_id: parent, session: "client" }, metadata, content, buffers: [] };
}

export const okReply = (parent: string, metadata: Dict = {}): Message => message("apply_reply", parent, { status: "ok" }, metadata);
export const idle = (parent: string, metadata: Dict = {}): Message => message("status", parent, { execution_state: "idle" }, metadata);

export function engine(id: number, properties: Dict = {}): EngineFacts {
  return { id: engineId(id), uuid: engineUuid(`E${id}`), properties };
}

export const uuids = (...names: string[]): EngineUuid[] => names.map(engineUuid);

export function request(id: string, facts: Partial<RequestFacts<string>> = {}): RequestRecord<string> {
  return new RequestRecord<string>({
    msgId: msgId(id),
    kind: "apply",
    channel: "task",
    targets: [],
    submitted: "2026-01-02T03:04:05.500000Z",
    label: null,
    bytes: 10,
    token: id,
    ...facts,
  });
}

/** Feeds an event, checks every invariant, and names the effects in short: `send A`, `settle A value`. */
export function feed(machine: Machine, event: Parameters<Machine["handle"]>[0]): string[] {
  const effects = machine.handle(event);
  machine.validate();
  return effects.map(describe);
}

function describe(effect: Effect): string {
  switch (effect.type) {
    case "send":
      return `send ${effect.request.msgId}`;
    case "settle":
      return `settle ${effect.request.msgId} ${effect.outcome.type === "failure" ? effect.outcome.failure.ename : effect.outcome.type}`;
    case "outputChanged":
      return `output ${effect.request.msgId} ${effect.change}`;
    case "outputCompleted":
      return `complete ${effect.request.msgId}`;
    case "fence":
      return `fence ${effect.engine.id} behind ${effect.msgIds.join(", ")}`;
    case "answer":
      return `answer ${effect.asker} ${effect.outcome.type}`;
    case "engineJoined":
    case "engineLeft":
      return `${effect.type} ${effect.engine.id}`;
  }
}

export function machine(limits?: { messagesMax: number; bytesMax: number }): Machine {
  return new ClientMachine<string, string>(limits);
}
