// What each engine owes: bytes of requests that were handed to it on the mux channel and not answered yet. It bounds
// the memory of a controller whose engine has stopped reading: ZeroMQ itself would queue without end.

import type { EngineUuid } from "../../base/index.ts";

interface EngineAccount {
  /** Requests without reply, with their sizes. */
  readonly requests: Map<string, number>;
  /** The sum over `requests`. */
  requestBytes: number;
  /** Bytes of messages that get no reply (comm and the like) since the engine last answered anything. */
  otherBytes: number;
}

/** One account for each engine. */
export class MuxLedger {
  readonly #accounts = new Map<string, EngineAccount>();
  /** Bytes an engine may owe. */
  readonly bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  open(engine: EngineUuid): void {
    this.#accounts.set(engine, { requests: new Map(), requestBytes: 0, otherBytes: 0 });
  }

  close(engine: EngineUuid): void {
    this.#accounts.delete(engine);
  }

  has(engine: string): boolean {
    return this.#accounts.has(engine);
  }

  /** Bytes the engine owes. */
  owed(engine: string): number {
    const account = this.#accounts.get(engine);
    return account === undefined ? 0 : account.requestBytes + account.otherBytes;
  }

  /** Requests that the engine has not answered. */
  requestsOf(engine: string): number {
    return this.#accounts.get(engine)?.requests.size ?? 0;
  }

  /** Whether so many bytes more fit; one message always fits an engine that owes nothing. */
  hasRoom(engine: string, bytes: number): boolean {
    const owed = this.owed(engine);
    return owed === 0 || owed + bytes <= this.bytesMax;
  }

  /** Notes a message on its way; `requestId` when a reply will come. */
  sent(engine: string, requestId: string | undefined, bytes: number): void {
    const account = this.#accounts.get(engine);
    if (account === undefined) return;
    if (requestId === undefined) {
      account.otherBytes += bytes;
      return;
    }
    account.requestBytes += bytes - (account.requests.get(requestId) ?? 0);
    account.requests.set(requestId, bytes);
  }

  /** Notes that an engine answered: it has read all that came before. */
  answered(engine: string, requestId: string): void {
    const account = this.#accounts.get(engine);
    if (account === undefined) return;
    account.otherBytes = 0;
    account.requestBytes -= account.requests.get(requestId) ?? 0;
    account.requests.delete(requestId);
  }
}
