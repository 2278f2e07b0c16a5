// A controller for tests of one engine: real sockets, no policy. It registers whoever asks, routes nothing by itself, and
// records what comes.

import { millis } from "../../src/base/index.ts";
import { createSession, SYSTEM_CLOCK, ZeromqTransport, type BoundSocket } from "../../src/net/index.ts";
import type { Dict, EngineConnectionInfo, Frame, Header, Message, Session } from "../../src/wire/index.ts";
import { until, WAIT_MS } from "./until.ts";

/** How the controller behaves. */
export interface FakeControllerOptions {
  /** Told to engines as `hb_period`; default 1000. Pings are only sent by `ping()`. */
  readonly heartbeatPeriodMs?: number;
  /** Answers a registration; `undefined` says nothing. Default: ids from 0. */
  readonly register?: (content: Dict) => Dict | undefined;
  readonly key?: string;
  /** Fields of the answer to a registration that are not as they should be. */
  readonly registrationHeader?: Partial<Header>;
}

/** Channels on which requests are sent to an engine. */
export type RequestChannel = "mux" | "task" | "broadcast" | "control";

/** What a request has besides type and content. */
export interface RequestParts {
  readonly metadata?: Dict;
  readonly buffers?: readonly Frame[];
  /** Routing frames between engine and delimiter; default one client's. */
  readonly prefix?: readonly Frame[];
  readonly msgId?: string;
}

/** One message of iopub: topic, type, content, parent. */
export interface Published {
  readonly topic: string;
  readonly type: string;
  readonly content: Dict;
  readonly parentId: string | undefined;
  readonly message: Message;
}

/** A reply, and the frames before the delimiter behind the engine's identity. */
export interface Reply {
  readonly channel: RequestChannel;
  readonly prefix: readonly string[];
  readonly message: Message;
}

const HOST = "tcp://127.0.0.1";
const KEY = "fake-controller-key";

type Sockets = Readonly<Record<RequestChannel | "registration" | "iopub" | "ping" | "pong", BoundSocket>>;

/** One fake controller. */
export class FakeController {
  readonly info: EngineConnectionInfo;
  readonly session: Session;
  readonly published: Published[] = [];
  readonly replies: Reply[] = [];
  /** Everything that came on the registration socket. */
  readonly registrations: Message[] = [];
  readonly pongs: { readonly uuid: string; readonly text: string }[] = [];
  readonly #sockets: Sockets;
  readonly #transport: ZeromqTransport;
  #nextId = 0;

  private constructor(transport: ZeromqTransport, sockets: Sockets, options: FakeControllerOptions) {
    this.#transport = transport;
    this.#sockets = sockets;
    const key = options.key ?? KEY;
    this.session = createSession({ key });
    const { registration, control, mux, task, broadcast, iopub, ping, pong } = sockets;
    this.info = {
      ssh: "",
      interface: HOST,
      registration: registration.port,
      control: control.port,
      mux: mux.port,
      task: task.port,
      iopub: iopub.port,
      key,
      curve_serverkey: null,
      location: "",
      pack: "json",
      unpack: "json",
      signature_scheme: "hmac-sha256",
      hb_ping: ping.port,
      hb_pong: pong.port,
      broadcast: [broadcast.port],
    };
    this.#listen(options);
  }

  /** Binds everything. */
  static async start(options: FakeControllerOptions = {}): Promise<FakeController> {
    const transport = new ZeromqTransport();
    const bind = async (kind: "router" | "pub" | "sub"): Promise<BoundSocket> => transport.bind(kind, { interface: HOST, port: 0 });
    const sockets = {
      registration: await bind("router"),
      control: await bind("router"),
      mux: await bind("router"),
      task: await bind("router"),
      broadcast: await bind("router"),
      iopub: await bind("sub"),
      ping: await bind("pub"),
      pong: await bind("router"),
    };
    return new FakeController(transport, sockets, options);
  }

  #listen(options: FakeControllerOptions): void {
    const { registration, iopub, pong } = this.#sockets;
    registration.receive((frames) => this.#onRegistration(frames, options));
    for (const channel of ["mux", "task", "broadcast", "control"] as const) {
      this.#sockets[channel].receive((frames) => {
        const message = this.#read(frames);
        const prefix = message.idents.slice(1).map((frame) => Buffer.from(frame).toString());
        this.replies.push({ channel, prefix, message });
      });
    }
    iopub.receive((frames) => {
      const message = this.#read(frames);
      const topic = Buffer.from(message.idents[0] ?? []).toString();
      const parentId = message.parentHeader["msg_id"];
      this.published.push({
        topic,
        type: message.header.msg_type,
        content: message.content,
        parentId: typeof parentId === "string" ? parentId : undefined,
        message,
      });
    });
    pong.receive(([uuid, text]) => this.pongs.push({ uuid: Buffer.from(uuid ?? []).toString(), text: Buffer.from(text ?? []).toString() }));
  }

  #onRegistration(frames: Frame[], options: FakeControllerOptions): void {
    const message = this.#read(frames);
    this.registrations.push(message);
    if (message.header.msg_type !== "registration_request") return;
    const accept = (): Dict => ({ status: "ok", id: this.#nextId++, hb_period: options.heartbeatPeriodMs ?? 1000, connection_info: {} });
    const content = (options.register ?? accept)(message.content);
    const header = { ...this.session.header("registration_reply"), ...options.registrationHeader };
    if (content !== undefined) this.#sockets.registration.send(this.session.build("registration_reply", content, { header, idents: message.idents }));
  }

  #read(frames: readonly Frame[]): Message {
    const parsed = this.session.parse(frames);
    if (!parsed.ok) throw new Error(`the engine sent a bad message: ${parsed.reason}`);
    return parsed.value;
  }

  /** Sends a request to an engine; returns its header. */
  send(channel: RequestChannel, uuid: string, type: string, content: Dict = {}, parts: RequestParts = {}): Header {
    const header = { ...this.session.header(type), ...(parts.msgId === undefined ? {} : { msg_id: parts.msgId }) };
    const idents = [Buffer.from(uuid), ...(parts.prefix ?? [Buffer.from("client")])];
    this.#sockets[channel].send(this.session.build(type, content, { header, idents, metadata: parts.metadata ?? {}, buffers: parts.buffers ?? [] }));
    return header;
  }

  /** Sends frames as they are. */
  sendRaw(channel: RequestChannel, frames: readonly Frame[]): void {
    this.#sockets[channel].send(frames);
  }

  /** The reply to a request, when it has come. */
  async reply(request: Header, timeoutMs = WAIT_MS): Promise<Message> {
    return (await this.wholeReply(request, timeoutMs)).message;
  }

  /** The reply with its prefix and channel. */
  async wholeReply(request: Header, timeoutMs = WAIT_MS): Promise<Reply> {
    const find = (): Reply | undefined => this.replies.find((reply) => reply.message.parentHeader["msg_id"] === request.msg_id);
    await until(() => find() !== undefined, { timeoutMs });
    return find() as Reply;
  }

  /** Sends a request and awaits its reply. */
  async ask(channel: RequestChannel, uuid: string, type: string, content: Dict = {}, parts: RequestParts = {}): Promise<Message> {
    return this.reply(this.send(channel, uuid, type, content, parts));
  }

  /** What was published for a request up to its idle status. */
  async output(request: Header, timeoutMs = WAIT_MS): Promise<readonly Published[]> {
    const own = (): Published[] => this.published.filter((one) => one.parentId === request.msg_id);
    await until(() => own().some((one) => one.content["execution_state"] === "idle"), { timeoutMs });
    return own();
  }

  /** Sends one heartbeat; returns its text. */
  ping(): string {
    const text = String(millis(SYSTEM_CLOCK.now()) / 1000);
    this.#sockets.ping.send([Buffer.from(text)]);
    return text;
  }

  /** Pings until an engine answers. */
  async waitForHeart(uuid: string, timeoutMs = WAIT_MS): Promise<void> {
    await until(
      () => {
        this.ping();
        return this.pongs.some((pong) => pong.uuid === uuid);
      },
      { timeoutMs, everyMs: 20 },
    );
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }
}
