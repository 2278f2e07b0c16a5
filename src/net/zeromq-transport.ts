// The Transport over ZeroMQ. This file is the only one that imports `zeromq`.
//
// A socket has one `send` and one `receive` under way at most (zeromq.js's hard rule), hence a queue of our own, with
// bounds, in front of each. A DEALER whose peer does not read fills ZeroMQ's queue, then ours, and then refuses. A
// ROUTER's queues in ZeroMQ are unlimited (high-water mark 0) as in the reference, because a full one drops silently;
// what bounds it are the shells' credits. A PUB drops what a slow subscriber has no room for.

import { isAscii } from "node:buffer";
import { isMainThread } from "node:worker_threads";
import { capability, Dealer, Publisher, Router, Subscriber } from "zeromq";
import { ClosedError, ConfigError, ConnectionError, InvalidStateError, RingQueue } from "../base/index.ts";
import { framesBytes, isCurveKey, type Frame } from "../wire/index.ts";
import { newCurveKeyPair, type CurveKeyPair, type CurveOptions } from "./curve.ts";
import { SocketPool, type PooledSocket } from "./socket-pool.ts";
import type { BindAddress, MessageHandler, Refusal, SocketKind, SocketOptions } from "./transport.ts";

const QUEUE_MESSAGES_MAX = 100_000;
const QUEUE_BYTES_MAX = 1024 ** 3;
const LINGER_MS = 1000;
/** Messages that ZeroMQ itself holds for a peer, outgoing from a DEALER and incoming. */
const WAITING_MESSAGES_MAX = 1000;
/** How long messages may be handled in a row before other events of the process get their turn. */
const BURST_MS = 5;
/** Signs of life that a peer may miss in a row. */
const ALIVE_MISSES_MAX = 3;
/** ZeroMQ's last word of a socket comes within this time after it has stopped to linger. */
const SILENCE_MS = 200;

type NativeSocket = Router | Dealer | Publisher | Subscriber;
type Sender = Router | Dealer | Publisher;
type Receiver = Router | Dealer | Subscriber;

function openNative(kind: SocketKind, options: SocketOptions): NativeSocket {
  const { aliveCheckMs } = options;
  const alive = aliveCheckMs === undefined ? {} : { heartbeatInterval: aliveCheckMs, heartbeatTimeout: ALIVE_MISSES_MAX * aliveCheckMs };
  const common = { ...alive, linger: options.lingerMs ?? LINGER_MS, maxMessageSize: options.frameBytesMax ?? -1 };
  const routingId = options.identity === undefined ? {} : { routingId: options.identity };
  const marks = { sendHighWaterMark: 0, receiveHighWaterMark: WAITING_MESSAGES_MAX };
  switch (kind) {
    case "router":
      return new Router({ ...common, ...marks, ...routingId, handover: options.replacesPeers ?? false });
    case "dealer":
      return new Dealer({ ...common, ...marks, ...routingId, sendHighWaterMark: WAITING_MESSAGES_MAX });
    case "pub":
      // Never waits for room, so never for the loop either, which zeromq.js has every 512th message do otherwise.
      return new Publisher({ ...common, sendHighWaterMark: options.queueMessagesMax ?? QUEUE_MESSAGES_MAX, sendTimeout: 0 });
    case "sub": {
      const socket = new Subscriber({ ...common, receiveHighWaterMark: 0 });
      socket.subscribe();
      return socket;
    }
  }
}

/** How sockets encrypt: the keys they were given, and a pair of their own for those that connect. */
interface CurveKeys extends CurveOptions {
  readonly own: CurveKeyPair;
}

/** Completes what a transport was told. A key that is none must not reach ZeroMQ: it crashes the process when that ends. */
function curveKeys(options: CurveOptions): CurveKeys {
  if (capability.curve !== true)
    throw new ConfigError("this platform's ZeroMQ was built without CURVE encryption; run the cluster without --enable-curve, on a network you trust");
  for (const key of [options.secretKey, options.serverKey]) {
    if (key !== undefined && !isCurveKey(key)) throw new ConfigError("a CURVE key is none: it must have 40 characters of Z85");
  }
  return { ...options, own: newCurveKeyPair() };
}

function serve(socket: NativeSocket, { secretKey }: CurveKeys): void {
  if (secretKey === undefined) throw new InvalidStateError("this transport encrypts, and has no secret key to listen with");
  socket.curveServer = true;
  socket.curveSecretKey = secretKey;
}

function trust(socket: NativeSocket, { serverKey, own }: CurveKeys): void {
  if (serverKey === undefined) throw new InvalidStateError("this transport encrypts, and has no server key to connect with");
  socket.curveServerKey = serverKey;
  socket.curvePublicKey = own.publicKey;
  socket.curveSecretKey = own.secretKey;
}

/**
 * What listens to a socket of a thread, and has to fall silent before that thread ends: else the process is aborted. ZeroMQ
 * tells until it has given up what it could not deliver, so there a socket without a connection gives up at once.
 */
class Listening {
  readonly #native: NativeSocket;
  readonly #ended: Promise<void>;
  #stands = false;

  constructor(native: NativeSocket) {
    this.#native = native;
    const { events } = native;
    events.on("handshake", () => (this.#stands = true));
    events.on("disconnect", () => (this.#stands = false));
    this.#ended = new Promise((resolve) => void events.on("end", () => resolve()));
  }

  /** To be called before the socket is closed. */
  prepareEnd(): void {
    if (!this.#stands) this.#native.linger = 0;
  }

  /** Waits, after the socket was closed, for the last event. */
  async ended(timeoutMs: number): Promise<void> {
    await withinMs(this.#ended, timeoutMs);
  }
}

function listenForRefusals({ events }: NativeSocket, onRefused: (reason: Refusal) => void): void {
  events.on("handshake:error:protocol", ({ error }) =>
    onRefused((error as NodeJS.ErrnoException | undefined)?.code === "ERR_ZMTP_MECHANISM_MISMATCH" ? "security" : "handshake"),
  );
  events.on("handshake:error:other", () => onRefused("handshake"));
}

/** Tells of connections that stood and are gone; attempts that fail, which ZeroMQ reports alike, are none. */
function listenForDisconnects({ events }: NativeSocket, onDisconnected: () => void): void {
  let stands = false;
  events.on("handshake", () => (stands = true));
  events.on("disconnect", () => {
    if (stands) onDisconnected();
    stands = false;
  });
}

/** ZeroMQ copies shorter frames itself. */
const TEXT_BYTES_MIN = 129;
/** Copying longer ones would cost more than it spares. */
const TEXT_BYTES_MAX = 16 * 1024;

/**
 * What zeromq.js is given of a frame. An array that it does not copy it gives back by waking this thread from another one,
 * which costs more than copying a short one; a text it takes with it. Plain ASCII is the same bytes as a text.
 */
function handOver(frame: Frame): Frame | string {
  if (frame.length < TEXT_BYTES_MIN || frame.length > TEXT_BYTES_MAX || !isAscii(frame)) return frame;
  return Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString("latin1");
}

class ZeromqSocket implements PooledSocket {
  readonly kind: SocketKind;
  port = 0;
  readonly #native: NativeSocket;
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  readonly #lingerMs: number;
  readonly #curve: CurveKeys | undefined;
  readonly #onClosed: (socket: ZeromqSocket) => void;
  readonly #outgoing = new RingQueue<readonly Frame[]>();
  #outgoingBytes = 0;
  /** Set while ZeroMQ has no room for what waits. */
  #sending: Promise<void> | undefined;
  #lastSend: Promise<void> = Promise.resolve();
  #receiving: Promise<void> | undefined;
  #resumed: (() => void) | undefined;
  #paused: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  readonly #listening: Listening | undefined;

  constructor(kind: SocketKind, options: SocketOptions, curve: CurveKeys | undefined, onClosed: (socket: ZeromqSocket) => void) {
    this.kind = kind;
    this.#curve = curve;
    this.#onClosed = onClosed;
    this.#native = openNative(kind, options);
    if (options.onConnected !== undefined) this.#native.events.on("handshake", options.onConnected);
    if (options.onRefused !== undefined) listenForRefusals(this.#native, options.onRefused);
    const { onDisconnected } = options;
    if (onDisconnected !== undefined) listenForDisconnects(this.#native, () => (this.#closing === undefined ? onDisconnected() : undefined));
    if (!isMainThread && (options.onConnected ?? options.onRefused ?? onDisconnected) !== undefined) this.#listening = new Listening(this.#native);
    this.#messagesMax = options.queueMessagesMax ?? QUEUE_MESSAGES_MAX;
    this.#bytesMax = options.queueBytesMax ?? QUEUE_BYTES_MAX;
    this.#lingerMs = options.lingerMs ?? LINGER_MS;
  }

  get queued(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#outgoing.length, bytes: this.#outgoingBytes };
  }

  async bind(address: BindAddress): Promise<void> {
    const wanted = `${address.interface}:${address.port === 0 ? "*" : address.port}`;
    if (this.#curve !== undefined) serve(this.#native, this.#curve);
    try {
      await this.#native.bind(wanted);
    } catch (cause) {
      await this.close();
      throw new ConnectionError(`cannot listen on ${wanted}: ${bindFailure(cause)}`, { cause });
    }
    this.port = Number(this.#native.lastEndpoint?.split(":").at(-1));
  }

  connect(endpoints: readonly string[]): void {
    if (this.#curve !== undefined) trust(this.#native, this.#curve);
    for (const endpoint of endpoints) {
      try {
        this.#native.connect(endpoint);
      } catch (cause) {
        this.#native.close();
        throw new ConnectionError(`cannot connect to ${endpoint}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      }
    }
  }

  send(frames: readonly Frame[]): boolean {
    if (this.#closing !== undefined) throw new ClosedError("the socket is closed");
    if (this.kind === "sub") throw new InvalidStateError("a subscriber cannot send");
    const bytes = framesBytes(frames);
    const isFull = this.#outgoing.length >= this.#messagesMax || this.#outgoingBytes + bytes > this.#bytesMax;
    if (isFull && this.#outgoing.length > 0) return false;
    this.#outgoing.push(frames);
    this.#outgoingBytes += bytes;
    if (this.#sending === undefined) this.#sendWaiting();
    return true;
  }

  /**
   * Hands over to ZeroMQ what waits. A send is complete when it returns, unless ZeroMQ has no room or, for kinds other than
   * "pub", has had its share of this turn of the loop: then the next one is refused as busy, and the rest waits for it. So
   * messages leave also while the loop does not turn, and no continuation of ours can be lost when user code on an engine
   * is cut short.
   */
  #sendWaiting(): void {
    const sender = this.#native as Sender;
    for (let frames = this.#outgoing.peek(); frames !== undefined; frames = this.#outgoing.peek()) {
      try {
        this.#lastSend = this.#settled(sender.send(frames.map(handOver)));
      } catch (cause) {
        if ((cause as { code?: unknown }).code !== "EBUSY") {
          this.#takeSent(frames);
          throw cause;
        }
        this.#sending = this.#sendRest(this.#lastSend);
        return;
      }
      this.#takeSent(frames);
    }
  }

  #takeSent(frames: readonly Frame[]): void {
    this.#outgoing.shift();
    this.#outgoingBytes -= framesBytes(frames);
  }

  async #sendRest(busy: Promise<void>): Promise<void> {
    await busy;
    this.#sending = undefined;
    if (!this.#native.closed) this.#sendWaiting();
  }

  /** The one way to fail with unlimited marks is that the socket was closed under the message. */
  async #settled(send: Promise<void>): Promise<void> {
    try {
      await send;
    } catch (cause) {
      if (!this.#native.closed) throw cause;
    }
  }

  receive(onMessage: MessageHandler): void {
    if (this.#receiving !== undefined) throw new InvalidStateError("the socket is receiving already");
    this.#receiving = this.#receiveAll(onMessage);
  }

  async #receiveAll(onMessage: MessageHandler): Promise<void> {
    const receiver = this.#native as Receiver;
    /** When the messages began that come without a pause; 0: there was one. */
    let burstBegan = 0;
    while (!receiver.closed) {
      let frames: Buffer[];
      try {
        frames = await receiver.receive();
      } catch (cause) {
        if (receiver.closed || this.#closing !== undefined) return;
        throw cause;
      }
      // A receive was under way when the pause began: its message waits here, and nothing more is taken.
      while (this.#paused !== undefined) await this.#paused;
      // Whoever closes does not expect to be called any more.
      if (this.#closing !== undefined) return;
      if (burstBegan === 0) burstBegan = performance.now();
      onMessage(frames);
      if (receiver.closed || !receiver.readable) burstBegan = 0;
      else if (performance.now() - burstBegan >= BURST_MS) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        burstBegan = performance.now();
      }
    }
  }

  pause(): void {
    this.#paused ??= new Promise<void>((resolve) => {
      this.#resumed = resolve;
    });
  }

  resume(): void {
    this.#paused = undefined;
    this.#resumed?.();
    this.#resumed = undefined;
  }

  /** Nothing waits for company here. */
  flush(): void {}

  /** Has no packed form. */
  startPacking(): void {}

  async flushed(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
    await this.#lastSend;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeOnce(this.#lingerMs);
    return this.#closing;
  }

  abort(): Promise<void> {
    this.#outgoing.clear();
    this.#outgoingBytes = 0;
    if (!this.#native.closed) this.#native.linger = 0;
    this.#closing ??= this.#closeOnce(0);
    return this.#closing;
  }

  async #closeOnce(lingerMs: number): Promise<void> {
    if (lingerMs > 0) await withinMs(this.flushed(), lingerMs);
    this.#listening?.prepareEnd();
    this.#native.close();
    this.resume();
    await this.#receiving;
    await this.#listening?.ended(this.#lingerMs + SILENCE_MS);
    this.#onClosed(this);
  }
}

async function withinMs(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, deadline]);
  clearTimeout(timer);
}

function bindFailure(cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  if (code === "EADDRINUSE") return "the port is in use; choose another, or 0 for any";
  if (code === "EADDRNOTAVAIL" || code === "ENODEV") return "this machine has no such address";
  if (code === "EACCES") return "not permitted";
  return cause instanceof Error ? cause.message : String(cause);
}

/** Sockets over ZeroMQ TCP. */
export class ZeromqTransport extends SocketPool<ZeromqSocket> {
  /**
   * @param curve encrypts every socket; default: nothing is encrypted
   * @throws ConfigError for a key that is none, or when this platform's ZeroMQ cannot encrypt
   */
  constructor(curve?: CurveOptions) {
    const keys = curve === undefined ? undefined : curveKeys(curve);
    super((kind, options, onClosed) => new ZeromqSocket(kind, options, keys, onClosed));
  }
}
