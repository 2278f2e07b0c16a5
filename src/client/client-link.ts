// The shell around the client's machine: seven sockets, one session. It decodes what arrives, feeds the machine,
// performs its effects, and has no policy of its own.

import { ClosedError, EngineError, msgId, ProtocolError, type Clock, type EngineUuid } from "../base/index.ts";
import {
  ClientMachine,
  RequestRecord,
  type AnswerOutcome,
  type ClientEffect,
  type ClientEvent,
  type EngineDirectory,
  type EngineFacts,
  type RequestChannel,
  type WindowLimits,
} from "../core/index.ts";
import type { Logger } from "../log/index.ts";
import { SYSTEM_CLOCK, type MessageSocket, type SocketOptions, type Transport } from "../net/index.ts";
import { framesBytes, offersPacking, type ClientConnectionInfo, type Dict, type DropReason, type Frame, type Message, type Session } from "../wire/index.ts";
import { notePublishedData, settleHandle } from "./decode.ts";
import { Emitter } from "./emitter.ts";
import { IopubFilter } from "./iopub-filter.ts";
import { readEngine, readListing } from "./listing.ts";
import { Outlet } from "./outlet.ts";
import { RequestHandle, type Transmission } from "./request-handle.ts";
import { askToCount, hasLargeFrame, type Submission } from "./submission.ts";
import { waitFor, type WaitOptions } from "./wait-for.ts";

/** What a link is made of. */
export interface LinkParts {
  readonly transport: Transport;
  readonly session: Session;
  readonly info: ClientConnectionInfo;
  /** Where to connect, `info.interface` with its wildcard resolved. */
  readonly interface: string;
  readonly logger: Logger;
  readonly window?: WindowLimits | undefined;
  readonly clock?: Clock | undefined;
  /** Hears of each refusal of the connection to the Hub. */
  readonly onRefused?: SocketOptions["onRefused"];
}

/** What a link tells. */
export interface LinkEvents {
  readonly engineJoined: EngineFacts;
  readonly engineLeft: EngineFacts;
  /** Everything is over; the reason. */
  readonly closed: string;
  /** A request ended. */
  readonly settled: RequestHandle;
}

type Asker = (outcome: AnswerOutcome) => void;
type Effects = readonly ClientEffect<RequestHandle, Asker>[];

const MESSAGE_OVERHEAD_BYTES = 512;
const NO_CONTENT: Dict = {};
const SHELL_CHANNELS = ["mux", "task", "broadcast"] as const;

/** Sockets and machine of one client. */
export class ClientLink {
  readonly events: Emitter<LinkEvents> = new Emitter<LinkEvents>();
  readonly session: Session;
  readonly #machine: ClientMachine<RequestHandle, Asker>;
  readonly #transport: Transport;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #filter: IopubFilter;
  readonly #outlets: Readonly<Record<RequestChannel | "registration" | "control", Outlet>>;
  readonly #subscriptions: readonly MessageSocket[];
  readonly #identities = new Map<EngineUuid, Frame>();
  readonly #dropped = new Map<DropReason, number>();
  #inFlight = 0;
  #closing: Promise<void> | undefined;
  /** While we shut the Hub down ourselves, its notification does not close us before its reply is there. */
  holdsShutdown = false;

  constructor(parts: LinkParts) {
    this.session = parts.session;
    this.#machine = new ClientMachine(parts.window);
    this.#transport = parts.transport;
    this.#logger = parts.logger;
    this.#clock = parts.clock ?? SYSTEM_CLOCK;
    this.#filter = new IopubFilter(parts.session.sessionId);
    const url = (port: number): string[] => [`${parts.interface}:${port}`];
    const { info, transport } = parts;
    const subscribe = (port: number, onMessage: (frames: Frame[]) => void): MessageSocket => {
      const socket = transport.connect("sub", url(port));
      socket.receive(onMessage);
      return socket;
    };
    this.#subscriptions = [subscribe(info.notification, (frames) => this.#onNotification(frames)), subscribe(info.iopub, (frames) => this.#onIopub(frames))];
    const open = (port: number, onMessage: (frames: Frame[]) => void, options?: SocketOptions): Outlet => {
      const socket = transport.connect("dealer", url(port), options);
      socket.receive(onMessage);
      return new Outlet(socket);
    };
    const onReply = (frames: Frame[]): void => this.#onReply(frames);
    const onAnswer = (frames: Frame[]): void => this.#onAnswer(frames);
    this.#outlets = {
      mux: open(info.mux, onReply),
      task: open(info.task, onReply),
      broadcast: open(info.broadcast, onReply),
      control: open(info.control, onAnswer),
      registration: open(info.registration, onAnswer, parts.onRefused === undefined ? {} : { onRefused: parts.onRefused }),
    };
  }

  /** Engines known now, by id. */
  get directory(): EngineDirectory {
    return this.#machine.directory;
  }

  /** Requests without a reply, by message id, in the order of submission. */
  get outstanding(): ReadonlyMap<string, RequestRecord<RequestHandle>> {
    return this.#machine.outstanding;
  }

  /** What is under way and what waits. */
  get window(): ClientMachine<RequestHandle, Asker>["window"] {
    return this.#machine.window;
  }

  /** Messages dropped so far, by reason. */
  get dropped(): Readonly<Record<string, number>> {
    return { ...Object.fromEntries(this.#dropped), ...this.#machine.counters };
  }

  /** Reason of the first message that was dropped. */
  get firstDrop(): DropReason | undefined {
    return this.#dropped.keys().next().value;
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Throws when the client is closed. */
  assertOpen(): void {
    if (this.isClosed) throw new ClosedError("the client is closed; connect a new one");
  }

  /** Submits one request. */
  submit(submission: Submission): RequestHandle {
    this.assertOpen();
    const header = this.session.header(submission.kind === "apply" ? "apply_request" : "execute_request");
    const handle = this.#makeHandle(submission, header.msg_id, submission.targets, {
      msgType: header.msg_type,
      header,
      content: submission.content,
      metadata: askToCount(submission),
      idents: submission.channel === "mux" ? [this.#identity(submission.targets[0] as EngineUuid)] : [],
      buffers: submission.buffers,
    });
    this.#feed({ type: "submitted", requests: [handle.record] });
    return handle;
  }

  /** Submits one broadcast whose engines answer one by one: a handle for each target. */
  submitPlainBroadcast(submission: Submission): RequestHandle[] {
    this.assertOpen();
    const header = this.session.header(submission.kind === "apply" ? "apply_request" : "execute_request");
    const transmission: Transmission = {
      msgType: header.msg_type,
      header,
      content: submission.content,
      metadata: askToCount(submission),
      idents: [],
      buffers: submission.buffers,
    };
    const handles = submission.targets.map((uuid) => this.#makeHandle(submission, `${header.msg_id}_${uuid}`, [uuid], transmission));
    this.#feed({ type: "submitted", requests: handles.map((handle) => handle.record) });
    return handles;
  }

  #makeHandle(submission: Submission, id: string, targets: readonly EngineUuid[], transmission: Transmission): RequestHandle {
    const { buffers } = submission;
    const isLarge = hasLargeFrame(buffers);
    if (isLarge) this.#inFlight += 1;
    const handle = new RequestHandle(submission.itemCount ?? 1, isLarge, transmission);
    handle.reading = submission.reading;
    handle.record = new RequestRecord<RequestHandle>({
      msgId: msgId(id),
      kind: submission.kind,
      channel: submission.channel,
      targets,
      submitted: transmission.header.date,
      label: submission.label,
      bytes: framesBytes(buffers) + MESSAGE_OVERHEAD_BYTES,
      token: handle,
    });
    return handle;
  }

  #identity(uuid: EngineUuid): Frame {
    let identity = this.#identities.get(uuid);
    if (identity === undefined) {
      identity = this.session.text.encode(uuid);
      this.#identities.set(uuid, identity);
    }
    return identity;
  }

  /** Adds to what is known of an engine. */
  describeEngine(uuid: EngineUuid, properties: Dict): void {
    this.#feed({ type: "engineDescribed", uuid, properties });
  }

  /** Ends requests that still wait in this client with TaskAborted; others are the engines' to abort. */
  abortWaiting(ids: readonly string[]): void {
    this.#feed({ type: "aborted", msgIds: ids.map(msgId) });
  }

  /** Asks the Hub and waits for its answer, whatever its status. */
  askHub(msgType: string, content: Dict, options: WaitOptions): Promise<Message> {
    return this.#ask("registration", msgType, content, options);
  }

  /** Asks an engine on its control channel and waits for its answer, whatever its status. */
  askEngine(engine: EngineFacts, msgType: string, content: Dict, options: WaitOptions): Promise<Message> {
    return this.#ask("control", msgType, content, options, engine);
  }

  async #ask(channel: "registration" | "control", msgType: string, content: Dict, options: WaitOptions, engine?: EngineFacts): Promise<Message> {
    this.assertOpen();
    const header = this.session.header(msgType);
    const id = msgId(header.msg_id);
    if (msgType === "connection_request") this.#feed({ type: "listingAsked", msgId: id });
    const whom = engine === undefined ? "the controller" : `engine ${engine.id}`;
    const outcome = await waitFor<AnswerOutcome>(
      (resolve) => {
        this.#feed({ type: "asked", msgId: id, asker: resolve, ...(engine === undefined ? {} : { engine: engine.uuid }) });
        const idents = engine === undefined ? [] : [this.#identity(engine.uuid)];
        this.#outlets[channel].send(this.session.build(msgType, content, { header, idents }));
        return () => this.#feed({ type: "abandoned", msgId: id });
      },
      options,
      () => `${whom} did not answer the ${msgType} within ${options.timeoutMs} ms`,
    );
    switch (outcome.type) {
      case "answer":
        return outcome.message;
      case "engineLeft":
        throw new EngineError(`engine ${outcome.engine.id} left before it answered the ${msgType}`);
      case "lost":
        throw new ClosedError(`${outcome.reason}; the ${msgType} was not answered`);
    }
  }

  /** Asks the Hub for all engines and brings the directory up to date. */
  async listEngines(options: WaitOptions): Promise<void> {
    const message = await this.askHub("connection_request", NO_CONTENT, options);
    const id = message.parentHeader["msg_id"];
    const engines = readListing(message.content);
    if (engines === undefined) throw new ProtocolError("the controller answered the connection_request without a list of engines");
    if (offersPacking(message.content)) for (const channel of SHELL_CHANNELS) this.#outlets[channel].socket.startPacking();
    this.#feed({ type: "listed", msgId: msgId(String(id)), engines });
  }

  /** Ends everything; outstanding requests fail with `reason`. Idempotent. */
  close(reason = "the client was closed"): Promise<void> {
    this.#closing ??= this.#closeOnce(reason);
    return this.#closing;
  }

  async #closeOnce(reason: string): Promise<void> {
    this.#perform(this.#machine.handle({ type: "closed", reason }));
    await Promise.all([...Object.values(this.#outlets).map((outlet) => outlet.close()), ...this.#subscriptions.map((socket) => socket.close())]);
    await this.#transport.close();
    this.events.emit("closed", reason);
  }

  #feed(event: ClientEvent<RequestHandle, Asker>): void {
    this.#perform(this.#machine.handle(event));
  }

  #perform(effects: Effects): void {
    for (const effect of effects) {
      switch (effect.type) {
        case "send":
          this.#send(effect.request);
          break;
        case "settle":
          this.#settle(effect.request, effect.outcome);
          break;
        case "outputChanged":
          this.#noteDelivered(effect.request.token);
          if (effect.change === "data") notePublishedData(effect.request, effect.message);
          effect.request.token.noteOutput(effect.change, effect.message);
          break;
        case "outputCompleted":
          effect.request.token.noteOutputComplete();
          break;
        case "answer":
          effect.asker(effect.outcome);
          break;
        case "engineJoined":
          this.events.emit("engineJoined", effect.engine);
          break;
        case "engineLeft":
          this.#identities.delete(effect.engine.uuid);
          this.events.emit("engineLeft", effect.engine);
          break;
      }
    }
  }

  #send(request: RequestRecord<RequestHandle>): void {
    const { transmission } = request.token;
    if (transmission === undefined) return;
    request.token.transmission = undefined;
    const { msgType, content, header, idents, metadata, buffers } = transmission;
    this.#outlets[request.channel].send(this.session.build(msgType, content, { header, idents, metadata, buffers }));
  }

  #settle(request: RequestRecord<RequestHandle>, outcome: Parameters<typeof settleHandle>[2]): void {
    const handle = request.token;
    if (handle.isInFlight) this.#inFlight -= 1;
    settleHandle(handle, request, outcome);
    this.events.emit("settled", handle);
  }

  #noteDelivered(handle: RequestHandle): void {
    if (!handle.isInFlight) return;
    this.#inFlight -= 1;
    handle.noteDelivered();
  }

  #onReply(frames: Frame[]): void {
    const message = this.#parse(frames, "reply");
    if (message !== undefined) this.#feed({ type: "replied", message, at: this.#clock.now() });
  }

  #onAnswer(frames: Frame[]): void {
    const message = this.#parse(frames, "answer");
    if (message !== undefined) this.#feed({ type: "answered", message });
  }

  #onIopub(frames: Frame[]): void {
    const id = this.#filter.findRequest(frames);
    if (id === undefined || !this.#machine.awaitsOutput(id)) return;
    // `busy` matters only while somebody's buffers are under way.
    if (this.#inFlight === 0 && this.#filter.isBusy(frames)) return;
    const message = this.#parse(frames, "iopub");
    if (message !== undefined && message.parentHeader["session"] === this.session.sessionId) this.#feed({ type: "published", message });
  }

  #onNotification(frames: Frame[]): void {
    const message = this.#parse(frames, "notification");
    if (message === undefined) return;
    const { content } = message;
    const engine = readEngine(content);
    switch (message.header.msg_type) {
      case "registration_notification":
        if (engine !== undefined) this.#feed({ type: "engineJoined", engine });
        return;
      case "unregistration_notification":
        if (engine !== undefined) this.#feed({ type: "engineLeft", uuid: engine.uuid });
        return;
      case "shutdown_notification":
        // The sockets are closed behind; nobody waits for it here.
        if (!this.holdsShutdown) void this.close("the controller was shut down");
        return;
    }
  }

  #parse(frames: Frame[], channel: string): Message | undefined {
    const parsed = this.session.parse(frames);
    if (parsed.ok) return parsed.value;
    const count = (this.#dropped.get(parsed.reason) ?? 0) + 1;
    this.#dropped.set(parsed.reason, count);
    if (count === 1) this.#logger.warn("dropped a message", { channel, reason: parsed.reason });
    return undefined;
  }
}
