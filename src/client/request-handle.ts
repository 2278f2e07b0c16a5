// The shell's side of one request: its value or error once decoded, and who waits for it. Results are made of these.

import { InvariantError } from "../base/index.ts";
import type { OutputChange, RequestRecord, ResultPart } from "../core/client/index.ts";
import type { Reading } from "./engine-call.ts";
import type { Dict, Frame, Header, Message } from "../wire/index.ts";

/** A message that has not been signed and sent yet. */
export interface Transmission {
  readonly msgType: string;
  readonly header: Header;
  readonly content: Dict;
  readonly metadata: Dict;
  readonly idents: readonly Frame[];
  readonly buffers: readonly Frame[];
}

/** Called when something was printed or shown; the message is the raw one. */
export type OutputListener = (handle: RequestHandle, change: OutputChange, message: Message) => void;

/** One request and its end. */
export class RequestHandle implements ResultPart {
  readonly itemCount: number;
  state: "pending" | "ok" | "failed" = "pending";
  /** How the reply is to be read, when this is a call made here. */
  reading: Reading | undefined;
  /** Engines were told to stop it. */
  isCancelled = false;
  /** Of a request that is submitted again: fulfilled when the Hub has told its new id, or has refused. */
  renamed: Promise<void> | undefined;
  /** Present until the message was sent. */
  transmission: Transmission | undefined;
  /** Whether memory of the caller may still be read by the network layer: it has out-of-band buffers and nobody acknowledged them. */
  isInFlight: boolean;
  #record: RequestRecord<RequestHandle> | undefined;
  #value: unknown;
  #error: Error | undefined;
  #settledListeners: Set<() => void> | undefined;
  #sentListeners: Set<() => void> | undefined;
  #completeListeners: Set<() => void> | undefined;
  #outputListeners: Set<OutputListener> | undefined;

  constructor(itemCount: number, hasLargeBuffers: boolean, transmission?: Transmission) {
    this.itemCount = itemCount;
    this.isInFlight = hasLargeBuffers;
    this.transmission = transmission;
  }

  get record(): RequestRecord<RequestHandle> {
    if (this.#record === undefined) throw new InvariantError("a request handle was used before its record was set");
    return this.#record;
  }

  set record(record: RequestRecord<RequestHandle>) {
    this.#record = record;
  }

  /** The value; meaningful when `state` is `ok`. */
  get value(): unknown {
    return this.#value;
  }

  /** The error; present when `state` is `failed`. */
  get error(): Error | undefined {
    return this.#error;
  }

  succeed(value: unknown): void {
    this.#value = value;
    this.#end("ok");
  }

  /** Whether somebody has looked at how it failed. */
  isSeen = false;
  /** Called once when somebody first looks at the error. */
  onSeen: (() => void) | undefined;

  /** The error, for a user: whoever looks is told, and nobody needs to be told again. */
  lookAtError(): Error | undefined {
    if (this.#error !== undefined && !this.isSeen) {
      this.isSeen = true;
      this.onSeen?.();
      this.onSeen = undefined;
    }
    return this.#error;
  }

  fail(error: Error): void {
    this.#error = error;
    this.#end("failed");
  }

  #end(state: "ok" | "failed"): void {
    this.state = state;
    this.transmission = undefined;
    this.noteDelivered();
    const listeners = this.#settledListeners;
    this.#settledListeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  }

  /** The engine has the message: the caller's buffers are free. */
  noteDelivered(): void {
    this.isInFlight = false;
    const listeners = this.#sentListeners;
    this.#sentListeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  }

  noteOutput(change: OutputChange, message: Message): void {
    if (this.isInFlight) this.noteDelivered();
    if (this.#outputListeners !== undefined) for (const listener of this.#outputListeners) listener(this, change, message);
  }

  noteOutputComplete(): void {
    const listeners = this.#completeListeners;
    this.#completeListeners = undefined;
    this.#outputListeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  }

  /** Calls back once when settled; at once if it is. Returns how to stop waiting. */
  onSettled(listener: () => void): () => void {
    if (this.state !== "pending") {
      listener();
      return stopNothing;
    }
    this.#settledListeners ??= new Set();
    return subscribe(this.#settledListeners, listener);
  }

  /** Calls back once when the caller's buffers are free. */
  onDelivered(listener: () => void): () => void {
    if (!this.isInFlight) {
      listener();
      return stopNothing;
    }
    this.#sentListeners ??= new Set();
    return subscribe(this.#sentListeners, listener);
  }

  /** Calls back once when no more output will come. */
  onOutputComplete(listener: () => void): () => void {
    if (this.record.isOutputComplete) {
      listener();
      return stopNothing;
    }
    this.#completeListeners ??= new Set();
    return subscribe(this.#completeListeners, listener);
  }

  /** Calls back for each output until the last. */
  onOutput(listener: OutputListener): () => void {
    if (this.record.isOutputComplete) return stopNothing;
    this.#outputListeners ??= new Set();
    return subscribe(this.#outputListeners, listener);
  }
}

const stopNothing = (): void => undefined;

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
