// Answers to the queries of clients (protocol §4.4 to §4.8), computed from the record keeping and the store. A request
// gives an answer always: its own reply type with the reference's error names for what the client may get wrong, a
// `hub_error` for a request the handler cannot read.

import { InvalidArgumentError, isParallelError, NoData, ParallelError, type Millis } from "../../base/index.ts";
import { errorContent, framesBytes, isDict, type Dict, type Frame, type Header, type Message } from "../../wire/index.ts";
import { compareTexts } from "./query-language.ts";
import type { EngineStatus, TaskRecords } from "./records.ts";
import type { TaskRecord } from "./task-record.ts";
import { BYTES_LEFT_OUT_KEY } from "./task-store.ts";

/** A reply to be built and sent to the client that asked. */
export interface HubAnswer {
  readonly msgType: string;
  readonly content: Dict;
  readonly buffers: readonly Frame[];
  /** Only for a resubmission: requests to hand to the task scheduler's client side; replies to them are discarded. */
  readonly resubmitted?: readonly Message[];
}

/** What queries are answered from. */
export interface QueryContext {
  readonly records: TaskRecords;
  /** The Hub's clock. */
  readonly at: Millis;
  /** Makes a fresh header, of which a resubmitted request takes `msg_id` and `date`. */
  readonly freshHeader: (msgType: string) => Header;
}

/** A failure that the client is to read: the reference's exception name and text. */
class QueryFailure extends ParallelError {
  readonly ename: string;
  readonly evalue: string;

  constructor(ename: string, evalue: string) {
    super("ERR_KERNEL", `${ename}: ${evalue}`);
    this.ename = ename;
    this.evalue = evalue;
  }
}

/** A failure that goes out as `hub_error` instead of the request's own reply type. */
class HubFailure extends QueryFailure {}

type Answer = Omit<HubAnswer, "msgType"> & { readonly content: Dict };
type Handler = (content: Dict, context: QueryContext) => Answer;

const NO_FRAMES: readonly Frame[] = [];
const BUFFER_BYTES_MAX = 1024 ** 3;

const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["queue_request", queueStatus],
  ["load_request", load],
  ["result_request", results],
  ["history_request", history],
  ["db_request", database],
  ["purge_request", purge],
  ["resubmit_request", resubmit],
]);

/** Whether a request type is one that `answerQuery` answers. */
export function isQuery(msgType: string): boolean {
  return HANDLERS.has(msgType);
}

/** The requests for whose end a question wants to wait, if it does and all of them are pending. */
export function awaitedIds({ header, content }: Message, records: TaskRecords): readonly string[] | undefined {
  if (header.msg_type !== "result_request" || content["wait"] !== true) return undefined;
  const ids: unknown = content["msg_ids"];
  const areAwaited = Array.isArray(ids) && ids.length > 0 && ids.every((id) => typeof id === "string" && records.isPending(id));
  return areAwaited ? (ids as readonly string[]) : undefined;
}

/**
 * Answers a query. Never throws on anything a client sent; a store that fails becomes an error reply.
 *
 * @returns `undefined` when the message is not a query of `isQuery`
 */
export function answerQuery(message: Message, context: QueryContext): HubAnswer | undefined {
  const requestType = message.header.msg_type;
  const handler = HANDLERS.get(requestType);
  if (handler === undefined) return undefined;
  const msgType = `${requestType.slice(0, -"_request".length)}_reply`;
  try {
    return { msgType, ...handler(message.content, context) };
  } catch (error) {
    if (error instanceof HubFailure) return { msgType: "hub_error", content: failure(error.ename, error.evalue), buffers: NO_FRAMES };
    return { msgType, content: failureContent(error), buffers: NO_FRAMES };
  }
}

function failureContent(error: unknown): Dict {
  if (error instanceof QueryFailure) return failure(error.ename, error.evalue);
  if (error instanceof NoData) return failure("NoData", error.message);
  // The reference fails on an unknown key or operator with a KeyError.
  if (error instanceof InvalidArgumentError) return failure("KeyError", quoted(error.message));
  if (isParallelError(error) && error.code !== "ERR_INVARIANT") return failure(error.name, error.message);
  throw error;
}

function failure(ename: string, evalue: string): Dict {
  return errorContent({ ename, evalue, traceback: [`${ename}: ${evalue}`] });
}

/** A text as Python shows it: KeyError puts its message in quotes. */
function quoted(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return escaped.includes("'") && !escaped.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}

const keyError = (text: string): QueryFailure => new QueryFailure("KeyError", quoted(text));

// ---- engines

function queueStatus(content: Dict, { records }: QueryContext): Answer {
  const isVerbose = content["verbose"] === true;
  const status = targetsOf(content, records).map((engine) => {
    const lists = { queue: [...engine.queue], completed: isVerbose ? records.completedIds(engine.engine) : [], tasks: [...engine.tasks] };
    return [String(engine.id), isVerbose ? lists : { queue: engine.queue.size, completed: engine.completed, tasks: engine.tasks.size }] as const;
  });
  const unassigned = isVerbose ? [...records.unassigned] : records.unassigned.size;
  return ok({ ...Object.fromEntries(status), unassigned });
}

function load(content: Dict, { records }: QueryContext): Answer {
  return ok(Object.fromEntries(targetsOf(content, records).map((engine) => [String(engine.id), engine.queue.size + engine.tasks.size])));
}

function targetsOf(content: Dict, records: TaskRecords): readonly EngineStatus[] {
  const targets = content["targets"];
  if (targets === undefined) throw new HubFailure("KeyError", "'targets'");
  if (targets === null) return [...records.engines.values()];
  const wanted = Array.isArray(targets) ? targets : [targets];
  if (wanted.length === 0) throw new HubFailure("IndexError", "No Engines Registered");
  const found = wanted.map((target) => records.findEngine(target));
  const missing = wanted.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) throw new HubFailure("IndexError", `No Such Engine: ${pythonList(missing)}`);
  return found.filter((engine) => engine !== undefined);
}

function pythonList(values: readonly unknown[]): string {
  return `[${values.map((value) => (typeof value === "string" ? quoted(value) : JSON.stringify(value))).join(", ")}]`;
}

// ---- results

function results(content: Dict, { records }: QueryContext): Answer {
  const isStatusOnly = content["status_only"] === true;
  const pending: string[] = [];
  const completed: string[] = [];
  const entries: (readonly [string, Dict])[] = [];
  const buffers: Frame[] = [];
  let bytes = 0;
  // The client takes the buffers out in sorted order of the ids, whatever order it asked in.
  for (const id of [...new Set(textList(content, "msg_ids"))].toSorted(compareTexts)) {
    if (records.isPending(id)) {
      pending.push(id);
      continue;
    }
    const record = records.store.get(id);
    if (record === undefined) throw keyError(`No such message: ${id}`);
    if (record.completed === null) {
      pending.push(id);
      continue;
    }
    completed.push(id);
    if (isStatusOnly) continue;
    entries.push([id, resultEntry(record)]);
    bytes += framesBytes(record.result_buffers ?? NO_FRAMES);
    for (const frame of record.result_buffers ?? NO_FRAMES) buffers.push(frame);
    if (bytes > BUFFER_BYTES_MAX)
      throw new QueryFailure("ValueError", `the results asked for are larger than ${BUFFER_BYTES_MAX} bytes; ask for fewer at a time`);
  }
  return { content: { ...Object.fromEntries(entries), status: "ok", pending, completed }, buffers };
}

function resultEntry(record: TaskRecord): Dict {
  return {
    header: record.header ?? {},
    metadata: record.metadata ?? {},
    result_metadata: record.result_metadata ?? {},
    result_header: record.result_header ?? {},
    result_content: resultContent(record),
    received: record.received,
    io: { execute_input: record.execute_input, execute_result: record.execute_result, error: record.error, stdout: record.stdout, stderr: record.stderr },
  };
}

/** A result whose buffers were too large to keep is an error to the client: without them its content cannot be read. */
function resultContent(record: TaskRecord): Dict {
  const content = record.result_content ?? {};
  if (record.result_buffers !== null || content["status"] !== "ok") return content;
  const bytes = record.result_metadata?.[BYTES_LEFT_OUT_KEY];
  return failure(
    "NoData",
    `the result of ${record.msg_id} was not kept: its ${typeof bytes === "number" ? bytes : "?"} bytes exceed what the store keeps of one result; raise the store's bound`,
  );
}

function history(_content: Dict, { records }: QueryContext): Answer {
  return ok({ history: records.store.history() });
}

function database(content: Dict, { records }: QueryContext): Answer {
  const query = content["query"] ?? {};
  if (!isDict(query)) throw new QueryFailure("TypeError", "query must be an object");
  const keys = content["keys"] === undefined || content["keys"] === null ? null : textList(content, "keys");
  const found = records.store.find(query, keys);
  const frames: Frame[] = [];
  const rows = found.map(({ buffers, result_buffers: resultBuffers, ...row }) => {
    for (const frame of buffers ?? NO_FRAMES) frames.push(frame);
    for (const frame of resultBuffers ?? NO_FRAMES) frames.push(frame);
    return row;
  });
  const lens = (key: "buffers" | "result_buffers"): readonly number[] | null =>
    keys?.includes(key) === true ? found.map((row) => row[key]?.length ?? 0) : null;
  return { content: { status: "ok", records: rows, buffer_lens: lens("buffers"), result_buffer_lens: lens("result_buffers") }, buffers: frames };
}

// ---- changes

function purge(content: Dict, { records }: QueryContext): Answer {
  if (content["msg_ids"] === "all") {
    records.store.dropMatching({});
    return ok({});
  }
  const ids = content["msg_ids"] === undefined || content["msg_ids"] === null ? [] : textList(content, "msg_ids");
  const pending = ids.find((id) => records.isPending(id));
  if (pending !== undefined) throw new QueryFailure("IndexError", `msg pending: ${quoted(pending)}`);
  records.store.drop(ids);
  const engineIds = content["engine_ids"] ?? [];
  for (const id of Array.isArray(engineIds) ? engineIds : [engineIds]) {
    const engine = typeof id === "number" ? records.findEngine(id) : undefined;
    if (engine === undefined) throw new QueryFailure("IndexError", `No such engine: ${JSON.stringify(id)}`);
    records.store.dropMatching({ engine_uuid: engine.engine });
  }
  return ok({});
}

function resubmit(content: Dict, context: QueryContext): Answer {
  const { records, at } = context;
  const ids = [...new Set(textList(content, "msg_ids"))];
  const found = ids.map((id) => records.store.get(id));
  const missing = ids.filter((_, index) => (found[index]?.header ?? null) === null);
  if (missing.length > 0) throw keyError(`No such msg(s): ${pythonList(missing)}`);
  const requests = found.filter((record) => record !== undefined).map((record) => resubmission(record, context));
  for (const [index, message] of requests.entries()) {
    // The record is there before the answer, so that the client's first question for the new id finds it.
    records.handle({ type: "taskRequest", at, message });
    records.store.update(ids[index] as string, { resubmitted: message.header.msg_id });
  }
  const renamed = requests.map((message, index) => [ids[index] as string, message.header.msg_id] as const);
  return { content: { status: "ok", resubmitted: Object.fromEntries(renamed) }, buffers: NO_FRAMES, resubmitted: requests };
}

/** The same request with a new id and date. Its metadata stays: targets, retries and label belong to the request. */
function resubmission(record: TaskRecord, { freshHeader }: QueryContext): Message {
  if (record.buffers === null) throw new QueryFailure("NoData", `the request ${record.msg_id} cannot be submitted again: its buffers were not kept`);
  const header = record.header as Header;
  const { msg_id, date } = freshHeader(header.msg_type);
  return {
    idents: [],
    header: { ...header, msg_id, date },
    parentHeader: {},
    metadata: record.metadata ?? {},
    content: record.content ?? {},
    buffers: record.buffers,
  };
}

// ---- shared

function ok(content: Dict): Answer {
  return { content: { ...content, status: "ok" }, buffers: NO_FRAMES };
}

function textList(content: Dict, key: string): readonly string[] {
  const value = content[key];
  const list = typeof value === "string" ? [value] : value;
  if (list === undefined) throw new HubFailure("KeyError", `'${key}'`);
  if (!Array.isArray(list) || !list.every((item) => typeof item === "string")) throw new HubFailure("TypeError", `${key} must be a list of texts`);
  return list;
}
