// The shell around the client's machine: it decodes what arrives, feeds the machine, performs its effects, and has no
// policy of its own. Its sockets are the connection's, and whether there is a controller behind them is the life's.

import { ClosedError, ControllerLostError, engineUuid, msgId, ProtocolError, type Clock, type EngineUuid, type MsgId } from "../base/index.ts";
import {
  ClientMachine,
  type RequestChannel,
  type RequestRecord,
  type AnswerOutcome,
  type ClientEffect,
  type ClientEvent,
  type EngineDirectory,
  type EngineFacts,
} from "../core/client/index.ts";
import { SYSTEM_CLOCK } from "../net/index.ts";
import { CONTROLLER_IDENTITY, offersControl, offersPacking, type Dict, type DropReason, type Frame, type Message, type Session } from "../wire/index.ts";
import { answerOf, notePublishedData, settleHandle } from "./decode.ts";
import { Emitter } from "./emitter.ts";
import { IopubFilter } from "./iopub-filter.ts";
import { LinkLife } from "./link-life.ts";
import type { LinkEvents, LinkParts } from "./link-types.ts";
import { readEngine, readListing } from "./listing.ts";
import { MessageReader } from "./message-reader.ts";
import type { RequestHandle } from "./request-handle.ts";
import { resumeOutstanding } from "./resume.ts";
import { noteStoredOutput, replyOf } from "./stored-result.ts";
import { checkSize, makeHandle, requestType, transmissionOf, type Submission } from "./submission.ts";
import { waitFor, type WaitOptions } from "./wait-for.ts";

type Asker = (outcome: AnswerOutcome) => void;
/** All engines at some moment, as the answer to this question. */
type Listing = Omit<ClientEvent<never, never> & { readonly type: "listed" }, "keepsRequests">;
type EndCause = "closed" | "controllerLost";
type Effects = readonly ClientEffect<RequestHandle, Asker>[];

const NO_CONTENT: Dict = {};
const FENCE_REPLY = "kernel_info_reply"; // Comes on mux only as the answer to a fence.

/** Sockets and machine of one client. */
export class ClientLink {
  readonly events: Emitter<LinkEvents> = new Emitter<LinkEvents>();
  readonly #machine: ClientMachine<RequestHandle, Asker>;
  readonly #life: LinkLife;
  readonly #clock: Clock;
  readonly #requestBytesMax: number;
  readonly #filter: IopubFilter;
  readonly #identities = new Map<EngineUuid, Frame>();
  readonly #reader: MessageReader;
  #inFlight = 0;
  #closing: Promise<void> | undefined;
  #end: { readonly reason: string; readonly cause: EndCause } | undefined;
  /** Whether the controller itself answers questions about tasks; Python's does not. */
  controllerAnswers = false;
  /** While we shut the Hub down ourselves, its notification does not close us before its reply is there. */
  holdsShutdown = false;

  constructor(parts: LinkParts) {
    this.#machine = new ClientMachine(parts.window);
    this.#reader = new MessageReader(parts.logger);
    this.#clock = parts.clock ?? SYSTEM_CLOCK;
    this.#requestBytesMax = parts.requestBytesMax;
    this.#filter = new IopubFilter(parts.endpoint.session.sessionId);
    this.#life = new LinkLife(
      { ...parts, clock: this.#clock },
      {
        handlers: {
          onReply: (frames) => this.#onReply(frames),
          onAnswer: (frames) => this.#onAnswer(frames),
          onIopub: (frames) => this.#onIopub(frames),
          onNotification: (frames) => this.#onNotification(frames),
        },
        lost: (sentence) => {
          this.#feed({ type: "controllerLost", reason: sentence });
          this.events.emit("controllerLost", sentence);
        },
        list: (options) => this.askEngines(options),
        resume: (options) => resumeOutstanding(this, options),
        back: (how) => {
          this.#feed({ type: "controllerBack" });
          this.events.emit("controllerBack", how);
        },
        // The sockets are closed behind; nobody waits for it here.
        giveUp: (reason) => void this.close(reason, "controllerLost"),
      },
    );
  }

  /** Makes and reads the messages to the controller of now. */
  get session(): Session {
    return this.#life.connection.session;
  }

  /** Engines known now, by id. */
  get directory(): EngineDirectory {
    return this.#machine.directory;
  }

  /** Requests without a reply, by message id, in the order of submission. */
  get outstanding(): ReadonlyMap<string, RequestRecord<RequestHandle>> {
    return this.#machine.outstanding;
  }

  /** Messages dropped so far, by reason. */
  get dropped(): Readonly<Record<string, number>> {
    return { ...Object.fromEntries(this.#reader.dropped), ...this.#machine.counters };
  }

  get firstDrop(): DropReason | undefined {
    return this.#reader.dropped.keys().next().value;
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Throws when the client is closed. */
  assertOpen(): void {
    if (!this.isClosed) return;
    if (this.#end?.cause === "controllerLost") throw new ControllerLostError(`the client is closed: ${this.#end.reason}; connect a new one`);
    throw new ClosedError("the client is closed; connect a new one");
  }

  /** Submits one request. @throws SerializationError when it is larger than a request may be */
  submit(submission: Submission): RequestHandle {
    this.assertOpen();
    checkSize(submission, this.#requestBytesMax);
    const header = this.session.header(requestType(submission));
    const idents = submission.channel === "mux" ? [this.#identity(submission.targets[0] as EngineUuid)] : [];
    const handle = this.#note(makeHandle(submission, header.msg_id, submission.targets, transmissionOf(submission, header, idents)));
    this.#feed({ type: "submitted", requests: [handle.record] });
    return handle;
  }

  /** Submits one broadcast whose engines answer one by one: a handle for each target. @throws as `submit` */
  submitPlainBroadcast(submission: Submission): RequestHandle[] {
    this.assertOpen();
    checkSize(submission, this.#requestBytesMax);
    const header = this.session.header(requestType(submission));
    const transmission = transmissionOf(submission, header, []);
    const handles = submission.targets.map((uuid) => this.#note(makeHandle(submission, `${header.msg_id}_${uuid}`, [uuid], transmission)));
    this.#feed({ type: "submitted", requests: handles.map((handle) => handle.record) });
    return handles;
  }

  /** Lets what was submitted leave now, not only when the caller has come to an end. */
  flush(channel: RequestChannel): void {
    this.#life.connection.flush(channel);
  }

  #note(handle: RequestHandle): RequestHandle {
    if (handle.isInFlight) this.#inFlight += 1;
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

  /** Asks a controller that `controllerAnswers`. */
  askController(msgType: string, content: Dict, options: WaitOptions): Promise<Message> {
    return this.#ask("control", msgType, content, options);
  }

  async #ask(channel: "registration" | "control" | "mux", msgType: string, content: Dict, options: WaitOptions, engine?: EngineFacts): Promise<Message> {
    this.assertOpen();
    // Only whoever looks for the controller may ask now, and asks for a listing.
    if (this.#life.state === "lost" && msgType !== "connection_request")
      throw new ControllerLostError(`the controller at ${this.#life.connection.url} is away, and nobody can answer the ${msgType}; ask again when it is back`);
    const header = this.session.header(msgType);
    const id = msgId(header.msg_id);
    if (msgType === "connection_request") this.#feed({ type: "listingAsked", msgId: id });
    const whom = engine === undefined ? "the controller" : `engine ${engine.id}`;
    const outcome = await waitFor<AnswerOutcome>(
      (resolve) => {
        this.#feed({ type: "asked", msgId: id, asker: resolve, ...(engine === undefined ? {} : { engine: engine.uuid }) });
        const idents = channel === "registration" ? [] : [this.#identity(engine?.uuid ?? engineUuid(CONTROLLER_IDENTITY))];
        this.#life.connection.send(channel, this.session.build(msgType, content, { header, idents }));
        return () => this.#feed({ type: "abandoned", msgId: id });
      },
      options,
      () => `${whom} did not answer the ${msgType} within ${options.timeoutMs} ms`,
    );
    return answerOf(outcome, msgType);
  }

  /** Asks the Hub for all engines and brings the directory up to date, unless a controller has just come back: see `adoptEngines`. */
  async listEngines(options: WaitOptions): Promise<void> {
    const listing = await this.askEngines(options);
    if (this.#life.state === "here") this.#feed({ ...listing, keepsRequests: false });
  }

  /** Takes the engines that a controller which came back has by now; requests for others go on until `inquired`. */
  async adoptEngines(options: WaitOptions): Promise<void> {
    this.#feed({ ...(await this.askEngines(options)), keepsRequests: true });
  }

  /** Asks the Hub for all engines. */
  async askEngines(options: WaitOptions): Promise<Listing> {
    const message = await this.askHub("connection_request", NO_CONTENT, options);
    const engines = readListing(message.content);
    if (engines === undefined) throw new ProtocolError("the controller answered the connection_request without a list of engines");
    this.#life.heard("listed", message.header.session);
    this.controllerAnswers = offersControl(message.content);
    if (offersPacking(message.content)) this.#life.connection.startPacking();
    return { type: "listed", msgId: msgId(String(message.parentHeader["msg_id"])), engines };
  }

  /** Takes a result that the Hub has stored, of a request whose reply has not come. */
  recover(id: string, found: Dict, buffers: readonly Frame[]): void {
    const record = this.outstanding.get(id);
    if (record === undefined) return;
    noteStoredOutput(record, found["io"]);
    this.#feed({ type: "recovered", msgId: record.msgId, message: { ...replyOf(found), buffers }, at: this.#clock.now() });
  }

  /** The Hub was asked for all that was under way when the controller went; `pending` are those it knows without a result. */
  inquired(pending: ReadonlySet<string>, isSameLife: boolean): void {
    this.#feed({ type: "inquired", pending, isSameLife });
  }

  /** Ends everything; outstanding requests fail with `reason`. Idempotent. */
  close(reason = "the client was closed", cause: EndCause = "closed"): Promise<void> {
    this.#closing ??= this.#closeOnce(reason, cause);
    return this.#closing;
  }

  async #closeOnce(reason: string, cause: EndCause): Promise<void> {
    this.#end = { reason, cause };
    const isThere = this.#life.state === "here" && cause === "closed";
    this.#life.close();
    this.#feed({ type: "closed", reason, cause });
    const { connection } = this.#life;
    await (isThere ? connection.close() : connection.abort());
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
        case "fence":
          void this.#fence(effect.engine, effect.msgIds); // Does not reject.
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
    this.#life.connection.send(request.channel, this.session.build(msgType, content, { header, idents, metadata, buffers }));
  }

  /** The question goes the way of requests, and is answered behind them. */
  async #fence(engine: EngineFacts, msgIds: readonly MsgId[]): Promise<void> {
    try {
      await this.#ask("mux", "kernel_info_request", NO_CONTENT, {}, engine);
    } catch {
      // The engine left, the controller went again, or the client was closed: each ends these requests or asks again.
      return;
    }
    this.#feed({ type: "fenceReached", msgIds });
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
    if (message?.header.msg_type === FENCE_REPLY) this.#feed({ type: "answered", message });
    else if (message !== undefined) this.#feed({ type: "replied", message, at: this.#clock.now() });
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
    const { content, header } = message;
    this.#life.heard("heard", header.session);
    const engine = readEngine(content);
    switch (header.msg_type) {
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
    return this.#reader.read(this.session, frames, channel);
  }
}
