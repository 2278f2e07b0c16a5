// The one seam between messages and sockets. Everything above speaks to a `Transport`; ZeroMQ and the in-memory twin
// stand behind it, and a `PackingTransport` around either. Above this seam a socket takes and gives whole multipart
// messages, however they travel.

import type { Frame } from "../wire/index.ts";

/** ZeroMQ socket types that the protocol uses. */
export type SocketKind = "router" | "dealer" | "pub" | "sub";

/** Bounds and identity of a socket. */
export interface SocketOptions {
  /** ZeroMQ identity, UTF-8; engines use their uuid. Default: made by the peer's ROUTER. */
  readonly identity?: string;
  /** Messages that may wait in the socket's own outgoing queue; default 100,000. */
  readonly queueMessagesMax?: number;
  /** Bytes that may wait in the socket's own outgoing queue; default 1 GiB. */
  readonly queueBytesMax?: number;
  /** Largest message accepted, in bytes per frame; a peer that sends more is disconnected. Default: no limit. */
  readonly frameBytesMax?: number;
  /** How long `close` tries to deliver what is queued; default 1000. */
  readonly lingerMs?: number;
  /**
   * Whether at a ROUTER a peer takes the place of another one with its identity; default: it is ignored as long as the other's
   * connection has not ended, which may take hours when the network was cut.
   */
  readonly replacesPeers?: boolean;
  /** Called each time a connection to a peer stands, so that messages can come through it. Not called by transports without connections. */
  readonly onConnected?: () => void;
  /** Called each time a connection that stood is gone, unless the socket was closed here. It is tried again until the socket is closed. */
  readonly onDisconnected?: () => void;
  /**
   * How often peers are asked for a sign of life, in milliseconds, below the messages and beside the event loop. One that gives
   * none for three times as long counts as gone. Default: only the end of the connection tells.
   */
  readonly aliveCheckMs?: number;
  /** Called each time a peer that was reached let no connection stand. */
  readonly onRefused?: (reason: Refusal) => void;
}

/**
 * Why no connection stands with a peer that was reached. `security`: one side encrypts and the other does not; the
 * socket does not try again. `handshake`: the peer hung up before it was done, as one with another key does, or spoke
 * something else; the socket may try again.
 */
export type Refusal = "security" | "handshake";

/** Where to listen: port 0 takes a free one. */
export interface BindAddress {
  /** `tcp://127.0.0.1`, `tcp://*`; without port. */
  readonly interface: string;
  readonly port: number;
}

/** Called for each message, in order, synchronously. Must not throw; an exception ends the process' receive loop as a bug. */
export type MessageHandler = (frames: Frame[]) => void;

/** One socket. All methods are for the thread that made it. */
export interface MessageSocket {
  readonly kind: SocketKind;
  /**
   * Queues a message. Never blocks.
   *
   * @returns false when the bounded queue has no room: the message was not taken and the caller decides
   */
  send(frames: readonly Frame[]): boolean;
  /** Starts receiving. */
  receive(onMessage: MessageHandler): void;
  /** Stops taking messages from the wire (back-pressure reaches the peers) until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends now what waits to travel together with later messages, at the latest until this turn's messages are handled. */
  flush(): void;
  /** Tells a DEALER that its peers read packed frames (see `PackingTransport`). Transports that do not pack ignore it. */
  startPacking(): void;
  /** Resolves when everything queued was handed to the network layer. */
  flushed(): Promise<void>;
  /** Messages and bytes waiting in the outgoing queue. */
  readonly queued: { readonly messages: number; readonly bytes: number };
  /** Delivers what is queued within the linger time and closes. Idempotent. */
  close(): Promise<void>;
  /** Closes at once: what has not left is dropped. */
  abort(): Promise<void>;
}

/** Makes sockets. */
export interface Transport {
  /** Binds a socket. Rejects with ConnectionError naming address and cause (address in use, not permitted …). */
  bind(kind: SocketKind, address: BindAddress, options?: SocketOptions): Promise<BoundSocket>;
  /** Connects a socket to one address or more, e.g. `tcp://127.0.0.1:5555`. Returns at once; connecting goes on behind. */
  connect(kind: SocketKind, endpoints: readonly string[], options?: SocketOptions): MessageSocket;
  /** Closes every socket made here. Idempotent. */
  close(): Promise<void>;
}

/** A socket that listens. */
export interface BoundSocket extends MessageSocket {
  /** The port that was bound. */
  readonly port: number;
}
