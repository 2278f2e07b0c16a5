// The Hub's shell: the registration channel with its queries, the notification and heartbeat channels, the books and
// the task store. It runs beside the router, usually in a thread of its own, so that nothing it does delays routing.
//
// A query is answered after the router has posted what it routed before (`sync`): who was given a result may ask for
// it at once and find it.

import { isParallelError, RingQueue, type Clock, type EngineId, type Millis } from "../base/index.ts";
import {
  answerQuery,
  awaitedIds,
  isQuery,
  ParkedQuestions,
  TaskRecords,
  type EngineTable,
  type HeartConfig,
  type RegistrationConfig,
  type TaskStore,
} from "../core/index.ts";
import type { Logger } from "../log/index.ts";
import type { BoundSocket, Transport } from "../net/index.ts";
import {
  errorContent,
  HUB_REPLIES,
  isHubRequestType,
  readRegistrationRequest,
  readSchedulerArgs,
  readUnregistrationId,
  readUnregistrationUuid,
  type Dict,
  type Frame,
  type Message,
  type Session,
  CONTROL_OFFER,
  PACKING_OFFER,
} from "../wire/index.ts";
import type { Dask } from "./dask.ts";
import { Drops } from "./drops.ts";
import { EngineTableFile } from "./engine-table.ts";
import type { HubEnd, HubPorts, HubStats, ToHub } from "./hub-link.ts";
import { endedEngine, readMonitorEvents } from "./monitor-reader.ts";
import { Registry } from "./registry.ts";

/** What a Hub is made of. */
export interface HubParts {
  readonly transport: Transport;
  readonly link: HubEnd;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: TaskStore;
  /** `tcp://127.0.0.1` */
  readonly interface: string;
  readonly ports: HubPorts;
  readonly hearts: HeartConfig;
  readonly registration: RegistrationConfig;
  /** Where the engine table is kept. */
  readonly tableFile: string;
  /** Engines of an earlier run to take over. */
  readonly restored: EngineTable | undefined;
  readonly dask: Dask;
}

interface HubSockets {
  readonly registration: BoundSocket;
  readonly notification: BoundSocket;
  readonly ping: BoundSocket;
  readonly pong: BoundSocket;
}

/** Queries that may wait; a client that sends more is answered with an error. */
const QUERIES_WAITING_MAX = 10_000;
/** How often what the store has batched is written out at least. */
const STORE_FLUSH_MS = 500;
/** A pong is an identity and a short text; a peer that sends more is disconnected. */
const PONG_BYTES_MAX = 1024;

/** Binds a Hub's sockets; peers are answered only after the router's `open`. */
export async function openHub(parts: HubParts): Promise<Hub> {
  const { transport, ports } = parts;
  const at = (port: number): { interface: string; port: number } => ({ interface: parts.interface, port });
  return new Hub(parts, {
    registration: await transport.bind("router", at(ports.registration)),
    notification: await transport.bind("pub", at(ports.notification)),
    ping: await transport.bind("pub", at(ports.hb_ping)),
    pong: await transport.bind("router", at(ports.hb_pong), { frameBytesMax: PONG_BYTES_MAX }),
  });
}

/** Keeps the books of one controller. */
export class Hub {
  readonly #parts: HubParts;
  readonly #sockets: HubSockets;
  readonly #drops: Drops;
  readonly #records: TaskRecords;
  readonly #registry: Registry;
  /** Queries that wait for `synced`, in the order of their numbers. */
  readonly #waiting = new Map<number, Message>();
  readonly #strandedTimers = new Set<NodeJS.Timeout>();
  /** Queries that may be answered now, one in each turn of the event loop: between two, hearts and `close` are heard. */
  readonly #ready = new RingQueue<{ readonly message: Message; readonly mayWait: boolean }>();
  /** Questions for results that are not there yet. */
  readonly #parked = new ParkedQuestions<Message>();
  #answering: NodeJS.Immediate | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #syncNumber = 0;
  #answered = 0;
  #hasStoreFailed = false;
  #isClosed = false;

  constructor(parts: HubParts, sockets: HubSockets) {
    const { link, session, clock, logger } = parts;
    this.#parts = parts;
    this.#sockets = sockets;
    this.#drops = new Drops(logger);
    this.#records = new TaskRecords(parts.store);
    const table = new EngineTableFile(parts.tableFile, logger);
    this.#registry = new Registry({ ...sockets, link, session, clock, logger, drops: this.#drops, hearts: parts.hearts, config: parts.registration, table });
  }

  /** The ports that were bound. */
  get ports(): HubPorts {
    const { registration, notification, ping, pong } = this.#sockets;
    return { registration: registration.port, notification: notification.port, hb_ping: ping.port, hb_pong: pong.port };
  }

  /** What was counted. */
  get stats(): HubStats {
    return {
      engines: this.#registry.engines.length,
      pendingRegistrations: this.#registry.pendingCount,
      pendingRequests: this.#records.pendingCount,
      answered: this.#answered,
      dropped: this.#drops.counts,
    };
  }

  /** Takes a word of the router; `close` is for whoever runs the Hub. */
  handle(message: Exclude<ToHub, { readonly type: "close" }>): void {
    const at = this.#parts.clock.now();
    switch (message.type) {
      case "open":
        this.#registry.start(message.engineConnection, this.#parts.restored);
        this.#sockets.registration.receive((frames) => this.#requested(frames));
        this.#flushTimer = setInterval(() => {
          this.#flushStore();
          this.#releaseParked();
        }, STORE_FLUSH_MS);
        return;
      case "monitor":
        return this.#monitored(message.batch);
      case "synced":
        return this.#synced(message.number);
      case "engineAdmitted":
        return this.#admitted(message.id, at);
      case "engineExpelled":
        return this.#expelled(message.id, at);
      case "lookup":
        return this.#parts.link.post({ type: "outcomes", number: message.number, outcomes: this.#records.outcomes(message.msgIds) });
      case "statsWanted":
        return this.#parts.link.post({ type: "stats", number: message.number, stats: this.stats });
    }
  }

  #monitored(batch: Uint8Array): void {
    for (const event of readMonitorEvents(batch, this.#parts.session)) {
      const ended = endedEngine(event);
      if (ended !== undefined) this.#registry.handle({ type: "engineEnded", at: event.at, uuid: ended, cause: "it was shut down" });
      else this.#guardStore(() => this.#records.handle(event));
    }
    this.#parts.link.post({ type: "credit", bytes: batch.length });
    this.#releaseParked();
  }

  #admitted(id: EngineId, at: Millis): void {
    this.#registry.handle({ type: "engineAdmitted", at, id });
    const engine = this.#registry.find(id);
    if (engine !== undefined) this.#records.handle({ type: "engineJoined", at, id, engine: engine.uuid });
  }

  #expelled(id: EngineId, at: Millis): void {
    const uuid = this.#records.engines.get(id)?.engine;
    this.#registry.handle({ type: "engineExpelled", at, id });
    if (uuid === undefined) return;
    this.#records.handle({ type: "engineLeft", at, engine: uuid });
    const timer = setTimeout(() => {
      this.#strandedTimers.delete(timer);
      this.#guardStore(() => this.#records.handle({ type: "requestsStranded", at: this.#parts.clock.now(), engine: uuid }));
    }, this.#parts.registration.registrationTimeoutMs);
    this.#strandedTimers.add(timer);
  }

  #requested(frames: Frame[]): void {
    const parsed = this.#parts.session.parse(frames);
    if (!parsed.ok) return this.#drops.count("registration", parsed.reason);
    const message = parsed.value;
    if (message.idents.length === 0) return this.#drops.count("registration", "tooFewIdents");
    const type = message.header.msg_type;
    if (!isHubRequestType(type)) return this.#fail(message, "hub_error", "KeyError", `"Bad Message Type: '${type}'"`);
    const at = this.#parts.clock.now();
    switch (type) {
      case "connection_request":
        return this.#reply(message, "connection_reply", this.#connection());
      case "registration_request": {
        const request = readRegistrationRequest(message.content);
        return this.#registry.handle({ type: "registrationRequested", at, peer: message.idents, ...request });
      }
      case "unregistration_request": {
        const id = readUnregistrationId(message.content);
        const uuid = readUnregistrationUuid(message.content);
        if (id === undefined && uuid !== undefined) return this.#registry.handle({ type: "engineEnded", at, uuid, cause: "asked to" });
        if (id === undefined) return this.#drops.count("registration", "badContent");
        return this.#registry.handle({ type: "unregistrationRequested", at, id });
      }
      case "shutdown_request":
        // One that was meant for an engine says whether to restart; here it is somebody's recording.
        if ("restart" in message.content) return this.#drops.count("registration", "badContent");
        return this.#shutdown(message);
      case "become_dask_request":
      case "stop_distributed_request":
        // Answered when the scheduler is there or gone; a failure is an answer too.
        return void this.#answerDask(message, type);
      case "queue_request":
      case "load_request":
      case "result_request":
      case "history_request":
      case "db_request":
      case "purge_request":
      case "resubmit_request":
        return this.#await(message);
    }
  }

  #connection(): Dict {
    const { engines } = this.#registry;
    return {
      status: "ok",
      engines: Object.fromEntries(engines.map((engine) => [String(engine.id), engine.uuid])),
      properties: Object.fromEntries(engines.map((engine) => [String(engine.id), engine.properties])),
      ...PACKING_OFFER,
      ...CONTROL_OFFER,
    };
  }

  #shutdown(message: Message): void {
    this.#parts.logger.info("shutdown requested by a client");
    this.#reply(message, HUB_REPLIES.shutdown_request, { status: "ok" });
    this.#registry.publish("shutdown_notification", { status: "ok" }, message.header);
    this.#parts.link.post({ type: "shutdown" });
  }

  async #answerDask(message: Message, type: "become_dask_request" | "stop_distributed_request"): Promise<void> {
    const { dask } = this.#parts;
    let content: Dict;
    try {
      if (type === "stop_distributed_request") await dask.stop();
      const address = type === "become_dask_request" ? await dask.become(readSchedulerArgs(message.content)) : {};
      content = { status: "ok", ...address };
    } catch (error) {
      content = failureContent("RuntimeError", error instanceof Error ? error.message : String(error));
    }
    if (!this.#isClosed) this.#reply(message, HUB_REPLIES[type], content);
  }

  /** Answers a query as soon as the router has told everything it routed before. */
  #await(message: Message): void {
    if (this.#waiting.size + this.#ready.length >= QUERIES_WAITING_MAX)
      return this.#fail(message, "hub_error", "RuntimeError", `${QUERIES_WAITING_MAX} queries are waiting; ask again later`);
    this.#syncNumber += 1;
    this.#waiting.set(this.#syncNumber, message);
    this.#parts.link.post({ type: "sync", number: this.#syncNumber });
  }

  #synced(number: number): void {
    const message = this.#waiting.get(number);
    if (message === undefined) return;
    this.#waiting.delete(number);
    this.#makeReady(message, true);
  }

  #makeReady(message: Message, mayWait: boolean): void {
    this.#ready.push({ message, mayWait });
    this.#answering ??= setImmediate(() => this.#answerNext());
  }

  #answerNext(): void {
    const next = this.#ready.shift();
    this.#answering = this.#ready.length === 0 ? undefined : setImmediate(() => this.#answerNext());
    if (next === undefined || !isQuery(next.message.header.msg_type)) return;
    const ids = next.mayWait ? awaitedIds(next.message, this.#records) : undefined;
    if (ids === undefined || !this.#parked.park(next.message, ids, this.#parts.clock.now())) this.#answer(next.message);
  }

  /** Lets questions be answered whose waiting is over. */
  #releaseParked(): void {
    for (const message of this.#parked.release((id) => this.#records.isPending(id), this.#parts.clock.now())) this.#makeReady(message, false);
  }

  #answer(message: Message): void {
    const { session, clock, link } = this.#parts;
    const answer = answerQuery(message, { records: this.#records, at: clock.now(), freshHeader: (msgType) => session.header(msgType) });
    if (answer === undefined) return;
    for (const request of answer.resubmitted ?? []) link.post({ type: "submit", frames: session.rebuild(request) });
    this.#reply(message, answer.msgType, answer.content, answer.buffers);
  }

  #fail(request: Message, msgType: string, ename: string, evalue: string): void {
    this.#reply(request, msgType, failureContent(ename, evalue));
  }

  #reply(request: Message, msgType: string, content: Dict, buffers: readonly Frame[] = []): void {
    const { session, logger } = this.#parts;
    this.#answered += 1;
    logger.debug("answered", { type: request.header.msg_type, status: content["status"] });
    const frames = session.build(msgType, content, { idents: request.idents, parent: request.header, buffers });
    if (!this.#sockets.registration.send(frames)) this.#drops.count("registration", "queueFull");
  }

  #flushStore(): void {
    if (!this.#guardStore(() => this.#parts.store.flush()) || !this.#hasStoreFailed) return;
    this.#hasStoreFailed = false;
    this.#parts.logger.info("the task store works again");
  }

  /** A store that fails must not take the cluster with it: said once, until a flush shows that it works again. */
  #guardStore(act: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      if (!isParallelError(error) || error.code === "ERR_INVARIANT") throw error;
      if (!this.#hasStoreFailed) this.#parts.logger.error("the task store failed; tasks go on, their records may be lost", { cause: error });
      this.#hasStoreFailed = true;
      return false;
    }
  }

  /** Stops timers and writes out; the sockets belong to the transport, the store to whoever opened it. */
  close(): void {
    this.#isClosed = true;
    this.#parts.dask.close();
    clearInterval(this.#flushTimer);
    clearImmediate(this.#answering);
    this.#ready.clear();
    for (const timer of this.#strandedTimers) clearTimeout(timer);
    this.#registry.close();
    this.#drops.logSummary();
  }
}

function failureContent(ename: string, evalue: string): Dict {
  return errorContent({ ename, evalue, traceback: [`${ename}: ${evalue}`] });
}
