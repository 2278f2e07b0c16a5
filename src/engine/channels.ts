// The main thread's sockets: requests come in on mux, task and the broadcast leaf (protocol §3.2), replies go back on the
// socket the request came from with the complete prefix, everything else is published on iopub.

import { DropCounts } from "../execution/side/index.ts";
import type { Logger } from "../log/index.ts";
import { settleIntake, type MessageSocket, type Transport } from "../net/index.ts";
import { noteCode } from "../serial/index.ts";
import { framesBytes, type Dict, type EngineConnectionInfo, type Frame, type IopubMessage, type Message, type Session } from "../wire/index.ts";
import type { HeldReplies } from "./held-replies.ts";

/** A reply that waits to be sent. */
export interface ReadyReply {
  readonly msgType: string;
  readonly content: Dict;
  readonly metadata: Dict;
  readonly buffers: readonly Frame[];
}

/** A request and the way back. */
export interface Incoming {
  readonly message: Message;
  readonly socket: MessageSocket;
  readonly bytes: number;
  /** Number among all messages of the task channel, from 1; absent for other channels. */
  readonly ordinal?: number;
  readonly signature: Frame;
}

/** What the channels ask before they read a message. */
export interface IntakeHooks {
  /** Called for each message that has come, before anything else. */
  arrived(): void;
  /** Messages of the task channel up to this ordinal have been taken back, and count as never sent. */
  readonly recalledThrough: number;
}

/** What the channels are made of. */
export interface ChannelsOptions {
  readonly transport: Transport;
  readonly session: Session;
  readonly info: EngineConnectionInfo;
  /** `tcp://<address>`. */
  readonly address: string;
  readonly uuid: string;
  readonly engineId: number;
  /** The shell channels may carry packed frames. */
  readonly packs: boolean;
  /** Makes what holds replies of the task channel so that several leave together. */
  readonly holdReplies: (send: (replies: readonly (readonly Frame[])[]) => void) => HeldReplies;
  readonly log: Logger;
}

const LINGER_MS = 500;

/** Connects at once; nothing arrives before `receive`. */
export class Channels {
  readonly #session: Session;
  readonly #sockets: readonly MessageSocket[];
  readonly #task: MessageSocket;
  readonly #iopub: MessageSocket;
  readonly #held: HeldReplies | undefined;
  readonly #metadata: Dict;
  readonly #log: Logger;
  readonly #drops: DropCounts;
  readonly #transport: Transport;
  readonly #standing: Promise<unknown>;
  #arrived = 0;
  #isClosed = false;

  constructor(options: ChannelsOptions) {
    const { transport, session, info, address, uuid, engineId } = options;
    const leaf = info.broadcast[engineId % info.broadcast.length];
    const ports = [info.mux, info.task, ...(leaf === undefined ? [] : [leaf])];
    this.#transport = transport;
    this.#session = session;
    this.#log = options.log;
    this.#drops = new DropCounts(options.log, "shell");
    this.#metadata = { engine: uuid };
    const standing: Promise<void>[] = [];
    const connect = (kind: "dealer" | "pub", port: number): MessageSocket => {
      let onConnected = (): void => undefined;
      standing.push(new Promise((resolve) => (onConnected = resolve)));
      return transport.connect(kind, [`${address}:${port}`], { identity: uuid, lingerMs: LINGER_MS, onConnected: () => onConnected() });
    };
    this.#sockets = ports.map((port) => connect("dealer", port));
    this.#task = this.#sockets[1] as MessageSocket;
    if (options.packs) {
      for (const socket of this.#sockets) socket.startPacking();
      this.#held = options.holdReplies((replies) => this.#send(this.#task, replies));
    }
    this.#iopub = connect("pub", info.iopub);
    this.#standing = Promise.all(standing);
  }

  /**
   * Waits until every socket's connection stands: what the controller sends before is lost, as is what is published.
   *
   * @returns false when that took longer than `timeoutMs`
   */
  async stand(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs);
    });
    const isStanding = await Promise.race([this.#standing.then(() => true), deadline]);
    clearTimeout(timer);
    return isStanding;
  }

  /** Starts taking requests. */
  receive(hooks: IntakeHooks, onRequest: (incoming: Incoming) => void): void {
    let tasks = 0;
    for (const socket of this.#sockets) {
      socket.receive((frames) => {
        this.#arrived += 1;
        const ordinal = socket === this.#task ? (tasks += 1) : undefined;
        hooks.arrived();
        if (ordinal !== undefined && ordinal <= hooks.recalledThrough) return; // It is to be sent again, here or elsewhere.
        const parsed = this.#session.parse(frames);
        if (!parsed.ok) return this.#drops.count(parsed.reason);
        noteCode(parsed.value.buffers);
        const signature = frames[parsed.value.idents.length + 1] as Frame;
        const incoming = { message: parsed.value, socket, bytes: framesBytes(frames), signature };
        onRequest(ordinal === undefined ? incoming : { ...incoming, ordinal });
      });
    }
  }

  /** A request was given back to the controller: it may be sent again. */
  giveBack(request: Incoming): void {
    this.#session.forget(request.signature);
  }

  /**
   * Sends a reply with the request's complete prefix. After `close` there is nobody to send to, and nothing happens.
   *
   * @param reply.mayWait other requests wait: the reply may be held to leave together with theirs
   */
  reply(request: Incoming, reply: ReadyReply & { readonly mayWait: boolean }): void {
    if (this.#isClosed) return;
    const { message, socket } = request;
    const { msgType, content, metadata, buffers } = reply;
    const frames = this.#session.build(msgType, content, { idents: message.idents, parent: message.header, metadata, buffers });
    if (reply.mayWait && socket === this.#task && this.#held !== undefined) this.#held.add(frames);
    else this.#send(socket, [frames]);
  }

  #send(socket: MessageSocket, replies: readonly (readonly Frame[])[]): void {
    for (const frames of replies) if (!socket.send(frames)) this.#log.error("a reply was lost: the outgoing queue is full", { queued: socket.queued.messages });
    socket.flush(); // What runs next may keep the thread for any length of time.
  }

  /** Publishes on iopub. A message for which the queue has no room is lost, as the pattern has it; so is one after `close`. */
  publish(message: IopubMessage, parent: Dict | undefined, buffers: readonly Frame[] = []): void {
    if (this.#isClosed) return;
    const topic = this.#session.text.encode(message.topic);
    const options = { idents: [topic], metadata: this.#metadata, buffers, ...(parent === undefined ? {} : { parent }) };
    this.#iopub.send(this.#session.build(message.msgType, message.content, options));
  }

  /** Sends out the replies that wait for company. */
  release(): void {
    this.#held?.release();
  }

  /** Stops taking requests until `resume`. */
  pause(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  /** Resolves when everything that had reached this process has been handed on. */
  settle(): Promise<void> {
    return settleIntake(() => this.#arrived);
  }

  /** Sends out what waits, within the linger time, and closes the sockets. */
  async close(): Promise<void> {
    this.release();
    if (!this.#isClosed) this.#drops.logSummary();
    this.#isClosed = true;
    await this.#transport.close();
  }
}
