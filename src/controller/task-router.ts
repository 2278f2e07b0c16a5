// The task channel (protocol §3.4, §7): carries messages between clients, the scheduler machine and engines. Decides
// nothing: it authenticates, reads header and metadata, hands facts to the machine and carries out its orders.
// Content and buffers are never opened.

import { engineUuid, isoMicros, msgId, type Clock, type EngineUuid, type MsgId } from "../base/index.ts";
import { KnownCode, type FoundOutcome, type SchedulerEffect, type SchedulerEvent, type TaskFailure, type TaskScheduler, type Workload } from "../core/index.ts";
import type { BoundSocket } from "../net/index.ts";
import {
  errorContent,
  isHeader,
  isPacked,
  MAJOR_VERSION,
  majorVersion,
  readMsgIds,
  readOrdinal,
  readReplyOutcome,
  readTaskOptions,
  splitFrames,
  unpackMessages,
  type Dict,
  type DrainRequest,
  type Frame,
  type RawMessage,
  type Session,
} from "../wire/index.ts";
import type { CodeTable, KeptCode } from "./code-table.ts";
import type { Drops } from "./drops.ts";
import type { RoutedEngine } from "./hub-link.ts";
import type { IntakeGate } from "./intake-gate.ts";
import type { Monitor } from "./monitor.ts";
import { TaskPayload } from "./task-payload.ts";
import { WakeTimer } from "./wake-timer.ts";

type Payload = TaskPayload | readonly Frame[];
type Event = SchedulerEvent<Payload, Frame>;
type Effect = SchedulerEffect<Payload, Frame>;

/** Sends replies nowhere: the route of a resubmitted task, whose result is read from the store. */
const NO_CLIENT: Frame = new Uint8Array(0);

/** Tasks that one question may be about. */
const ASKED_MAX = 1000;
/** Tasks whose last step is looked for in the scheduler's story, which has to be read from end to end for each. */
const SINCE_TOLD_MAX = 20;

/** What the task channel works with. */
export interface TaskRouterParts {
  readonly clientSide: BoundSocket;
  readonly engineSide: BoundSocket;
  readonly scheduler: TaskScheduler<Payload, Frame>;
  readonly session: Session;
  readonly clock: Clock;
  readonly drops: Drops;
  readonly monitor: Monitor;
  readonly gate: IntakeGate;
  readonly codes: CodeTable;
  /** Asks the task store how these tasks ended; the answer comes by `outcomesFound`. */
  readonly lookup: (msgIds: readonly MsgId[]) => void;
  /** Asks an engine, by the control channel, for tasks it has not started; the answer comes by `recalled`. */
  readonly recall: (engine: EngineUuid, through: number) => void;
}

/** Routes tasks. */
export class TaskRouter {
  readonly #parts: TaskRouterParts;
  readonly #timer: WakeTimer;
  /** Identities of the engines as frames, so that they are encoded once. */
  readonly #identities = new Map<EngineUuid, Frame>();
  /** The scheduler keeps every task with all its code until it has ended. */
  readonly #known = new KnownCode<KeptCode>();
  /** Engines of ours, which are told which attempt a retried task is. */
  readonly #countsAttempts = new Set<EngineUuid>();
  #fromEngines = 0;

  constructor(parts: TaskRouterParts) {
    this.#parts = parts;
    this.#timer = new WakeTimer(parts.clock, (at) => this.#feed({ type: "ticked", at }));
  }

  /** Messages received from engines. */
  get fromEngines(): number {
    return this.#fromEngines;
  }

  /** Starts to receive. */
  start(): void {
    this.#parts.clientSide.receive((frames) => this.#fromClient(frames));
    this.#parts.engineSide.receive((frames) => this.#fromEngine(frames));
  }

  engineJoined({ uuid, canPrefetch, keepsCode }: RoutedEngine): void {
    this.#identities.set(uuid, this.#parts.session.text.encode(uuid));
    if (keepsCode) this.#known.engineJoined(uuid);
    if (canPrefetch || keepsCode) this.#countsAttempts.add(uuid);
    this.#feed({ type: "engineJoined", at: this.#parts.clock.now(), engine: uuid, canPrefetch });
  }

  engineLeft(engine: EngineUuid): void {
    this.#identities.delete(engine);
    this.#countsAttempts.delete(engine);
    this.#known.engineLeft(engine);
    this.#feed({ type: "engineLeft", at: this.#parts.clock.now(), engine });
  }

  /** An engine answered a recall. */
  recalled(engine: EngineUuid, content: Dict): void {
    const through = readOrdinal(content, "through");
    const started = readOrdinal(content, "started");
    if (through === undefined || started === undefined) return this.#parts.drops.count("control.engine", "badRecall");
    this.#known.forget(engine); // It has not read what it gives back.
    this.#feed({ type: "tasksRecalled", at: this.#parts.clock.now(), engine, through, started });
  }

  /** A client asks about tasks, or does not want them any more; gives what is known of each, `undefined` for other questions. */
  asked(msgType: string, content: Dict): Dict | undefined {
    if (msgType !== "cancel_request" && msgType !== "explain_request") return undefined;
    const { scheduler, clock } = this.#parts;
    const ids = readMsgIds(content).map(msgId);
    if (ids.length > ASKED_MAX)
      return errorContent({ ename: "ValueError", evalue: `${ids.length} tasks are asked for; ask for at most ${ASKED_MAX} at a time` });
    if (msgType === "cancel_request") this.#feed({ type: "cancelAsked", at: clock.now(), msgIds: ids });
    const isSinceTold = msgType === "explain_request" && ids.length <= SINCE_TOLD_MAX;
    const tell = (id: MsgId): Dict => ({ ...scheduler.explain(id), ...(isSinceTold ? { since: scheduler.story(id).at(-1)?.at } : {}) });
    return { status: "ok", tasks: Object.fromEntries(ids.map((id) => [id, tell(id)])) };
  }

  /** Engines are to go, or to stay after all. */
  drain({ engines, limitMs, isUndone }: DrainRequest): void {
    const at = this.#parts.clock.now();
    this.#feed(isUndone ? { type: "drainUndone", at, engines } : { type: "drainAsked", at, engines, limitMs });
  }

  /** How much there is to do, and which engines have it. */
  workload(): Workload {
    return this.#parts.scheduler.workload(this.#parts.clock.now());
  }

  /** An engine misses code of a task: all of it, as long as the task has not ended. */
  codeOf(engine: EngineUuid, task: string): readonly Frame[] | undefined {
    this.#known.forget(engine);
    const payload = this.#parts.scheduler.payloadOf(msgId(task));
    return payload === undefined ? undefined : (payload as TaskPayload).codes.map(({ frame }) => frame);
  }

  /** An engine has sent replies by another way than the task channel. */
  heldReplies(engine: Frame, packed: Frame): void {
    const messages = isPacked(packed) ? unpackMessages(packed, [engine]) : undefined;
    if (messages === undefined) return this.#parts.drops.count("control.engine", "badHeldReplies");
    for (const frames of messages) this.#fromEngine(frames);
  }

  outcomesFound(outcomes: readonly FoundOutcome[]): void {
    this.#feed({ type: "outcomesFound", at: this.#parts.clock.now(), outcomes });
  }

  /** Submits a task whose reply nobody waits for: `frames` are delimiter and the rest. */
  resubmit(frames: readonly Frame[]): void {
    const received = [NO_CLIENT, ...frames];
    const raw = splitFrames(received);
    if (raw === undefined) return this.#parts.drops.count("task.hub", "tooFewFrames");
    this.#submit(received, raw, "task.hub");
  }

  /** No more timers. */
  close(): void {
    this.#timer.clear();
  }

  #fromClient(frames: Frame[]): void {
    const opened = this.#parts.session.openOnce(frames);
    if (!opened.ok) return this.#parts.drops.count("task.client", opened.reason);
    if (opened.value.idents.length === 0) return this.#parts.drops.count("task.client", "tooFewIdents");
    this.#submit(frames, opened.value, "task.client");
  }

  #submit(frames: Frame[], raw: RawMessage, origin: string): void {
    const { session, clock, drops } = this.#parts;
    const header = session.unpack(raw.header);
    const metadata = session.unpack(raw.metadata);
    // What no engine would read is refused here: the engine that it was sent to would be held for busy.
    if (header === undefined || metadata === undefined || session.unpack(raw.parentHeader) === undefined || session.unpack(raw.content) === undefined)
      return drops.count(origin, "badJson");
    if (!isHeader(header)) return drops.count(origin, "badHeader");
    if (majorVersion(header) !== MAJOR_VERSION) return drops.count(origin, "badVersion");
    const payload = new TaskPayload(frames, this.#parts.codes.take(raw.buffers));
    const task = { msgId: msgId(header.msg_id), client: raw.idents[0] as Frame, payload, bytes: payload.bytes, options: readTaskOptions(metadata) };
    const wasSent = this.#feed({ type: "taskSubmitted", at: clock.now(), task });
    if (!wasSent) payload.pack();
  }

  #fromEngine(frames: Frame[]): void {
    this.#fromEngines += 1;
    const { session, clock, drops } = this.#parts;
    const opened = session.open(frames);
    if (!opened.ok) return drops.count("task.engine", opened.reason);
    const raw = opened.value;
    const source = raw.idents[0];
    if (source === undefined) return drops.count("task.engine", "tooFewIdents");
    const parent = session.unpack(raw.parentHeader);
    const metadata = session.unpack(raw.metadata);
    if (metadata === undefined) return drops.count("task.engine", "badJson");
    if (!isHeader(parent)) return drops.count("task.engine", "badHeader");
    const outcome = readReplyOutcome(metadata);
    const status = outcome.status ?? this.#contentStatus(raw);
    const engine = engineUuid(session.text.decode(source));
    const reply = { msgId: msgId(parent.msg_id), engine, dependenciesMet: outcome.dependenciesMet, status, payload: frames };
    this.#feed({ type: "taskReplied", at: clock.now(), reply });
  }

  #contentStatus(raw: RawMessage): string {
    const status = this.#parts.session.unpack(raw.content)?.["status"];
    return typeof status === "string" ? status : "error";
  }

  /** Hands one fact to the machine and carries out its orders; true when a task went to an engine. */
  #feed(event: Event): boolean {
    let wasSent = false;
    for (const effect of this.#parts.scheduler.handle(event)) {
      this.#perform(effect);
      if (effect.type === "sendToEngine") wasSent = true;
    }
    return wasSent;
  }

  #perform(effect: Effect): void {
    const { monitor, gate, drops, lookup } = this.#parts;
    switch (effect.type) {
      case "sendToEngine":
        return this.#sendToEngine(effect.engine, effect.payload, effect.attempt);
      case "forwardReply":
        return this.#forwardReply(effect.client, effect.msgId, effect.payload as readonly Frame[]);
      case "replyFailure":
        return this.#replyFailure(effect);
      case "taskQueued":
        return monitor.request("taskRequest", undefined, (effect.payload as TaskPayload).raw);
      case "taskAssigned":
        return monitor.destination(effect.engine, effect.msgId);
      case "taskFinished":
        // The Hub learns it from the reply, which was told when it was sent.
        return;
      case "wakeAt":
        return this.#timer.set(effect.at);
      case "recallTasks":
        return this.#parts.recall(effect.engine, effect.through);
      case "lookupOutcome":
        return lookup(effect.msgIds);
      case "pauseIntake":
        return gate.set("tooManyTasks", true);
      case "resumeIntake":
        return gate.set("tooManyTasks", false);
      case "dropped":
        return drops.count("task.scheduler", effect.reason);
    }
  }

  #sendToEngine(engine: EngineUuid, payload: Payload, attempt: number): void {
    const { session, engineSide } = this.#parts;
    const identity = this.#identities.get(engine) ?? session.text.encode(engine);
    // The socket's own queue has no bound: what it may hold is what the scheduler lets out.
    const task = payload as TaskPayload;
    const frames = [identity, ...task.framesWith(task.codes.length === 0 ? task.codes : this.#known.send(engine, undefined, task.codes))];
    engineSide.send(attempt > 1 && this.#countsAttempts.has(engine) ? session.withMetadata(frames, { attempt }) : frames);
  }

  #forwardReply(client: Frame, id: MsgId, reply: readonly Frame[]): void {
    const { clientSide, drops, monitor } = this.#parts;
    const raw = splitFrames(reply) as RawMessage;
    const engine = raw.idents[0] as Frame;
    monitor.reply("taskReply", engine, id, raw);
    if (client.length === 0) return;
    // [engine][client] D… becomes [client][engine] D…
    const frames = [client, engine, ...reply.slice(raw.idents.length)];
    if (!clientSide.send(frames)) drops.count("task.engine", "queueFull");
  }

  #replyFailure(effect: Effect & { type: "replyFailure" }): void {
    const { clientSide, session, drops, monitor } = this.#parts;
    const request = (effect.request as TaskPayload).raw;
    const engine = effect.engine === null ? undefined : session.text.encode(effect.engine);
    const { failure } = effect;
    const frames = session.build(
      "apply_reply",
      errorContent({ ename: failure.ename, evalue: failure.evalue, traceback: [`${failure.ename}: ${failure.evalue}`] }),
      {
        idents: engine === undefined ? [effect.client] : [effect.client, engine],
        parent: session.unpack(request.header) ?? {},
        metadata: failureMetadata(failure),
      },
    );
    monitor.reply("taskReply", engine, effect.msgId, splitFrames(frames) as RawMessage);
    if (effect.client.length > 0 && !clientSide.send(frames)) drops.count("task.engine", "queueFull");
  }
}

function failureMetadata(failure: TaskFailure): { readonly [key: string]: unknown } {
  if (failure.metadata === null) return {};
  return { status: failure.metadata.status, engine: failure.metadata.engine, date: isoMicros(failure.metadata.at) };
}
