// A transport whose connections go through a tunnel; closing it closes the tunnel.

import type { SshTunnel } from "../launch/index.ts";
import type { BindAddress, BoundSocket, MessageSocket, SocketKind, SocketOptions, Transport } from "../net/index.ts";

/** Connects to the tunnel's local ports in place of those asked for. */
export class TunnelledTransport implements Transport {
  readonly #inner: Transport;
  readonly #tunnel: SshTunnel;

  constructor(inner: Transport, tunnel: SshTunnel) {
    this.#inner = inner;
    this.#tunnel = tunnel;
  }

  bind(kind: SocketKind, address: BindAddress, options?: SocketOptions): Promise<BoundSocket> {
    return this.#inner.bind(kind, address, options);
  }

  connect(kind: SocketKind, endpoints: readonly string[], options?: SocketOptions): MessageSocket {
    const local = endpoints.map((endpoint) => `tcp://127.0.0.1:${this.#tunnel.localPort(Number(/\d+$/.exec(endpoint)?.[0]))}`);
    return this.#inner.connect(kind, local, options);
  }

  async close(): Promise<void> {
    await this.#inner.close();
    await this.#tunnel.close();
  }
}
