// A controller in memory for tests of the client: a Transport whose other end is the test. It answers the
// connection_request by itself and everything else as told.

import { createSession, type MessageHandler, type MessageSocket, type SocketKind, type SocketOptions, type Transport } from "../../src/net/index.ts";
import { packValue } from "../../src/serial/index.ts";
import { isPacked, unpackMessages, type ClientConnectionInfo, type Dict, type Frame, type Header, type Message, type Session } from "../../src/wire/index.ts";
import { until } from "./until.ts";

/** Channels by the port the client connects to. */
const PORTS = { registration: 1, control: 2, mux: 3, task: 4, iopub: 5, notification: 6, broadcast: 7 } as const;
/** One of the client's channels. */
export type Channel = keyof typeof PORTS;

/** A message the client sent. */
export interface Sent extends Message {
  readonly channel: Channel;
  /** The whole multipart message. */
  readonly frames: readonly Frame[];
}

class ScriptedSocket implements MessageSocket {
  readonly kind: SocketKind;
  readonly queued = { messages: 0, bytes: 0 };
  onMessage: MessageHandler | undefined;
  isClosed = false;
  readonly options: SocketOptions;
  readonly #onSend: (frames: readonly Frame[]) => boolean;

  constructor(kind: SocketKind, options: SocketOptions, onSend: (frames: readonly Frame[]) => boolean) {
    this.kind = kind;
    this.options = options;
    this.#onSend = onSend;
  }

  send(frames: readonly Frame[]): boolean {
    return this.#onSend(frames);
  }

  receive(onMessage: MessageHandler): void {
    this.onMessage = onMessage;
  }

  pause(): void {
    throw new Error("the client never pauses");
  }

  resume(): void {
    throw new Error("the client never pauses");
  }

  flush(): void {
    throw new Error("the client never flushes");
  }

  startPacking(): void {
    throw new Error("nothing offered it");
  }

  async flushed(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.resolve();
  }

  abort(): Promise<void> {
    return this.close();
  }
}

/** The other end of a client's sockets. */
export class ScriptedController implements Transport {
  /** Engines the connection_reply tells of: id to uuid. */
  readonly engines: Map<number, string>;
  /** What they told of themselves, by id; default: that they run TypeScript. */
  properties: Record<string, Dict> = {};
  /** What its answers to connection_requests offer besides. */
  offer: Dict = {};
  /** What the client sent and the test has not taken, but for connection_requests. */
  readonly sent: Sent[] = [];
  /** How many connection_requests came, and the last of them. */
  listings = 0;
  lastListing: Sent | undefined;
  /** Fields of the answers to connection_requests that are not as they should be. */
  listingHeader: Partial<Header> = {};
  /** Set to let nothing be answered. */
  isSilent = false;
  /** Set to refuse messages of a channel, as a full queue does. */
  readonly full = new Set<Channel>();
  session: Session;
  #isAway = false;
  readonly info: ClientConnectionInfo;
  readonly #sockets = new Map<Channel, ScriptedSocket>();

  constructor(engineIds: readonly number[] = [0, 1], key = "key") {
    this.engines = new Map(engineIds.map((id) => [id, `E${id}`]));
    this.session = createSession({ key, processTag: "controller" });
    this.info = {
      ...PORTS,
      ssh: "",
      interface: "tcp://127.0.0.1",
      task_scheme: "leastload",
      key,
      curve_serverkey: null,
      location: "",
      pack: "json",
      unpack: "json",
      signature_scheme: "hmac-sha256",
    };
  }

  bind(): Promise<never> {
    return Promise.reject(new Error("the client never binds"));
  }

  connect(kind: SocketKind, endpoints: readonly string[], options: SocketOptions = {}): MessageSocket {
    const port = Number(endpoints[0]?.split(":").at(-1));
    const channel = (Object.keys(PORTS) as Channel[]).find((name) => PORTS[name] === port) as Channel;
    const socket = new ScriptedSocket(kind, options, (frames) => this.#take(channel, frames));
    this.#sockets.set(channel, socket);
    this.#tellConnected(socket);
    return socket;
  }

  #tellConnected(socket: ScriptedSocket): void {
    setImmediate(() => {
      if (!this.#isAway && !socket.isClosed) socket.options.onConnected?.();
    });
  }

  /** Ends all connections; what is sent until `comeBack` is lost. */
  goAway(): void {
    this.#isAway = true;
    const open = [...this.#sockets.values()].filter((socket) => !socket.isClosed);
    setImmediate(() => {
      for (const socket of open) if (!socket.isClosed) socket.options.onDisconnected?.();
    });
  }

  /** Lets connections stand again: as the controller that was there before, or as another one with the same ports and key. */
  comeBack(how: { readonly isSameLife: boolean }): void {
    if (!how.isSameLife) this.session = createSession({ key: this.info.key, processTag: "controller" });
    this.#isAway = false;
    for (const socket of this.#sockets.values()) if (!socket.isClosed) this.#tellConnected(socket);
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  /** Whether the client closed all its sockets. */
  get isClosed(): boolean {
    return [...this.#sockets.values()].every((socket) => socket.isClosed);
  }

  #take(channel: Channel, frames: readonly Frame[]): boolean {
    if (this.full.has(channel)) return false;
    if (this.#isAway) return true;
    const [first] = frames;
    if (frames.length === 1 && first !== undefined && isPacked(first))
      return unpackMessages(first, [])?.every((message) => this.#take(channel, message)) === true;
    const parsed = this.session.parse(frames);
    if (!parsed.ok) throw new Error(`the client sent a bad message: ${parsed.reason}`);
    const message: Sent = { ...parsed.value, channel, frames: [...frames] };
    if (message.header.msg_type !== "connection_request") this.sent.push(message);
    else {
      this.listings += 1;
      this.lastListing = message;
      const engines = Object.fromEntries([...this.engines].map(([id, uuid]) => [String(id), uuid]));
      const properties = Object.fromEntries([...this.engines.keys()].map((id) => [String(id), this.properties[id] ?? { language: "typescript" }]));
      if (!this.isSilent) this.reply(message, { status: "ok", engines, properties, ...this.offer }, { header: this.listingHeader });
    }
    return true;
  }

  /** The next message on a channel, waiting for it. */
  async next(channel: Channel): Promise<Sent> {
    await until(() => this.sent.some((message) => message.channel === channel), { everyMs: 1 });
    const at = this.sent.findIndex((message) => message.channel === channel);
    return this.sent.splice(at, 1)[0] as Sent;
  }

  /** Answers a request on its channel; `header` replaces fields of the reply's own. */
  reply(
    request: Sent,
    content: Dict,
    more: { readonly metadata?: Dict; readonly buffers?: readonly Frame[]; readonly parentId?: string; readonly header?: Partial<Header> } = {},
  ): void {
    const type = request.header.msg_type.replace(/_request$/, "_reply");
    const parent = { ...request.header, ...(more.parentId === undefined ? {} : { msg_id: more.parentId }) };
    const header = { ...this.session.header(type), ...more.header };
    this.#deliver(request.channel, this.session.build(type, content, { header, parent, metadata: more.metadata ?? {}, buffers: more.buffers ?? [] }));
  }

  /** Answers an apply with a value, as engine `engine`. */
  succeed(request: Sent, value: unknown, engine = "E0", parentId?: string): void {
    const metadata = { engine, status: "ok", started: "2026-01-02T03:04:05.000001Z", dependencies_met: true };
    this.reply(request, { status: "ok" }, { metadata, buffers: packValue(value), ...(parentId === undefined ? {} : { parentId }) });
  }

  /** Answers a request with an error. */
  fail(request: Sent, ename: string, evalue: string, engineInfo: Dict = {}): void {
    this.reply(request, { status: "error", ename, evalue, traceback: ["at here"], engine_info: engineInfo }, { metadata: { status: "error" } });
  }

  /** Publishes output of a request. */
  publish(request: Sent, type: string, content: Dict, metadata: Dict = {}): void {
    this.#deliver("iopub", [Buffer.from("engine.0.topic"), ...this.session.build(type, content, { parent: request.header, metadata })]);
  }

  /** Says that a request's output is complete. */
  idle(request: Sent): void {
    this.publish(request, "status", { execution_state: "idle" });
  }

  /** Publishes a notification. */
  notify(type: string, content: Dict): void {
    this.#deliver("notification", this.session.build(type, content));
  }

  /** Delivers raw frames. */
  deliver(channel: Channel, frames: Frame[]): void {
    this.#deliver(channel, frames);
  }

  #deliver(channel: Channel, frames: Frame[]): void {
    const socket = this.#sockets.get(channel);
    if (this.#isAway) return;
    // Like a real socket, never from within the client's own call.
    setImmediate(() => {
      if (socket !== undefined && !socket.isClosed) socket.onMessage?.(frames);
    });
  }
}
