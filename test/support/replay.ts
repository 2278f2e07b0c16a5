// Peers that send recorded messages, byte for byte, to a controller of ours, and see whole multipart messages as they arrive.

import { deepEqual } from "node:assert/strict";
import type { MessageSocket, Transport } from "../../src/net/index.ts";
import { findDelimiter, type ClientConnectionInfo, type Dict, type EngineConnectionInfo, type Frame } from "../../src/wire/index.ts";
import { Inbox } from "./raw-peer.ts";
import { recording, wholeFrames, type Packer, type Recorded, type Recording } from "./recordings.ts";
import { until } from "./until.ts";

const hexes = (frames: readonly Frame[]): string[] => frames.map((frame) => Buffer.from(frame).toString("hex"));
const utf8 = (frame: Frame | undefined): string => Buffer.from(frame ?? []).toString("utf8");

/** A multipart message that arrived, cut at the delimiter and unpacked, nothing checked. */
export class Arrived {
  readonly prefix: readonly Frame[];
  /** From the signature on; all frames of a heartbeat. */
  readonly frames: readonly Frame[];

  constructor(whole: readonly Frame[]) {
    const at = findDelimiter(whole);
    this.prefix = at < 0 ? [] : whole.slice(0, at);
    this.frames = at < 0 ? whole : whole.slice(at + 1);
  }

  #dict(index: number): Dict {
    return JSON.parse(utf8(this.frames[index])) as Dict;
  }

  get header(): Dict {
    return this.#dict(1);
  }

  get parent(): Dict {
    return this.#dict(2);
  }

  get metadata(): Dict {
    return this.#dict(3);
  }

  get content(): Dict {
    return this.#dict(4);
  }

  get buffers(): readonly Frame[] {
    return this.frames.slice(5);
  }

  /** Whether it is this recorded message, from the signature on. */
  is(message: Recorded): boolean {
    return hexes(this.frames).join() === hexes(message.frames).join();
  }
}

/** A socket and what arrived on it. */
class Channel {
  readonly socket: MessageSocket;
  readonly inbox: Inbox<Arrived>;

  constructor(socket: MessageSocket, name: string) {
    this.socket = socket;
    this.inbox = new Inbox(name);
    socket.receive((frames) => this.inbox.put(new Arrived(frames.map((frame) => Buffer.from(frame)))));
  }
}

const CLIENT_CHANNELS = ["registration", "mux", "control", "task", "broadcast", "notification", "iopub"] as const;
const ENGINE_CHANNELS = ["mux", "control", "task", "broadcast"] as const;
type EngineChannel = (typeof ENGINE_CHANNELS)[number];

/** Whether a message answers a request. The answer to a registration has an empty parent. */
export function isAnswer(message: { readonly header: Dict; readonly parent: Dict }, request: Recorded): boolean {
  if (request.type === "registration_request") return message.header["msg_type"] === "registration_reply";
  return message.parent["msg_id"] === request.header["msg_id"];
}

/** A client that sends what was recorded. */
export class ReplayClient {
  readonly channels: Readonly<Record<(typeof CLIENT_CHANNELS)[number], Channel>>;

  constructor(transport: Transport, info: ClientConnectionInfo) {
    const open = (name: (typeof CLIENT_CHANNELS)[number]): Channel => {
      const endpoint = [`${info.interface}:${info[name]}`];
      const isSub = name === "notification" || name === "iopub";
      return new Channel(isSub ? transport.connect("sub", endpoint) : transport.connect("dealer", endpoint, { lingerMs: 0 }), `client ${name}`);
    };
    this.channels = Object.fromEntries(CLIENT_CHANNELS.map((name) => [name, open(name)])) as ReplayClient["channels"];
  }

  /** Sends a message as the recorded client did. */
  send(message: Recorded): void {
    const hop = message.hops.find(({ at, way }) => at === "client" && way === "out");
    if (hop === undefined) throw new Error(`${message.type} was not sent by a client`);
    this.channels[message.channel as EngineChannel].socket.send(wholeFrames(message, hop.prefix));
  }

  /** The answer to a recorded request. */
  async answer(request: Recorded): Promise<Arrived> {
    return this.channels[request.channel as EngineChannel].inbox.next((arrived) => isAnswer(arrived, request));
  }

  /** Sends a recorded request and waits for its answer. */
  async ask(request: Recorded): Promise<Arrived> {
    this.send(request);
    return this.answer(request);
  }
}

/** An engine that sends what was recorded. */
export class ReplayEngine {
  readonly uuid: string;
  readonly id: number;
  readonly registration: Channel;
  readonly channels: Readonly<Record<EngineChannel, Channel>>;
  readonly iopub: MessageSocket;
  /** Routing prefix of each request that arrived, by its message id: replies echo it. */
  readonly #prefixes = new Map<string, readonly Frame[]>();

  private constructor(transport: Transport, info: EngineConnectionInfo, uuid: string, id: number, registration: Channel) {
    this.uuid = uuid;
    this.id = id;
    this.registration = registration;
    const dealer = (port: number): MessageSocket => transport.connect("dealer", [`${info.interface}:${port}`], { identity: uuid, lingerMs: 0 });
    const port = (name: EngineChannel): number => (name === "broadcast" ? (info.broadcast[id % info.broadcast.length] as number) : info[name]);
    this.channels = Object.fromEntries(ENGINE_CHANNELS.map((name) => [name, new Channel(dealer(port(name)), `engine ${name}`)])) as ReplayEngine["channels"];
    this.iopub = transport.connect("pub", [`${info.interface}:${info.iopub}`], { identity: uuid, lingerMs: 0 });
    const pong = dealer(info.hb_pong);
    transport.connect("sub", [`${info.interface}:${info.hb_ping}`]).receive((frames) => pong.send(frames));
  }

  /** Registers by a recorded registration_request; gives the engine and the answer. */
  static async register(transport: Transport, info: EngineConnectionInfo, request: Recorded): Promise<{ engine: ReplayEngine; reply: Arrived }> {
    const uuid = String(request.content["uuid"]);
    const socket = transport.connect("dealer", [`${info.interface}:${info.registration}`], { identity: uuid, lingerMs: 0 });
    const channel = new Channel(socket, "engine registration");
    socket.send(wholeFrames(request));
    const reply = await channel.inbox.next();
    return { engine: new ReplayEngine(transport, info, uuid, reply.content["id"] as number, channel), reply };
  }

  /** The request of this message id on a channel. */
  async request(channel: EngineChannel, msgId: unknown): Promise<Arrived> {
    const arrived = await this.channels[channel].inbox.next(({ header }) => header["msg_id"] === msgId);
    this.#prefixes.set(String(msgId), arrived.prefix);
    return arrived;
  }

  /** Sends a recorded reply, or publishes a recorded message. */
  send(message: Recorded): void {
    if (message.channel === "iopub") {
      const hop = message.hops.find(({ at, way }) => at === "engine" && way === "out");
      this.iopub.send(wholeFrames(message, hop?.prefix ?? []));
      return;
    }
    const prefix = this.#prefixes.get(String(message.parent["msg_id"]));
    if (prefix === undefined) throw new Error(`${this.uuid} has not received the request of a ${message.type}`);
    this.channels[message.channel as EngineChannel].socket.send(wholeFrames(message, prefix));
  }
}

/** A client and the two recorded engines at a controller. */
export class Replay {
  readonly packer: Packer;
  readonly client: ReplayClient;
  readonly engines: readonly ReplayEngine[];

  constructor(packer: Packer, client: ReplayClient, engines: readonly ReplayEngine[]) {
    this.packer = packer;
    this.client = client;
    this.engines = engines;
  }

  recording(step: string): Recording {
    return recording(this.packer, step);
  }

  engineOf(message: Recorded): ReplayEngine {
    const engine = this.engines.find(({ uuid }) => uuid === message.header["session"]);
    if (engine === undefined) throw new Error(`no engine of the replay sent the ${message.type}`);
    return engine;
  }

  /**
   * Publishes until the client hears it from both engines: subscriptions take a moment. Uses the recorded `starting` messages,
   * which every PUB drops that has no subscriber yet.
   */
  async hearEngines(): Promise<void> {
    const starting = this.recording("registration").messages.filter(({ content }) => content["execution_state"] === "starting");
    for (const message of starting) {
      const { arrived } = this.client.channels.iopub.inbox;
      await until(
        () => {
          this.engineOf(message).send(message);
          return arrived.some((one) => one.is(message));
        },
        { everyMs: 20 },
      );
    }
  }

  /** Sends a recorded request to its engine and expects its bytes there unchanged, behind the client's identity. */
  async relayRequest(request: Recorded): Promise<ReplayEngine> {
    this.client.send(request);
    const uuid = utf8(request.hops.find(({ at }) => at === "client")?.prefix[0]);
    const channel = request.channel as EngineChannel;
    const engine = channel === "task" ? await this.#taker(request) : this.engines.find((one) => one.uuid === uuid);
    if (engine === undefined) throw new Error(`no engine has the uuid ${uuid}`);
    const arrived = await engine.request(channel, request.header["msg_id"]);
    deepEqual(arrived.prefix.length, 1);
    deepEqual(hexes(arrived.frames), hexes(request.frames));
    return engine;
  }

  async #taker(request: Recorded): Promise<ReplayEngine | undefined> {
    const hasIt = (engine: ReplayEngine): boolean => engine.channels.task.inbox.arrived.some(({ header }) => header["msg_id"] === request.header["msg_id"]);
    await until(() => this.engines.some(hasIt));
    return this.engines.find(hasIt);
  }

  /** Sends a recorded reply and expects its bytes at the client unchanged, behind the engine's uuid. */
  async relayReply(reply: Recorded, engine: ReplayEngine): Promise<void> {
    engine.send(reply);
    const arrived = await this.client.channels[reply.channel as EngineChannel].inbox.next((one) => one.parent["msg_id"] === reply.parent["msg_id"]);
    deepEqual(arrived.prefix.map(utf8), reply.channel === "broadcast" ? [] : [engine.uuid]);
    deepEqual(hexes(arrived.frames), hexes(reply.frames));
  }

  /** Publishes a recorded message and expects it at the client unchanged, topic and all. */
  async relayOutput(message: Recorded): Promise<void> {
    this.engineOf(message).send(message);
    const arrived = await this.client.channels.iopub.inbox.next((one) => one.is(message));
    deepEqual(hexes(arrived.prefix), hexes(message.hops[0]?.prefix ?? []));
  }

  /** Replays a step of requests to engines: each message in its order, each unchanged at the other end. Gives how many there were. */
  async relay(step: string): Promise<number> {
    const takers = new Map<unknown, ReplayEngine>();
    let count = 0;
    for (const message of this.recording(step).messages) {
      count += 1;
      if (message.channel === "iopub") await this.relayOutput(message);
      else if (message.hops.some(({ at, way }) => at === "client" && way === "out")) takers.set(message.header["msg_id"], await this.relayRequest(message));
      else if (["mux", "control", "task"].includes(message.channel)) {
        const engine = takers.get(message.parent["msg_id"]);
        if (engine === undefined) throw new Error(`${step} holds a ${message.type} before its request`);
        await this.relayReply(message, engine);
      }
    }
    return count;
  }
}
