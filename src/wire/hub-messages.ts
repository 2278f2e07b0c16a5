// Messages of the registration channel (protocol §4) and of the notification channel (§4.10): their types, and the
// contents that the Hub reads itself. Contents of queries are read by the query machine.

import type { EngineUuid } from "../base/index.ts";
import { isDict, type Dict } from "./message.ts";
import { CONTROLLER_IDENTITY } from "./shell-messages.ts";

/** Every request the Hub understands, with the type of its reply; `null`: it has none. */
export const HUB_REPLIES = {
  connection_request: "connection_reply",
  registration_request: "registration_reply",
  unregistration_request: null,
  queue_request: "queue_reply",
  load_request: "load_reply",
  result_request: "result_reply",
  history_request: "history_reply",
  db_request: "db_reply",
  purge_request: "purge_reply",
  resubmit_request: "resubmit_reply",
  shutdown_request: "shutdown_reply",
  become_dask_request: "become_dask_reply",
  stop_distributed_request: "stop_distributed_reply",
} as const;

/** `msg_type` of a request to the Hub. */
export type HubRequestType = keyof typeof HUB_REPLIES;

/** Whether the Hub understands a message type. */
export function isHubRequestType(msgType: string): msgType is HubRequestType {
  return Object.hasOwn(HUB_REPLIES, msgType);
}

/**
 * What the Hub adds to `connection_reply` and `registration_reply`: the router's shell sockets read packed frames
 * (`packed-frame.ts`). Python's peers pass over it.
 */
export const PACKING_OFFER = { packing: 1 } as const;

/** Whether the content of a reply makes that offer. */
export function offersPacking(content: Dict): boolean {
  return content["packing"] === PACKING_OFFER.packing;
}

/** What the Hub adds to `connection_reply`: as who the controller itself answers on the control channel. Python's clients pass over it. */
export const CONTROL_OFFER: { readonly control: string } = { control: CONTROLLER_IDENTITY };

/** Whether the content of a reply makes that offer. */
export function offersControl(content: Dict): boolean {
  return content["control"] === CONTROL_OFFER.control;
}

/** The complete list of what may be published as notification: any other type breaks Python's clients for good. */
export type NotificationType = "registration_notification" | "unregistration_notification" | "shutdown_notification";

/** What an engine asks for at registration. */
export interface RegistrationRequest {
  /** `undefined` when the engine sent none, or no text. */
  readonly uuid: EngineUuid | undefined;
  readonly requestedId: number | undefined;
  /** Host, pid, language … of our engines; `{}` for Python's. */
  readonly properties: Dict;
}

/** Longest `properties` kept, in characters of JSON. */
const PROPERTIES_LENGTH_MAX = 4096;

/** Reads the content of a `registration_request`. */
export function readRegistrationRequest(content: Dict): RegistrationRequest {
  const { uuid, id, properties } = content;
  const isKept = isDict(properties) && JSON.stringify(properties).length <= PROPERTIES_LENGTH_MAX;
  return {
    uuid: typeof uuid === "string" ? (uuid as EngineUuid) : undefined,
    requestedId: typeof id === "number" ? id : undefined,
    properties: isKept ? properties : {},
  };
}

/** Reads what a `become_dask_request` has for dask's scheduler; nothing when it is malformed. */
export function readSchedulerArgs(content: Dict): Dict {
  const { scheduler_args: args } = content;
  return isDict(args) ? args : {};
}

/** Reads the engine id of an `unregistration_request`; `undefined` when there is none. */
export function readUnregistrationId(content: Dict): number | undefined {
  const { id } = content;
  return typeof id === "number" ? id : undefined;
}

/**
 * Reads the engine's uuid of an `unregistration_request`, which our launchers send instead of the id: they know the uuid
 * they gave and not the id the Hub chose. `undefined` when there is none.
 */
export function readUnregistrationUuid(content: Dict): EngineUuid | undefined {
  const { uuid } = content;
  return typeof uuid === "string" ? (uuid as EngineUuid) : undefined;
}
