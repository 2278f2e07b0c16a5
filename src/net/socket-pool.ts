// What all transports that make sockets of their own have in common: to make, to keep count, to close.

import type { BindAddress, BoundSocket, MessageSocket, SocketKind, SocketOptions, Transport } from "./transport.ts";

/** A socket that is made first and bound or connected then. */
export interface PooledSocket extends BoundSocket {
  bind(address: BindAddress): void | Promise<void>;
  connect(endpoints: readonly string[]): void;
}

/** Makes a socket; `onClosed` is to be called when it has closed. */
type Make<S> = (kind: SocketKind, options: SocketOptions, onClosed: (socket: S) => void) => S;

/** A Transport over sockets of one kind. */
export class SocketPool<S extends PooledSocket> implements Transport {
  readonly #make: Make<S>;
  readonly #sockets = new Set<S>();

  constructor(make: Make<S>) {
    this.#make = make;
  }

  async bind(kind: SocketKind, address: BindAddress, options: SocketOptions = {}): Promise<BoundSocket> {
    const socket = this.#open(kind, options);
    this.#sockets.add(socket);
    await socket.bind(address);
    return socket;
  }

  connect(kind: SocketKind, endpoints: readonly string[], options: SocketOptions = {}): MessageSocket {
    const socket = this.#open(kind, options);
    socket.connect(endpoints);
    this.#sockets.add(socket);
    return socket;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sockets].map((socket) => socket.close()));
  }

  #open(kind: SocketKind, options: SocketOptions): S {
    return this.#make(kind, options, (socket) => this.#sockets.delete(socket));
  }
}
