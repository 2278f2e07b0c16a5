// Hand-made peers that speak the wire protocol with plain sockets and a Session: what a controller is tested with,
// without any of the engine's or client's own code. A raw client and a raw engine do only what a test tells them to.

import { hostname } from "node:os";
import { isoMicros, type Clock } from "../../src/base/index.ts";
import { createSession, newSessionId, SYSTEM_CLOCK, type MessageSocket, type Transport } from "../../src/net/index.ts";
import type { ClientConnectionInfo, Dict, EngineConnectionInfo, Frame, Message, Session } from "../../src/wire/index.ts";

/** How long a peer waits for a message before the test fails. */
const WAIT_MS = 60_000;

const text = (frame: Frame): string => Buffer.from(frame).toString("utf8");
const bytes = (value: string): Frame => Buffer.from(value, "utf8");

/** Messages that arrived on one socket, in order; a test takes them out. */
export class Inbox<T> {
  readonly arrived: T[] = [];
  readonly #name: string;
  readonly #waiting: { readonly test: (item: T) => boolean; readonly resolve: (item: T) => void }[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  put(item: T): void {
    const at = this.#waiting.findIndex((waiter) => waiter.test(item));
    if (at < 0) this.arrived.push(item);
    else this.#waiting.splice(at, 1)[0]?.resolve(item);
  }

  /** The next message that fits, also one that arrived before. */
  next(test: (item: T) => boolean = () => true): Promise<T> {
    const at = this.arrived.findIndex(test);
    if (at >= 0) return Promise.resolve(this.arrived.splice(at, 1)[0] as T);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no such message came on ${this.#name} within ${WAIT_MS} ms; ${this.arrived.length} others wait`)),
        WAIT_MS,
      );
      this.#waiting.push({
        test,
        resolve: (item) => {
          clearTimeout(timer);
          resolve(item);
        },
      });
    });
  }
}

/** What a request of a raw client may carry. */
export interface RawRequest {
  readonly metadata?: Dict;
  readonly buffers?: readonly Frame[];
}

function listen(socket: MessageSocket, session: Session, name: string): Inbox<Message> {
  const inbox = new Inbox<Message>(name);
  socket.receive((frames) => {
    const parsed = session.parse(frames);
    if (!parsed.ok) throw new Error(`${name} received an unreadable message: ${parsed.reason}`);
    inbox.put(parsed.value);
  });
  return inbox;
}

/** A client made by hand: one DEALER for each channel and two SUBs. */
export class RawClient {
  readonly info: ClientConnectionInfo;
  readonly session: Session;
  readonly sockets: { readonly [Name in "registration" | "mux" | "control" | "task" | "broadcast" | "notification" | "iopub"]: MessageSocket };
  readonly inbox: { readonly [Name in "registration" | "mux" | "control" | "task" | "broadcast" | "notification" | "iopub"]: Inbox<Message> };

  constructor(transport: Transport, info: ClientConnectionInfo, options: { readonly key?: string; readonly clock?: Clock } = {}) {
    this.info = info;
    this.session = createSession({ key: options.key ?? info.key, signatureScheme: info.signature_scheme, clock: options.clock ?? SYSTEM_CLOCK });
    const dealer = (port: number): MessageSocket => transport.connect("dealer", [`${info.interface}:${port}`], { lingerMs: 0 });
    const sub = (port: number): MessageSocket => transport.connect("sub", [`${info.interface}:${port}`]);
    this.sockets = {
      registration: dealer(info.registration),
      mux: dealer(info.mux),
      control: dealer(info.control),
      task: dealer(info.task),
      broadcast: dealer(info.broadcast),
      notification: sub(info.notification),
      iopub: sub(info.iopub),
    };
    const entries = Object.entries(this.sockets).map(([name, socket]) => [name, listen(socket, this.session, `client ${name}`)]);
    this.inbox = Object.fromEntries(entries) as RawClient["inbox"];
  }

  /** Asks the Hub and waits for the answer. */
  async ask(msgType: string, content: Dict = {}): Promise<Message> {
    const header = this.session.header(msgType);
    this.sockets.registration.send(this.session.build(msgType, content, { header }));
    return this.inbox.registration.next(
      (message) => message.parentHeader["msg_id"] === header.msg_id || (msgType === "registration_request" && message.header.msg_type === "registration_reply"),
    );
  }

  /** Sends a request to one engine; gives its msg_id. */
  mux(engine: string, msgType = "apply_request", request: RawRequest = {}, channel: "mux" | "control" = "mux", content: Dict = {}): string {
    const header = this.session.header(msgType);
    this.sockets[channel].send(this.session.build(msgType, content, { ...request, header, idents: [bytes(engine)] }));
    return header.msg_id;
  }

  /** Sends a task; gives its msg_id. */
  task(metadata: Dict = {}, buffers: readonly Frame[] = [], msgType = "apply_request"): string {
    const header = this.session.header(msgType);
    this.sockets.task.send(this.session.build(msgType, {}, { header, metadata, buffers }));
    return header.msg_id;
  }

  /** Sends a broadcast to engines `[uuid, id]`; gives its msg_id. */
  broadcast(targets: readonly (readonly [string, number])[], isCoalescing: boolean, buffers: readonly Frame[] = []): string {
    const header = this.session.header("apply_request");
    const metadata = { targets, is_broadcast: true, is_coalescing: isCoalescing };
    this.sockets.broadcast.send(this.session.build("apply_request", {}, { header, metadata, buffers }));
    return header.msg_id;
  }

  /** The reply to a request on a channel. */
  reply(channel: "mux" | "control" | "task" | "broadcast", msgId: string): Promise<Message> {
    return this.inbox[channel].next((message) => message.parentHeader["msg_id"] === msgId);
  }

  /** Asks until as many engines are there. Gives the uuids by id. */
  async engines(count: number): Promise<{ readonly [id: string]: string }> {
    for (const deadline = Date.now() + WAIT_MS; ;) {
      const reply = await this.ask("connection_request");
      const engines = reply.content["engines"] as { readonly [id: string]: string };
      if (Object.keys(engines).length === count) return engines;
      if (Date.now() > deadline) throw new Error(`${Object.keys(engines).length} engines are there, not ${count}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.sockets).map((socket) => socket.close()));
  }
}

/** Something an engine was asked, with the way back. */
export interface RawDelivery {
  readonly channel: "mux" | "control" | "task" | "broadcast";
  readonly message: Message;
}

/** How a raw engine behaves by itself. */
export interface RawEngineOptions {
  readonly uuid?: string;
  readonly requestedId?: number;
  readonly properties?: Dict;
  /** False: it never answers pings, so it never becomes visible. */
  readonly isBeating?: boolean;
  /** Answers every mux, task and broadcast request at once with status ok and the request's buffers. */
  readonly isEcho?: boolean;
  readonly key?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** An engine made by hand: one DEALER for each channel. */
export class RawEngine {
  readonly uuid: string;
  readonly session: Session;
  readonly info: EngineConnectionInfo;
  readonly requests = new Inbox<RawDelivery>("an engine");
  /** What arrived and could not be read. */
  readonly unreadable: string[] = [];
  /** The reply to the registration request. */
  registration!: Message;
  id = -1;
  isBeating: boolean;
  readonly #transport: Transport;
  readonly #options: RawEngineOptions;
  readonly #clock: Clock;
  readonly #sockets: { [Name in RawDelivery["channel"]]?: MessageSocket } = {};
  readonly #others: MessageSocket[] = [];
  iopub!: MessageSocket;

  constructor(transport: Transport, info: EngineConnectionInfo, options: RawEngineOptions = {}) {
    this.#transport = transport;
    this.#options = options;
    this.info = info;
    this.uuid = options.uuid ?? newSessionId();
    this.isBeating = options.isBeating ?? true;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.session = createSession({ key: options.key ?? info.key, signatureScheme: info.signature_scheme, sessionId: this.uuid, clock: this.#clock });
  }

  /** Registers; when the reply is ok, connects all channels and starts the heart. */
  async register(): Promise<this> {
    const socket = this.#dealer(this.info.registration);
    const inbox = listen(socket, this.session, "engine registration");
    const { requestedId, properties } = this.#options;
    const content = { uuid: this.uuid, ...(requestedId === undefined ? {} : { id: requestedId }), ...(properties === undefined ? {} : { properties }) };
    socket.send(this.session.build("registration_request", content));
    this.registration = await inbox.next();
    if (this.registration.content["status"] === "ok") {
      this.id = this.registration.content["id"] as number;
      this.#open();
    }
    return this;
  }

  #dealer(port: number): MessageSocket {
    const socket = this.#transport.connect("dealer", [`${this.info.interface}:${port}`], { identity: this.uuid, lingerMs: 100 });
    this.#others.push(socket);
    return socket;
  }

  #open(): void {
    const { info } = this;
    const leaf = info.broadcast[this.id % info.broadcast.length] as number;
    for (const [channel, port] of [
      ["mux", info.mux],
      ["control", info.control],
      ["task", info.task],
      ["broadcast", leaf],
    ] as const) {
      const socket = this.#dealer(port);
      this.#sockets[channel] = socket;
      socket.receive((frames) => this.#requested(channel, frames));
    }
    this.iopub = this.#transport.connect("pub", [`${info.interface}:${info.iopub}`], { identity: this.uuid, lingerMs: 100 });
    this.#others.push(this.iopub);
    this.#beat();
  }

  #beat(): void {
    const pong = this.#dealer(this.info.hb_pong);
    const ping = this.#transport.connect("sub", [`${this.info.interface}:${this.info.hb_ping}`]);
    this.#others.push(ping);
    ping.receive((frames) => {
      if (this.isBeating) pong.send(frames);
    });
  }

  #requested(channel: RawDelivery["channel"], frames: Frame[]): void {
    const parsed = this.session.parse(frames);
    if (!parsed.ok) {
      this.unreadable.push(`${channel}: ${parsed.reason}`);
      return;
    }
    const delivery = { channel, message: parsed.value };
    if (this.#options.isEcho === true && channel !== "control") this.answer(delivery);
    else this.requests.put(delivery);
  }

  /** Answers a request; gives what it sent. */
  answer(
    delivery: RawDelivery,
    options: { readonly status?: string; readonly metadata?: Dict; readonly content?: Dict; readonly buffers?: readonly Frame[] } = {},
  ): Frame[] {
    const { message, channel } = delivery;
    const status = options.status ?? "ok";
    const { is_broadcast = false, is_coalescing = false, original_msg_id = "", label = null } = message.metadata;
    const metadata = {
      started: isoMicros(this.#clock.now()),
      dependencies_met: true,
      engine: this.uuid,
      is_broadcast,
      is_coalescing,
      original_msg_id,
      label,
      status,
      host: hostname(),
      ...options.metadata,
    };
    const content = options.content ?? (status === "error" ? { status, ename: "Error", evalue: "made by hand", traceback: [] } : { status });
    const frames = this.session.build(message.header.msg_type.replace("_request", "_reply"), content, {
      idents: message.idents,
      parent: message.header,
      metadata,
      buffers: options.buffers ?? message.buffers,
    });
    this.#sockets[channel]?.send(frames);
    return frames;
  }

  /** Sends a copy of frames as they are, e.g. broken ones. */
  sendRaw(channel: RawDelivery["channel"], frames: readonly Frame[]): void {
    this.#sockets[channel]?.send(frames);
  }

  /** Publishes on iopub; gives what it sent. */
  publish(msgType: string, content: Dict, parent: Dict = {}, topic = msgType): Frame[] {
    const frames = this.session.build(msgType, content, { idents: [bytes(`engine.${this.id}.${topic}`)], parent });
    this.iopub.send(frames);
    return frames;
  }

  /** Says goodbye. */
  unregister(): void {
    this.#others[0]?.send(this.session.build("unregistration_request", { id: this.id }));
  }

  async close(): Promise<void> {
    this.isBeating = false;
    await Promise.all([...Object.values(this.#sockets), ...this.#others].map((socket) => socket.close()));
  }
}

/** A frame's text. */
export const frameText: (frame: Frame | undefined) => string | undefined = (frame) => (frame === undefined ? undefined : text(frame));
/** A text's frame. */
export const textFrame: (value: string) => Frame = bytes;
