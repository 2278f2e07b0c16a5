// Questions to the Hub (protocol §4, §10.8), each a function from a link to a typed answer.

import { ProtocolError } from "../base/index.ts";
import type { TaskRecord } from "../core/hub/index.ts";
import { isDict, readErrorContent, type Dict, type Frame, type Message } from "../wire/index.ts";
import type { ClientLink } from "./client-link.ts";
import { errorOf } from "./decode.ts";
import type { WaitOptions } from "./wait-for.ts";

/** How long the Hub may take to answer, in milliseconds, when the call does not say. */
export const HUB_TIMEOUT_MS = 30_000;

/** Requests of one engine, counted. */
export interface EngineQueue {
  /** DirectView requests outstanding on it. */
  readonly queue: number;
  /** Requests it has finished. */
  readonly completed: number;
  /** Load-balanced tasks assigned to it and not finished. */
  readonly tasks: number;
}

/** Requests of one engine, by message id. */
export interface EngineQueueIds {
  /** Direct requests it has not finished. */
  readonly queue: readonly string[];
  /** The last it finished. */
  readonly completed: readonly string[];
  /** Load-balanced tasks it was given and has not finished. */
  readonly tasks: readonly string[];
}

/** Queues by engine id; tasks not assigned yet. */
export interface QueueStatus {
  readonly [engineId: number]: EngineQueue;
  /** How many tasks wait for an engine. */
  readonly unassigned: number;
}

/** Queues by engine id, with message ids. */
export interface VerboseQueueStatus {
  readonly [engineId: number]: EngineQueueIds;
  /** Tasks that wait for an engine. */
  readonly unassigned: readonly string[];
}

/** A record of the task store: the fields asked for. Field names are the wire's, since queries name them. */
export type StoredRecord = Partial<TaskRecord> & { readonly msg_id: string };

/**
 * A query: field to value, or field to `{ $operator: argument }`; all must hold. Dates may be given as Date, and `"header.msg_type"` leads into an object.
 * Operators: `$eq`, `$ne`, `$lt`, `$lte`, `$gt`, `$gte`, `$in`, `$nin`, `$all`, `$mod`, `$exists`, `$glob`.
 */
export type DbQuery = { readonly [field: string]: unknown };

/** Asks and throws what the Hub answers with an error. */
export async function askHub(link: ClientLink, msgType: string, content: Dict, options: WaitOptions = {}): Promise<Message> {
  const message = await link.askHub(msgType, content, { ...options, timeoutMs: options.timeoutMs ?? HUB_TIMEOUT_MS });
  if (message.content["status"] !== "ok") throw errorOf(readErrorContent(message.content));
  return message;
}

/** Queue lengths of engines. */
export async function queueStatus(
  link: ClientLink,
  targets: readonly number[] | null,
  verbose: boolean,
  options: WaitOptions,
): Promise<QueueStatus | VerboseQueueStatus> {
  const { content } = await askHub(link, "queue_request", { targets, verbose }, options);
  const { status: _, ...queues } = content;
  return queues as unknown as QueueStatus;
}

/** Requests and tasks that each engine has and has not finished. */
export async function loadStatus(link: ClientLink, targets: readonly number[] | null, options: WaitOptions): Promise<Record<number, number>> {
  const { content } = await askHub(link, "load_request", { targets }, options);
  const loads: Record<number, number> = {};
  for (const [id, load] of Object.entries(content)) if (typeof load === "number") loads[Number(id)] = load;
  return loads;
}

/** One result request's answer. */
export interface ResultAnswer {
  readonly pending: readonly string[];
  readonly completed: readonly string[];
  /** Records of the completed, when not only the status was asked for. */
  readonly records: ReadonlyMap<string, Dict>;
  readonly buffers: readonly Frame[];
}

/** Status and, unless only that is wanted, results of requests. */
export async function requestResults(link: ClientLink, msgIds: readonly string[], statusOnly: boolean, options: WaitOptions): Promise<ResultAnswer> {
  return readResults(await askHub(link, "result_request", { msg_ids: msgIds, status_only: statusOnly }, options));
}

/** Results of requests, as soon as there is one; a Hub that knows no waiting, as Python's, answers at once. At the latest after 20 s with none. */
export async function awaitResults(link: ClientLink, msgIds: readonly string[]): Promise<ResultAnswer> {
  return readResults(await askHub(link, "result_request", { msg_ids: msgIds, status_only: false, wait: true }));
}

function readResults({ content, buffers }: Message): ResultAnswer {
  const completed = texts(content["completed"]);
  const records = new Map(completed.flatMap((id) => (isDict(content[id]) ? [[id, content[id]] as const] : [])));
  return { pending: texts(content["pending"]), completed, records, buffers };
}

/** Ids of all requests in the store, oldest first. */
export async function hubHistory(link: ClientLink, options: WaitOptions): Promise<readonly string[]> {
  const { content } = await askHub(link, "history_request", {}, options);
  return texts(content["history"]);
}

/** Records that match. */
export async function dbQuery(link: ClientLink, query: DbQuery, keys: readonly string[] | string | undefined, options: WaitOptions): Promise<StoredRecord[]> {
  const wanted = keys === undefined ? null : typeof keys === "string" ? [keys] : keys;
  const { content, buffers } = await askHub(link, "db_request", { query, keys: wanted }, options);
  const records = content["records"];
  if (!Array.isArray(records) || !records.every(isDict)) throw new ProtocolError("the Hub's answer to a db_request has no records");
  const requestLengths = lengths(content["buffer_lens"]);
  const resultLengths = lengths(content["result_buffer_lens"]);
  let at = 0;
  const take = (count: number | undefined): readonly Frame[] => buffers.slice(at, (at += count ?? 0));
  return records.map((record, i) => ({
    ...(record as unknown as StoredRecord),
    ...(requestLengths === undefined ? {} : { buffers: take(requestLengths[i]) }),
    ...(resultLengths === undefined ? {} : { result_buffers: take(resultLengths[i]) }),
  }));
}

/** Forgets records: these, all finished (`"all"`), and all finished of these engines. */
export async function purgeHubResults(link: ClientLink, msgIds: readonly string[] | "all", engineIds: readonly number[], options: WaitOptions): Promise<void> {
  await askHub(link, "purge_request", { engine_ids: engineIds, msg_ids: msgIds }, options);
}

/** Submits requests again; the new ids in the order of the old ones. */
export async function resubmit(link: ClientLink, msgIds: readonly string[], options: WaitOptions): Promise<string[]> {
  const { content } = await askHub(link, "resubmit_request", { msg_ids: msgIds }, options);
  const renamed = content["resubmitted"];
  if (!isDict(renamed)) throw new ProtocolError("the Hub's answer to a resubmit_request names no new ids");
  return msgIds.map((id) => String(renamed[id]));
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function lengths(value: unknown): number[] | undefined {
  return Array.isArray(value) ? value.map(Number) : undefined;
}
