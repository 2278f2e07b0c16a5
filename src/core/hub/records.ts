// The Hub's record keeping (protocol §5.2, §5.4): which requests are pending, where, and what is written to the task
// store about them. Pure: told of observed facts as events, writes through the TaskStore it was given.
//
// A request is pending from its submission to its final reply, and known to the store from then on only: a finished
// request costs no memory here but a count of its engine and a place among the last few completed ids. Where it is:
//   mux        held by one engine from the start, in `queue` of that engine
//   task       `unassigned` until the scheduler names an engine, then in `tasks` of that engine; may move (retry)
//   broadcast  waited for from one engine (plain) or all targets together (coalescing)
// An engine that left keeps its mux and broadcast requests in `#departed` until they are answered after all or
// declared stranded. Tasks of an engine that left are the task scheduler's business: it assigns again or fails them.

import { invariant, isParallelError, msgId, RingQueue, type EngineId, type EngineUuid, type Millis, type MsgId } from "../../base/index.ts";
import { readReplyOutcome, type Message } from "../../wire/index.ts";
import type { MonitorEvent, RecordedOutcome } from "./monitor-events.ts";
import { isReplyType, replyPatch, replyTypeOf, requestRecord, strandedId, strandedPatch, type ReplyType } from "./record-facts.ts";
import type { TaskRecord, TaskRecordPatch } from "./task-record.ts";
import type { TaskStore } from "./task-store.ts";

/** What a live engine has to do and has done. */
export interface EngineStatus {
  readonly id: EngineId;
  readonly engine: EngineUuid;
  /** Mux requests it has not answered. */
  readonly queue: ReadonlySet<MsgId>;
  /** Tasks assigned to it and not finished. */
  readonly tasks: ReadonlySet<MsgId>;
  /** How many requests of mux and task queue it finished; aborted tasks do not count. */
  readonly completed: number;
}

/** Bounds of the record keeping. */
export interface TaskRecordsOptions {
  /** How many ids of completed requests are remembered over all engines, for verbose queue status; default 10,000. */
  readonly completedIdsMax?: number;
}

type Pending =
  | { readonly channel: "mux"; readonly replyType: ReplyType; readonly engine: EngineUuid }
  | { readonly channel: "task"; readonly engine: EngineUuid | null }
  | { readonly channel: "broadcast"; readonly replyType: ReplyType; readonly engines: readonly EngineUuid[] };

interface Holding {
  readonly id: EngineId;
  readonly engine: EngineUuid;
  readonly queue: Set<MsgId>;
  readonly tasks: Set<MsgId>;
  readonly broadcasts: Set<MsgId>;
  completed: number;
}

const COMPLETED_IDS_MAX = 10_000;
const UNASSIGNED: Pending = { channel: "task", engine: null };

/** Keeps account of all requests of one controller. */
export class TaskRecords {
  readonly store: TaskStore;
  readonly #completedIdsMax: number;
  /** Every request without its final reply, and nothing else. */
  readonly #pending = new Map<MsgId, Pending>();
  /** Pending tasks without engine, in order of submission. */
  readonly #unassigned = new Set<MsgId>();
  /** Engines that are registered, by uuid. */
  readonly #live = new Map<EngineUuid, Holding>();
  /** The same engines by id, in order of registration. */
  readonly #byId = new Map<EngineId, Holding>();
  /** Mux and broadcast requests of engines that left, until answered or stranded. */
  readonly #departed = new Map<EngineUuid, Set<MsgId>>();
  readonly #completedIds = new RingQueue<{ readonly engine: EngineUuid; readonly id: MsgId }>();

  constructor(store: TaskStore, options: TaskRecordsOptions = {}) {
    this.store = store;
    this.#completedIdsMax = options.completedIdsMax ?? COMPLETED_IDS_MAX;
  }

  /** Takes note of one fact. Never throws on anything a peer sent. */
  handle(event: MonitorEvent): void {
    switch (event.type) {
      case "muxRequest":
        return this.#muxRequest(event.message, event.engine, event.at);
      case "muxReply":
        return this.#muxReply(event.message, event.at);
      case "taskRequest":
        return this.#taskRequest(event.message, event.at);
      case "taskDestination":
        return this.#taskDestination(event.msgId, event.engine);
      case "taskReply":
        return this.#taskReply(event.message, event.at);
      case "broadcastRequest":
        return this.#broadcastRequest(event.message, event.targets, event.at);
      case "broadcastReply":
        return this.#broadcastReply(event.message, event.at);
      case "iopub":
        return this.#iopub(event.message);
      case "engineJoined":
        return this.#engineJoined(event.id, event.engine);
      case "engineLeft":
        return this.#engineLeft(event.engine);
      case "requestsStranded":
        return this.#requestsStranded(event.engine, event.at);
    }
  }

  /** Live engines in order of registration. */
  get engines(): ReadonlyMap<EngineId, EngineStatus> {
    return this.#byId;
  }

  /** Tasks that no engine has yet, in order of submission. */
  get unassigned(): ReadonlySet<MsgId> {
    return this.#unassigned;
  }

  /** How many requests wait for their final reply. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** A live engine by its id or its uuid. */
  findEngine(target: unknown): EngineStatus | undefined {
    if (typeof target === "number") return this.#byId.get(target as EngineId);
    return typeof target === "string" ? this.#live.get(target as EngineUuid) : undefined;
  }

  /** Whether a request waits for its final reply. */
  isPending(id: string): boolean {
    return this.#pending.has(id as MsgId);
  }

  /** Ids an engine completed lately, oldest first; at most `completedIdsMax` over all engines. */
  completedIds(engine: EngineUuid): readonly MsgId[] {
    return [...this.#completedIds].filter((entry) => entry.engine === engine).map((entry) => entry.id);
  }

  /** What became of requests, from the pending set and then the store. Culled and never seen ones are `unknown`. */
  outcomes(msgIds: readonly MsgId[]): readonly RecordedOutcome[] {
    return msgIds.map((id) => {
      const pending = this.#pending.get(id);
      if (pending !== undefined) return { msgId: id, status: "pending", engine: pending.channel === "broadcast" ? null : pending.engine };
      const record = this.#recordIfKept(id);
      if (record === undefined || record.completed === null) return { msgId: id, status: "unknown", engine: null };
      const engine = record.engine_uuid === null || record.engine_uuid === "" ? null : (record.engine_uuid as EngineUuid);
      return { msgId: id, status: didSucceed(record) ? "ok" : "failed", engine };
    });
  }

  /** Checks every invariant; throws InvariantError. */
  validate(): void {
    for (const [id, pending] of this.#pending) this.#validatePending(id, pending);
    for (const id of this.#unassigned) invariant(this.#pending.get(id) === UNASSIGNED, () => `unassigned task ${id} is not pending without engine`);
    invariant(this.#live.size === this.#byId.size, () => "the engines by uuid and by id differ");
    for (const holding of this.#live.values()) {
      invariant(this.#byId.get(holding.id) === holding, () => `engine ${holding.id} is not found by its id`);
      for (const id of [...holding.queue, ...holding.tasks, ...holding.broadcasts])
        invariant(this.#pending.has(id), () => `engine ${holding.id} holds ${id}, which is not pending`);
    }
    for (const [engine, ids] of this.#departed) {
      invariant(ids.size > 0, () => `engine ${engine} left nothing and is remembered`);
      for (const id of ids) invariant(this.#pending.has(id), () => `engine ${engine} left ${id}, which is not pending`);
    }
    invariant(this.#completedIds.length <= this.#completedIdsMax, () => "too many completed ids are kept");
  }

  #validatePending(id: MsgId, pending: Pending): void {
    if (pending.channel === "mux") {
      const holders = [this.#live.get(pending.engine)?.queue, this.#departed.get(pending.engine)].filter((ids) => ids?.has(id) === true);
      invariant(holders.length === 1, () => `mux request ${id} is held in ${holders.length} places`);
    } else if (pending.channel === "task") {
      invariant((pending.engine === null) === this.#unassigned.has(id), () => `task ${id} is assigned and unassigned`);
      const holding = pending.engine === null ? undefined : this.#live.get(pending.engine);
      for (const other of this.#live.values()) if (other !== holding) invariant(!other.tasks.has(id), () => `task ${id} is held by engine ${other.id} too`);
    } else {
      for (const engine of pending.engines) {
        const isHeld = this.#live.get(engine)?.broadcasts.has(id) === true || this.#departed.get(engine)?.has(id) === true;
        invariant(isHeld, () => `broadcast ${id} is not held by its target ${engine}`);
      }
    }
  }

  // ---- mux

  #muxRequest(message: Message, engine: EngineUuid, at: Millis): void {
    const replyType = replyTypeOf(message.header.msg_type);
    const holding = this.#live.get(engine);
    if (replyType === undefined || holding === undefined) return;
    const id = msgId(message.header.msg_id);
    this.#release(id);
    this.#pending.set(id, { channel: "mux", replyType, engine });
    holding.queue.add(id);
    this.store.add(requestRecord(message, at, "mux", engine));
  }

  #muxReply(message: Message, at: Millis): void {
    const id = parentId(message);
    if (id === undefined || !isReplyType(message.header.msg_type)) return;
    const pending = this.#pending.get(id);
    if (pending?.channel === "mux") {
      this.#release(id);
      this.#countCompleted(pending.engine, id);
    } else if (pending !== undefined || !this.#awaitsLateReply(id)) {
      return;
    }
    this.store.update(id, replyPatch(message, at));
  }

  // ---- task

  #taskRequest(message: Message, at: Millis): void {
    if (replyTypeOf(message.header.msg_type) === undefined) return;
    const id = msgId(message.header.msg_id);
    if (this.#pending.get(id)?.channel === "task") return;
    this.#release(id);
    this.#pending.set(id, UNASSIGNED);
    this.#unassigned.add(id);
    this.store.add(requestRecord(message, at, "task", null));
  }

  #taskDestination(id: MsgId, engine: EngineUuid): void {
    if (this.#pending.get(id)?.channel !== "task") return;
    this.#release(id);
    this.#pending.set(id, { channel: "task", engine });
    this.#live.get(engine)?.tasks.add(id);
    this.store.update(id, { engine_uuid: engine });
  }

  #taskReply(message: Message, at: Millis): void {
    const id = parentId(message);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || pending?.channel !== "task") return;
    this.#release(id);
    const outcome = readReplyOutcome(message.metadata);
    const engine = outcome.engine ?? pending.engine;
    if (engine !== null && outcome.status !== "aborted") this.#countCompleted(engine, id);
    this.store.update(id, replyPatch(message, at));
  }

  // ---- broadcast

  #broadcastRequest(message: Message, targets: readonly EngineUuid[], at: Millis): void {
    const replyType = replyTypeOf(message.header.msg_type);
    const engines = targets.filter((engine) => this.#live.has(engine));
    if (replyType === undefined || engines.length === 0) return;
    if (message.metadata["is_coalescing"] === true) {
      this.#awaitBroadcast(msgId(message.header.msg_id), replyType, engines);
      this.store.add(requestRecord(message, at, "broadcast", null));
      return;
    }
    for (const engine of engines) {
      const id = msgId(`${message.header.msg_id}_${engine}`);
      this.#awaitBroadcast(id, replyType, [engine]);
      // One request for each target, but its buffers are the same for all and are not kept as often as there are engines.
      const own = { ...message, header: { ...message.header, msg_id: id } };
      this.store.add({ ...requestRecord(own, at, "broadcast", engine), buffers: null });
    }
  }

  #awaitBroadcast(id: MsgId, replyType: ReplyType, engines: readonly EngineUuid[]): void {
    this.#release(id);
    this.#pending.set(id, { channel: "broadcast", replyType, engines });
    for (const engine of engines) this.#live.get(engine)?.broadcasts.add(id);
  }

  #broadcastReply(message: Message, at: Millis): void {
    const original = message.metadata["is_coalescing"] === true ? message.metadata["original_msg_id"] : undefined;
    const id = typeof original === "string" && original !== "" ? msgId(original) : parentId(message);
    if (id === undefined) return;
    const pending = this.#pending.get(id);
    if (pending?.channel === "broadcast") this.#release(id);
    else if (pending !== undefined || !this.#awaitsLateReply(id)) return;
    this.store.update(id, replyPatch(message, at));
  }

  // ---- iopub

  #iopub(message: Message): void {
    const parent = parentId(message);
    if (parent === undefined) return;
    const { content } = message;
    if (message.header.msg_type === "stream") {
      const { name, text } = content;
      if ((name === "stdout" || name === "stderr") && typeof text === "string" && text !== "")
        this.store.appendText(this.#outputOwner(parent, message), name, text);
      return;
    }
    const patch = outputPatch(message);
    if (patch !== undefined) this.store.update(this.#outputOwner(parent, message), patch);
  }

  /** Output of a coalesced broadcast names the id of one target, `<id>_<uuid>`, but belongs to the record `<id>`. */
  #outputOwner(parent: MsgId, message: Message): MsgId {
    const suffix = `_${message.header.session}`;
    if (this.#pending.has(parent) || !parent.endsWith(suffix)) return parent;
    const original = msgId(parent.slice(0, -suffix.length));
    return this.#pending.get(original)?.channel === "broadcast" ? original : parent;
  }

  // ---- engines

  #engineJoined(id: EngineId, engine: EngineUuid): void {
    if (this.#live.has(engine) || this.#byId.has(id)) return;
    const holding: Holding = { id, engine, queue: new Set(), tasks: new Set(), broadcasts: new Set(), completed: 0 };
    this.#live.set(engine, holding);
    this.#byId.set(id, holding);
  }

  #engineLeft(engine: EngineUuid): void {
    const holding = this.#live.get(engine);
    if (holding === undefined) return;
    this.#live.delete(engine);
    this.#byId.delete(holding.id);
    const left = this.#departed.get(engine) ?? new Set<MsgId>();
    for (const id of [...holding.queue, ...holding.broadcasts]) left.add(id);
    if (left.size > 0) this.#departed.set(engine, left);
  }

  #requestsStranded(engine: EngineUuid, at: Millis): void {
    for (const id of this.#departed.get(engine) ?? []) {
      const pending = this.#pending.get(id);
      if (pending === undefined || pending.channel === "task") continue;
      // A coalesced broadcast that lost one of its engines is not answered as a whole any more.
      this.#release(id);
      this.store.update(id, strandedPatch(id, pending.replyType, engine, at));
    }
  }

  // ---- shared

  /** Forgets where a request is, if it is anywhere. */
  #release(id: MsgId): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (pending.channel === "task") {
      if (pending.engine === null) this.#unassigned.delete(id);
      else this.#live.get(pending.engine)?.tasks.delete(id);
      return;
    }
    for (const engine of pending.channel === "mux" ? [pending.engine] : pending.engines) {
      this.#live.get(engine)?.queue.delete(id);
      this.#live.get(engine)?.broadcasts.delete(id);
      const left = this.#departed.get(engine);
      if (left?.delete(id) === true && left.size === 0) this.#departed.delete(engine);
    }
  }

  #countCompleted(engine: EngineUuid, id: MsgId): void {
    const holding = this.#live.get(engine);
    if (holding === undefined) return;
    holding.completed += 1;
    this.#completedIds.push({ engine, id });
    if (this.#completedIds.length > this.#completedIdsMax) this.#completedIds.shift();
  }

  /**
   * Whether a reply to a request that is not pending tells something new: the request was given up as stranded, or was
   * submitted before this controller was restarted. Every other late or repeated reply changes nothing.
   */
  #awaitsLateReply(id: MsgId): boolean {
    const record = this.#recordIfKept(id);
    if (record === undefined || record.header === null) return false;
    return record.completed === null || record.result_header?.["msg_id"] === strandedId(id);
  }

  #recordIfKept(id: MsgId): TaskRecord | undefined {
    try {
      return this.store.get(id);
    } catch (error) {
      // Culled, no store, or a store that fails: to those who ask, the request is not known. The store's owner hears
      // of a failing store from `flush`.
      if (isParallelError(error)) return undefined;
      throw error;
    }
  }
}

function parentId(message: Message): MsgId | undefined {
  const id = message.parentHeader["msg_id"];
  return typeof id === "string" ? msgId(id) : undefined;
}

function didSucceed(record: TaskRecord): boolean {
  const status = readReplyOutcome(record.result_metadata ?? {}).status ?? record.result_content?.["status"];
  return status === "ok";
}

function outputPatch(message: Message): TaskRecordPatch | undefined {
  const { content } = message;
  switch (message.header.msg_type) {
    case "execute_input":
      return typeof content["code"] === "string" ? { execute_input: content["code"] } : undefined;
    case "execute_result":
      return { execute_result: content };
    case "error":
      return { error: content };
    default:
      return undefined;
  }
}
