// Connections between engines, without the controller: each listens on a port of its own, connects to the one after it, and is connected
// to by the one before. Who does not begin with the secret of this run is not let in. These functions run on the engines.

import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An engine that listens. */
export interface Listener {
  readonly server: Server;
  /** The connection of the engine before this one. */
  readonly previous: Promise<Neighbour>;
}

/** How long an engine waits for a neighbour to connect, or for its next row. */
const PATIENCE_MS = 30_000;

/** Messages to and from one neighbour: arrays of numbers, each as long as the last. */
export class Neighbour {
  readonly socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket.setNoDelay(true).setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`a neighbour said nothing for ${PATIENCE_MS / 1000} s`)));
    socket.on("error", () => {}); // whoever waits for the next row is told
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  send(row: Float64Array): void {
    this.socket.write(new Uint8Array(row.slice().buffer)); // a copy: the row goes on changing
  }

  /** The next bytes, as many as asked for. */
  async receive(bytes: number): Promise<Buffer> {
    while (this.#rest.length < bytes) {
      const { value, done } = await this.#chunks.next();
      if (done === true) throw new Error("a neighbour has hung up");
      this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    }
    const message = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return message;
  }

  /** Puts the next row into the place of an old one. */
  async receiveInto(row: Float64Array): Promise<void> {
    new Uint8Array(row.buffer, row.byteOffset, row.byteLength).set(await this.receive(row.byteLength));
  }
}

/** Listens on a free port. */
export async function listen(host: string, secret: Uint8Array): Promise<Listener & { readonly address: Address }> {
  const server = createServer();
  const previous = new Promise<Neighbour>((resolve) => {
    server.on("connection", (socket) => {
      const neighbour = new Neighbour(socket);
      neighbour.receive(secret.length).then(
        (told) => (timingSafeEqual(told, secret) ? resolve(neighbour) : socket.destroy()),
        () => socket.destroy(),
      );
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  return { server, previous, address: { host, port: (server.address() as AddressInfo).port } };
}

/** Connects to the engine after this one. */
export async function join({ host, port }: Address, secret: Uint8Array): Promise<Neighbour> {
  const socket = connect(port, host);
  await once(socket, "connect", { signal: AbortSignal.timeout(PATIENCE_MS) });
  socket.write(secret);
  return new Neighbour(socket);
}
