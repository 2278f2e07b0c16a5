// Engines as the Hub tells of them: one in a notification, all in the answer to a connection_request.

import { engineId, engineUuid } from "../base/index.ts";
import type { EngineFacts } from "../core/client/index.ts";
import { isDict, type Dict } from "../wire/index.ts";

/**
 * Reads `{ id, uuid, properties }`; `undefined` when that is not there. Python's controller tells no properties at all; ours
 * tells those of every engine, and one that gave none at its registration is one of Python's.
 */
export function readEngine(content: Dict): EngineFacts | undefined {
  const { id, uuid, properties } = content;
  if (typeof id !== "number" || typeof uuid !== "string") return undefined;
  return { id: engineId(id), uuid: engineUuid(uuid), properties: readProperties(properties) };
}

function readProperties(properties: unknown): Dict {
  if (!isDict(properties)) return {};
  return Object.keys(properties).length === 0 ? { language: "python" } : properties;
}

/** Reads all engines of a connection_reply; `undefined` when it is none. */
export function readListing(content: Dict): EngineFacts[] | undefined {
  const { engines } = content;
  if (content["status"] !== "ok" || !isDict(engines)) return undefined;
  const properties = isDict(content["properties"]) ? content["properties"] : undefined;
  const propertiesOf = (id: string): unknown => (properties === undefined ? undefined : (properties[id] ?? {}));
  return Object.entries(engines).flatMap(([id, uuid]) => readEngine({ id: Number(id), uuid, properties: propertiesOf(id) }) ?? []);
}
