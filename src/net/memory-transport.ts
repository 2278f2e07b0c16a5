// The in-memory twin of the ZeroMQ transport: the same sockets, in one process, without a network. It passes the same
// contract (`test/contract/transport.ts`); what ZeroMQ does to messages is done here too: a ROUTER puts the sender's
// identity in front and takes the receiver's away, drops what is for nobody, a DEALER waits for a peer, a PUB loses
// messages of a subscriber that does not keep up, a peer without the server key never meets a socket that encrypts (whose
// messages are not encrypted: nobody listens here). Ports are numbers in a `MemoryNetwork`, which stands for the machine.

import { ClosedError, ConnectionError, InvalidStateError, RingQueue } from "../base/index.ts";
import { framesBytes, type Frame } from "../wire/index.ts";
import { curveKeyPair, type CurveOptions } from "./curve.ts";
import { SocketPool, type PooledSocket } from "./socket-pool.ts";
import type { BindAddress, MessageHandler, SocketKind, SocketOptions } from "./transport.ts";

const QUEUE_MESSAGES_MAX = 100_000;
const QUEUE_BYTES_MAX = 1024 ** 3;
const LINGER_MS = 1000;
/** Messages that wait at a receiver before DEALERs hold theirs back. */
const INCOMING_MESSAGES_MAX = 1000;
/** Messages handled in a row before other events of the process get their turn. */
const BURST_MAX = 256;
const FIRST_FREE_PORT = 49_152;
const LAST_PORT = 65_535;

/** Where sockets find one another: the ports of one imagined machine. */
export class MemoryNetwork {
  readonly #bound = new Map<number, MemorySocket>();
  /** Sockets that connect to a port, bound or not: as with ZeroMQ, whoever comes first waits for the other. */
  readonly #connecting = new Map<number, Set<MemorySocket>>();
  #nextPort = FIRST_FREE_PORT;

  /** Gives a port to a socket. Throws ConnectionError when it is taken, or all are. */
  bind(socket: MemorySocket, address: BindAddress): number {
    const port = address.port === 0 ? this.#freePort() : address.port;
    if (this.#bound.has(port)) throw new ConnectionError(`cannot listen on ${address.interface}:${port}: the port is in use; choose another, or 0 for any`);
    this.#bound.set(port, socket);
    for (const peer of this.#connecting.get(port) ?? []) peer.meet(socket);
    return port;
  }

  connect(socket: MemorySocket, port: number): void {
    const sockets = this.#connecting.get(port) ?? new Set();
    this.#connecting.set(port, sockets.add(socket));
    const bound = this.#bound.get(port);
    if (bound !== undefined) socket.meet(bound);
  }

  /** Forgets a socket that closes. */
  leave(socket: MemorySocket): void {
    if (this.#bound.get(socket.port) === socket) this.#bound.delete(socket.port);
    for (const [port, sockets] of this.#connecting) if (sockets.delete(socket) && sockets.size === 0) this.#connecting.delete(port);
  }

  #freePort(): number {
    for (let tries = FIRST_FREE_PORT; tries <= LAST_PORT; tries += 1) {
      const port = this.#nextPort;
      this.#nextPort = port === LAST_PORT ? FIRST_FREE_PORT : port + 1;
      if (!this.#bound.has(port)) return port;
    }
    throw new ConnectionError("cannot listen: every port of the memory network is in use");
  }
}

/** The other end of a connection, as one socket sees it. */
interface Peer {
  readonly socket: MemorySocket;
  /** Identity under which a ROUTER knows it, as bytes and as text. */
  readonly identity: Buffer;
  readonly key: string;
}

let anonymousPeers = 0;

/** A fresh identity as ROUTERs make them for peers that have none: a zero byte and a number. */
function anonymousIdentity(): Buffer {
  anonymousPeers += 1;
  const identity = Buffer.alloc(5);
  identity.writeUInt32BE(anonymousPeers >>> 0, 1);
  return identity;
}

/** Public keys: of whom listens here, and of whom one wants to meet. */
interface Keys {
  readonly own: string | undefined;
  readonly wanted: string | undefined;
}

class MemorySocket implements PooledSocket {
  readonly kind: SocketKind;
  port = 0;
  readonly #keys: Keys;
  readonly #network: MemoryNetwork;
  readonly #options: SocketOptions;
  readonly #onClosed: (socket: MemorySocket) => void;
  /** Peers by identity, in the order of connecting. */
  readonly #peers = new Map<string, Peer>();
  readonly #outgoing = new RingQueue<readonly Frame[]>();
  #outgoingBytes = 0;
  readonly #incoming = new RingQueue<Frame[]>();
  #onMessage: MessageHandler | undefined;
  #isPaused = false;
  #isPumping = false;
  #isDraining = false;
  #turn = 0;
  #flushWaiters: (() => void)[] = [];
  #closing: Promise<void> | undefined;
  #isGone = false;

  constructor(kind: SocketKind, network: MemoryNetwork, keys: Keys, options: SocketOptions, onClosed: (socket: MemorySocket) => void) {
    this.kind = kind;
    this.#keys = keys;
    this.#network = network;
    this.#options = options;
    this.#onClosed = onClosed;
  }

  get queued(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#outgoing.length, bytes: this.#outgoingBytes };
  }

  bind(address: BindAddress): void {
    this.port = this.#network.bind(this, address);
  }

  connect(endpoints: readonly string[]): void {
    for (const endpoint of endpoints) this.#network.connect(this, portOf(endpoint));
  }

  /** Connects with a bound socket, unless the keys differ or a ROUTER on either side has a peer of that name already, and keeps it. */
  meet(bound: MemorySocket): void {
    const { own } = bound.#keys;
    const { wanted } = this.#keys;
    if (own !== wanted) {
      const reason = own === undefined || wanted === undefined ? "security" : "handshake";
      queueMicrotask(() => this.#options.onRefused?.(reason));
      return;
    }
    const mine = this.#identity();
    const theirs = bound.#identity();
    const former = bound.#peers.get(mine.toString("latin1"));
    if (former !== undefined && bound.#options.replacesPeers === true) bound.#part(former.socket);
    if (bound.#peers.has(mine.toString("latin1")) || this.#peers.has(theirs.toString("latin1"))) return;
    this.#addPeer(bound, theirs);
    bound.#addPeer(this, mine);
  }

  #identity(): Buffer {
    return this.#options.identity === undefined ? anonymousIdentity() : Buffer.from(this.#options.identity, "utf8");
  }

  #addPeer(socket: MemorySocket, identity: Buffer): void {
    const key = identity.toString("latin1");
    this.#peers.set(key, { socket, identity, key });
    this.#tellSoon(this.#options.onConnected);
    this.#pumpSoon();
  }

  /** Never within the call that caused it, as over a network. */
  #tellSoon(listener: (() => void) | undefined): void {
    if (listener === undefined) return;
    queueMicrotask(() => {
      if (this.#closing === undefined) listener();
    });
  }

  send(frames: readonly Frame[]): boolean {
    if (this.#closing !== undefined) throw new ClosedError("the socket is closed");
    if (this.kind === "sub") throw new InvalidStateError("a subscriber cannot send");
    const bytes = framesBytes(frames);
    const { queueMessagesMax = QUEUE_MESSAGES_MAX, queueBytesMax = QUEUE_BYTES_MAX } = this.#options;
    const isFull = this.#outgoing.length >= queueMessagesMax || this.#outgoingBytes + bytes > queueBytesMax;
    if (isFull && this.#outgoing.length > 0) return false;
    this.#outgoing.push(frames);
    this.#outgoingBytes += bytes;
    this.#pumpSoon();
    return true;
  }

  /** Never within `send`: a caller is not to find itself in another's message handler. */
  #pumpSoon(): void {
    if (this.#isPumping || this.#outgoing.length === 0) return;
    this.#isPumping = true;
    queueMicrotask(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (let frames = this.#outgoing.peek(); frames !== undefined && !this.#isGone; frames = this.#outgoing.peek()) {
      if (!this.#dispatch(frames)) return;
      this.#outgoing.shift();
      this.#outgoingBytes -= framesBytes(frames);
    }
    const waiters = this.#flushWaiters;
    this.#flushWaiters = [];
    for (const done of waiters) done();
  }

  /** Hands one message on, or drops it as ZeroMQ would; false when it has to wait. */
  #dispatch(frames: readonly Frame[]): boolean {
    if (this.kind === "router") {
      const [identity, ...rest] = frames;
      const peer = identity === undefined ? undefined : this.#peers.get(Buffer.from(identity).toString("latin1"));
      if (peer !== undefined) peer.socket.#take(rest, this);
      return true;
    }
    if (this.kind === "pub") {
      const waitingMax = this.#options.queueMessagesMax ?? QUEUE_MESSAGES_MAX;
      for (const peer of this.#peers.values()) if (peer.socket.#incoming.length < waitingMax) peer.socket.#take(frames, this);
      return true;
    }
    const peers = [...this.#peers.values()];
    for (let tries = 0; tries < peers.length; tries += 1) {
      const peer = peers[(this.#turn + tries) % peers.length] as Peer;
      if (peer.socket.#incoming.length >= INCOMING_MESSAGES_MAX) continue;
      this.#turn = (this.#turn + tries + 1) % peers.length;
      peer.socket.#take(frames, this);
      return true;
    }
    return false;
  }

  /** A message arrives. The bytes are copied: over a network, too, sender and receiver share none. */
  #take(frames: readonly Frame[], from: MemorySocket): void {
    if (this.#isGone) return;
    const { frameBytesMax } = this.#options;
    if (frameBytesMax !== undefined && frames.some((frame) => frame.length > frameBytesMax)) {
      this.#part(from);
      return;
    }
    const copy: Frame[] = frames.map((frame) => Buffer.from(frame));
    if (this.kind === "router") copy.unshift(this.#peerOf(from)?.identity ?? anonymousIdentity());
    this.#incoming.push(copy);
    this.#drainSoon();
  }

  #peerOf(socket: MemorySocket): Peer | undefined {
    for (const peer of this.#peers.values()) if (peer.socket === socket) return peer;
    return undefined;
  }

  #part(other: MemorySocket): void {
    for (const [one, two] of [
      [this, other],
      [other, this],
    ] as const) {
      const peer = one.#peerOf(two);
      if (peer === undefined) continue;
      one.#peers.delete(peer.key);
      one.#tellSoon(one.#options.onDisconnected);
    }
  }

  receive(onMessage: MessageHandler): void {
    if (this.#onMessage !== undefined) throw new InvalidStateError("the socket is receiving already");
    this.#onMessage = onMessage;
    this.#drainSoon();
  }

  #drainSoon(): void {
    if (this.#isDraining || this.#isPaused || this.#onMessage === undefined || this.#incoming.length === 0) return;
    this.#isDraining = true;
    setImmediate(() => {
      this.#isDraining = false;
      this.#drain();
    });
  }

  #drain(): void {
    const wasFull = this.#incoming.length >= INCOMING_MESSAGES_MAX;
    for (let burst = 0; burst < BURST_MAX && !this.#isPaused && this.#closing === undefined; burst += 1) {
      const frames = this.#incoming.shift();
      if (frames === undefined) break;
      this.#onMessage?.(frames);
    }
    if (wasFull) for (const peer of this.#peers.values()) peer.socket.#pumpSoon();
    if (this.#closing === undefined) this.#drainSoon();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#drainSoon();
  }

  /** Nothing waits for company here. */
  flush(): void {}

  /** Has no packed form. */
  startPacking(): void {}

  async flushed(): Promise<void> {
    if (this.#outgoing.length > 0 && !this.#isGone) await new Promise<void>((resolve) => this.#flushWaiters.push(resolve));
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  abort(): Promise<void> {
    this.#outgoing.clear();
    this.#outgoingBytes = 0;
    for (const done of this.#flushWaiters.splice(0)) done();
    return this.close();
  }

  async #closeOnce(): Promise<void> {
    if (this.#outgoing.length > 0) {
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, this.#options.lingerMs ?? LINGER_MS);
      });
      await Promise.race([this.flushed(), deadline]);
      clearTimeout(timer);
    }
    this.#isGone = true;
    this.#network.leave(this);
    for (const peer of this.#peers.values()) this.#part(peer.socket);
    this.#outgoing.clear();
    this.#outgoingBytes = 0;
    this.#incoming.clear();
    for (const done of this.#flushWaiters) done();
    this.#onClosed(this);
  }
}

function portOf(endpoint: string): number {
  const port = Number(/^tcp:\/\/[^:]+:(\d+)$/.exec(endpoint)?.[1]);
  if (!Number.isInteger(port) || port < 1 || port > LAST_PORT)
    throw new ConnectionError(`cannot connect to ${endpoint}: an address is written tcp://host:port`);
  return port;
}

/** Sockets within one process. Transports that are to meet share a network. */
export class MemoryTransport extends SocketPool<MemorySocket> {
  /**
   * @param network where ports are looked up; default one of its own
   * @param curve keys without which nobody meets; default none
   */
  constructor(network: MemoryNetwork = new MemoryNetwork(), curve: CurveOptions = {}) {
    const { secretKey, serverKey: wanted } = curve;
    const keys = { own: secretKey === undefined ? undefined : curveKeyPair(secretKey).publicKey, wanted };
    super((kind, options, onClosed) => new MemorySocket(kind, network, keys, options, onClosed));
  }
}
