// A Transport around another one whose DEALER and ROUTER sockets put small messages together in packed frames
// (`wire/packed-frame.ts`) for peers that read them. Above and below it nothing changes: a socket takes and gives whole
// multipart messages, in order.
//
// Who reads packed frames: a ROUTER of this kind always does, and learns of a peer that it does from the first packed
// frame that comes from it. A DEALER is told by `startPacking`, and greets its ROUTER with an empty packed frame.
// To any other peer messages go plain. The bounds of a socket's queue count what goes over the wire: packed frames.
//
// When a packed frame leaves: when it is large enough, when `flush` is called, and at the latest when the messages that
// have arrived by now are handled (`process.nextTick` runs behind all promise continuations). So messages travel together
// where there are many, and alone, without delay, where there are few.

import { ClosedError, RingQueue } from "../base/index.ts";
import { isPacked, packedBytes, packMessages, unpackMessages, type Frame } from "../wire/index.ts";
import type { BindAddress, BoundSocket, MessageHandler, MessageSocket, SocketKind, SocketOptions, Transport } from "./transport.ts";

/** A larger message goes alone and plain: copying it would cost more than it spares. */
const MESSAGE_BYTES_MAX = 16 * 1024;
/** A packed frame of this size leaves at once. */
const BATCH_BYTES = 64 * 1024;
const BATCH_MESSAGES = 128;
/** Packing peers that a ROUTER remembers; one that is forgotten gets plain messages until it sends a packed frame again. */
const PEERS_MAX = 65_536;
const LINGER_MS = 1000;

/** Messages for one peer that leave together. */
interface Batch {
  /** Identity of the peer, at a ROUTER. */
  readonly prefix: readonly Frame[];
  messages: (readonly Frame[])[];
  bytes: number;
  /** Leaves even with nothing in it, to greet. */
  greets: boolean;
}

const makeBatch = (prefix: readonly Frame[], greets: boolean): Batch => ({ prefix, messages: [], bytes: 0, greets });

const allocate = (length: number): Frame => Buffer.allocUnsafe(length);

const keyOf = (identity: Frame): string => Buffer.from(identity.buffer, identity.byteOffset, identity.byteLength).toString("latin1");

class PackingSocket implements BoundSocket {
  readonly kind: SocketKind;
  readonly port: number;
  readonly #inner: MessageSocket;
  readonly #lingerMs: number;
  readonly #onClosed: (socket: PackingSocket) => void;
  /** Batches of the peers that read packed frames, by identity; a DEALER's one peer is "". */
  readonly #peers = new Map<string, Batch>();
  /** Batches that have something to send, in the order in which they got it. */
  readonly #waiting = new Set<Batch>();
  #flushIsDue = false;
  /** Set while the inner socket has no room. */
  #retrying: Promise<void> | undefined;
  #onMessage: MessageHandler = () => undefined;
  /** Messages of packed frames that came before a pause ended their delivery. */
  readonly #held = new RingQueue<Frame[]>();
  #isPaused = false;
  #closing: Promise<void> | undefined;

  constructor(inner: MessageSocket, port: number, options: SocketOptions, onClosed: (socket: PackingSocket) => void) {
    this.kind = inner.kind;
    this.port = port;
    this.#inner = inner;
    this.#lingerMs = options.lingerMs ?? LINGER_MS;
    this.#onClosed = onClosed;
  }

  get queued(): { readonly messages: number; readonly bytes: number } {
    let { messages, bytes } = this.#inner.queued;
    for (const batch of this.#waiting) {
      messages += batch.messages.length;
      bytes += batch.bytes;
    }
    return { messages, bytes };
  }

  startPacking(): void {
    if (this.kind !== "dealer" || this.#peers.size > 0) return;
    const batch = makeBatch([], true);
    this.#peers.set("", batch);
    this.#sendSoon(batch);
  }

  send(frames: readonly Frame[]): boolean {
    if (this.#closing !== undefined) throw new ClosedError("the socket is closed");
    const batch = this.#batchFor(frames);
    if (batch === undefined) return this.#inner.send(frames);
    const message = batch.prefix.length === 0 ? frames : frames.slice(1);
    const bytes = packedBytes(message);
    if (bytes > MESSAGE_BYTES_MAX) return this.#leave(batch) && this.#inner.send(frames);
    if (this.#isFull(batch) && !this.#leave(batch)) return false;
    batch.messages.push(message);
    batch.bytes += bytes;
    if (!this.#isFull(batch) || !this.#leave(batch)) this.#sendSoon(batch);
    return true;
  }

  #batchFor(frames: readonly Frame[]): Batch | undefined {
    if (this.#peers.size === 0) return undefined;
    const [identity] = frames;
    return this.#peers.get(this.kind === "router" && identity !== undefined ? keyOf(identity) : "");
  }

  #isFull(batch: Batch): boolean {
    return batch.bytes >= BATCH_BYTES || batch.messages.length >= BATCH_MESSAGES;
  }

  #sendSoon(batch: Batch): void {
    this.#waiting.add(batch);
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    process.nextTick(() => {
      this.#flushIsDue = false;
      this.flush();
    });
  }

  flush(): void {
    for (const batch of this.#waiting) if (!this.#leave(batch)) return;
  }

  /** Hands a batch on; false when the inner socket has no room for it: then it is tried again when there is. */
  #leave(batch: Batch): boolean {
    if (batch.messages.length > 0 || batch.greets) {
      if (this.#retrying !== undefined || !this.#inner.send([...batch.prefix, packMessages(batch.messages, batch.bytes, allocate)])) {
        // Ends when there is room or the socket is closed; it cannot fail otherwise.
        this.#retrying ??= this.#retry();
        return false;
      }
      batch.messages = [];
      batch.bytes = 0;
      batch.greets = false;
    }
    this.#waiting.delete(batch);
    return true;
  }

  async #retry(): Promise<void> {
    await this.#inner.flushed();
    this.#retrying = undefined;
    if (this.#closing === undefined) this.flush();
  }

  receive(onMessage: MessageHandler): void {
    this.#onMessage = onMessage;
    this.#inner.receive((frames) => this.#take(frames));
  }

  #take(frames: Frame[]): void {
    const at = this.kind === "router" ? 1 : 0;
    const packed = frames[at];
    if (frames.length !== at + 1 || packed === undefined || !isPacked(packed)) return this.#onMessage(frames);
    const prefix = frames.slice(0, at);
    const messages = unpackMessages(packed, prefix);
    // Nothing of a broken frame is taken; the reader drops and counts it as what it is, no message.
    if (messages === undefined) return this.#onMessage(frames);
    if (at === 1) this.#note(prefix as [Frame]);
    for (const message of messages) {
      if (this.#isPaused) this.#held.push(message);
      else if (this.#closing === undefined) this.#onMessage(message);
    }
  }

  /** A peer has shown that it speaks the packed form. */
  #note(prefix: readonly [Frame]): void {
    const key = keyOf(prefix[0]);
    if (this.#peers.has(key)) return;
    // A copy: the frame that came is part of a larger buffer, which would stay for as long.
    this.#peers.set(key, makeBatch([Buffer.from(prefix[0])], false));
    if (this.#peers.size <= PEERS_MAX) return;
    for (const [oldest, batch] of this.#peers) {
      if (this.#leave(batch)) this.#peers.delete(oldest);
      return;
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#inner.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#closing !== undefined) return;
    for (let held = this.#held.shift(); held !== undefined; held = this.#held.shift()) {
      this.#onMessage(held);
      // The handler has called `pause`, which cannot be seen from here.
      if (this.#isPaused as boolean) return;
    }
    this.#inner.resume();
  }

  async flushed(): Promise<void> {
    this.flush();
    while (this.#retrying !== undefined) await this.#retrying;
    await this.#inner.flushed();
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    const end = Date.now() + this.#lingerMs;
    this.flush();
    while (this.#waiting.size > 0 && Date.now() < end) {
      await this.#roomOrDeadline(end - Date.now());
      this.flush();
    }
    await this.#inner.close();
    this.#forget();
  }

  abort(): Promise<void> {
    // An end in order that is under way has nothing left to wait for then.
    this.#waiting.clear();
    const aborted = this.#inner.abort();
    this.#closing ??= aborted.then(() => this.#forget());
    return this.#closing;
  }

  #forget(): void {
    this.#waiting.clear();
    this.#peers.clear();
    this.#held.clear();
    this.#onClosed(this);
  }

  async #roomOrDeadline(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#retrying ?? this.#inner.flushed(), deadline]);
    clearTimeout(timer);
  }
}

/** Puts small messages together for peers that read packed frames. Closes the transport it is around. */
export class PackingTransport implements Transport {
  readonly #inner: Transport;
  readonly #sockets = new Set<PackingSocket>();

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  async bind(kind: SocketKind, address: BindAddress, options: SocketOptions = {}): Promise<BoundSocket> {
    const inner = await this.#inner.bind(kind, address, options);
    return kind === "router" || kind === "dealer" ? this.#around(inner, inner.port, options) : inner;
  }

  connect(kind: SocketKind, endpoints: readonly string[], options: SocketOptions = {}): MessageSocket {
    const inner = this.#inner.connect(kind, endpoints, options);
    return kind === "router" || kind === "dealer" ? this.#around(inner, 0, options) : inner;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sockets].map((socket) => socket.close()));
    await this.#inner.close();
  }

  #around(inner: MessageSocket, port: number, options: SocketOptions): PackingSocket {
    const socket = new PackingSocket(inner, port, options, (closed) => this.#sockets.delete(closed));
    this.#sockets.add(socket);
    return socket;
  }
}
