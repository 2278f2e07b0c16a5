// Engines as the Hub tells of them: one in a notification, all in the answer to a connection_request.

import { engineId, engineUuid } from "../base/index.ts";
import type { EngineFacts } from "../core/index.ts";
import { isDict, type Dict } from "../wire/index.ts";

/** Reads `{ id, uuid, properties }`; `undefined` when that is not there. Python's controller tells no properties. */
export function readEngine(content: Dict): EngineFacts | undefined {
  const { id, uuid, properties } = content;
  if (typeof id !== "number" || typeof uuid !== "string") return undefined;
  return { id: engineId(id), uuid: engineUuid(uuid), properties: isDict(properties) ? properties : {} };
}

/** Reads all engines of a connection_reply; `undefined` when it is none. */
export function readListing(content: Dict): EngineFacts[] | undefined {
  const { engines } = content;
  if (content["status"] !== "ok" || !isDict(engines)) return undefined;
  const properties = isDict(content["properties"]) ? content["properties"] : {};
  return Object.entries(engines).flatMap(([id, uuid]) => readEngine({ id: Number(id), uuid, properties: properties[id] }) ?? []);
}
