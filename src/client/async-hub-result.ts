// Results fetched from the Hub: of other clients, of earlier runs, of resubmitted tasks. There is one question for all, and the Hub answers it
// when the first of them is there; then it is asked for the others, after a pause that grows to 100 ms, so that many results cost few
// questions. Python's Hub knows no waiting and is asked again at that pace.

import { setTimeout as sleep } from "node:timers/promises";
import { msgId, parseIsoDate } from "../base/index.ts";
import { noteReply, outcomeOf, RequestRecord, type EngineDirectory } from "../core/client/index.ts";
import { unpackValues } from "../serial/index.ts";
import { isDict, type Dict, type Message } from "../wire/index.ts";
import { AsyncResult, type ResultOwner } from "./async-result.ts";
import type { ResultShape } from "./result-shape.ts";
import type { ClientLink } from "./client-link.ts";
import { settleHandle } from "./decode.ts";
import { awaitResults, resubmit } from "./hub-queries.ts";
import { RequestHandle } from "./request-handle.ts";
import { noteStoredOutput, replyOf } from "./stored-result.ts";
import type { WaitOptions } from "./wait-for.ts";

const PAUSE_FIRST_MS = 5;
const PAUSE_MAX_MS = 100;

/** Values of requests whose results the Hub keeps; a list in the order of the ids. */
export class AsyncHubResult<T = unknown> extends AsyncResult<T[], T, "many"> {
  override get [Symbol.toStringTag](): string {
    return "AsyncHubResult";
  }
}

/** Each request's value. */
const HUB_VALUES: ResultShape<unknown[], unknown> = { arity: "many", join: (values) => [...values], items: (value) => [value] };

/** Makes the result and begins to ask. Requests that are outstanding or remembered here are taken from here. */
export function hubResult<T>(
  link: ClientLink,
  owner: ResultOwner,
  msgIds: readonly string[],
  findLocal: (id: string) => RequestHandle | undefined,
): AsyncHubResult<T> {
  const missing = new Map<string, RequestHandle>();
  const handles = msgIds.map((id) => {
    const known = findLocal(id) ?? missing.get(id);
    if (known !== undefined) return known;
    const handle = pendingHandle(id);
    missing.set(id, handle);
    return handle;
  });
  // Ends when all are there, or with the client; what goes wrong goes to the handles.
  void fetchAll(link, missing);
  return new AsyncHubResult<T>(handles, HUB_VALUES as ResultShape<T[], T>, owner);
}

/**
 * Submits requests again and makes the result of the new ones. It is there at once, because awaiting it means awaiting
 * the values; its `msgIds` are the old ones until the Hub has told the new ones.
 *
 * @param onRenamed hears of each request that has its new id
 */
export function resubmittedResult<T>(
  link: ClientLink,
  owner: ResultOwner,
  msgIds: readonly string[],
  options: WaitOptions,
  onRenamed: (handle: RequestHandle) => void,
): AsyncHubResult<T> {
  const handles = msgIds.map(pendingHandle);
  const renamed = resubmitAll(link, handles, options);
  const told = renamed.then((missing) => missing.forEach(onRenamed));
  for (const handle of handles) handle.renamed = told;
  // Ends when all are there, or with the client; what goes wrong goes to the handles.
  void renamed.then((missing) => fetchAll(link, missing));
  return new AsyncHubResult<T>(handles, HUB_VALUES as ResultShape<T[], T>, owner);
}

/** Does not reject: the handles of what is refused fail. Gives the others by their new ids. */
async function resubmitAll(link: ClientLink, handles: readonly RequestHandle[], options: WaitOptions): Promise<Map<string, RequestHandle>> {
  let ids: readonly string[];
  try {
    const old = handles.map((handle) => handle.record.msgId);
    ids = await resubmit(link, old, options);
  } catch (error) {
    failAll(handles, error);
    return new Map();
  }
  const missing = new Map(ids.map((id, i) => [id, handles[i] as RequestHandle] as const));
  for (const [id, handle] of missing) {
    handle.record = pendingRecord(id, handle);
    handle.record.state = "sent"; // By the controller.
  }
  return missing;
}

async function fetchAll(link: ClientLink, missing: Map<string, RequestHandle>): Promise<void> {
  try {
    for (let pauseMs = PAUSE_FIRST_MS; missing.size > 0; pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)) {
      await fetchResults(link, [...missing.keys()], missing);
      // Not `ref`: a program that only waits here still has its sockets open.
      if (missing.size > 0) await sleep(pauseMs);
    }
  } catch (error) {
    failAll(missing.values(), error);
  }
}

function failAll(handles: Iterable<RequestHandle>, error: unknown): void {
  for (const handle of handles) {
    handle.record.isOutputComplete = true;
    handle.fail(error instanceof Error ? error : new Error(String(error)));
  }
}

function pendingHandle(id: string): RequestHandle {
  const handle = new RequestHandle(1, false);
  handle.record = pendingRecord(id, handle);
  return handle;
}

function pendingRecord(id: string, token: RequestHandle): RequestRecord<RequestHandle> {
  return new RequestRecord<RequestHandle>({ msgId: msgId(id), kind: "apply", channel: "task", targets: [], submitted: "", label: null, bytes: 0, token });
}

async function fetchResults(link: ClientLink, ids: readonly string[], missing: Map<string, RequestHandle>): Promise<void> {
  const { records, buffers } = await awaitResults(link, ids);
  let values: readonly unknown[];
  try {
    values = unpackValues(buffers);
  } catch (error) {
    // Where one value ends and the next begins is known only to who can read them: one by one, each can fail alone.
    if (records.size > 1) {
      for (const id of records.keys()) await fetchResults(link, [id], missing);
      return;
    }
    values = [];
    for (const [id, found] of records) settleUnreadable(missing, id, found, error, link.directory);
  }
  settleAnswered(records, values, missing, link.directory);
}

/** Values come in the sorted order of the ids, one for each apply that went well (§4.5). */
function settleAnswered(records: ReadonlyMap<string, Dict>, values: readonly unknown[], missing: Map<string, RequestHandle>, engines: EngineDirectory): void {
  let next = 0;
  for (const id of [...records.keys()].sort()) {
    const found = records.get(id) as Dict;
    const reply = replyOf(found);
    const isValue = isApply(reply) && reply.content["status"] === "ok";
    const handle = missing.get(id);
    const value = isValue ? values[next++] : undefined;
    if (handle === undefined) continue;
    missing.delete(id);
    const record = takeRecord(handle, found, reply, engines);
    if (isValue) handle.succeed(value);
    else settleHandle(handle, record, outcomeOf(record, reply, engines) ?? { type: "lost", reason: "the request was resubmitted" });
  }
}

function settleUnreadable(missing: Map<string, RequestHandle>, id: string, found: Dict, error: unknown, engines: EngineDirectory): void {
  const handle = missing.get(id);
  if (handle === undefined) return;
  missing.delete(id);
  takeRecord(handle, found, replyOf(found), engines);
  handle.fail(error instanceof Error ? error : new Error(String(error)));
}

const isApply = (reply: Message): boolean => reply.header.msg_type === "apply_reply";

/** Replaces a handle's provisional record by what the Hub has stored. */
function takeRecord(handle: RequestHandle, found: Dict, reply: Message, engines: EngineDirectory): RequestRecord<RequestHandle> {
  const header = isDict(found["header"]) ? found["header"] : {};
  const metadata = isDict(found["metadata"]) ? found["metadata"] : {};
  const record = new RequestRecord<RequestHandle>({
    msgId: handle.record.msgId,
    kind: isApply(reply) ? "apply" : "execute",
    channel: "task",
    targets: [],
    submitted: textOf(header["date"]),
    label: metadata["label"] ?? null,
    bytes: 0,
    token: handle,
  });
  noteReply(record, reply, parseIsoDate(textOf(found["received"])), engines);
  noteStoredOutput(record, found["io"]);
  record.isOutputComplete = true;
  record.state = reply.content["status"] === "ok" ? "ok" : "failed";
  handle.record = record;
  return record;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
