// The link between the two halves of a controller: the router, which moves messages, and the Hub, which keeps the
// books. They share nothing but these messages, so that they may live in two threads (`portLink`) or, in tests, in
// one (`directLinks`). Messages arrive in the order in which they were posted.

import type { EngineId, EngineUuid, ErrorCode, MsgId } from "../base/index.ts";
import type { RecordedOutcome } from "../core/index.ts";
import type { Frame, OwnBytes } from "../wire/index.ts";
import type { LogFields, LogLevel } from "../log/index.ts";

/** An engine as the router needs it. */
export interface RoutedEngine {
  readonly id: EngineId;
  readonly uuid: EngineUuid;
  /** It may be sent tasks ahead, and gives back those it has not started. */
  readonly canPrefetch: boolean;
  /** It keeps the code of functions, and asks for what it misses. */
  readonly keepsCode: boolean;
}

/** Ports of the Hub's four sockets. */
export interface HubPorts {
  readonly registration: number;
  readonly notification: number;
  readonly hb_ping: number;
  readonly hb_pong: number;
}

/** From the router to the Hub. */
export type ToHub =
  /** Packed monitor entries (`readMonitorBatch`). */
  | { readonly type: "monitor"; readonly batch: OwnBytes }
  /** Everything routed before the `sync` of this number has been posted. */
  | { readonly type: "synced"; readonly number: number }
  | { readonly type: "engineAdmitted"; readonly id: EngineId }
  | { readonly type: "engineExpelled"; readonly id: EngineId }
  /** The scheduler asks how tasks ended that it has forgotten. */
  | { readonly type: "lookup"; readonly number: number; readonly msgIds: readonly MsgId[] }
  /** All sockets are bound: what engines are told at registration. The Hub may answer peers from now on. */
  | { readonly type: "open"; readonly engineConnection: { readonly [key: string]: unknown } }
  | { readonly type: "statsWanted"; readonly number: number }
  | { readonly type: "close" };

/** From the Hub to the router. */
export type ToRouter =
  | { readonly type: "ready"; readonly ports: HubPorts }
  /** The Hub cannot start, in one sentence; or, later, a bug ended it. */
  | { readonly type: "failed"; readonly code: ErrorCode; readonly message: string }
  /** So many bytes of monitor batches were worked off. */
  | { readonly type: "credit"; readonly bytes: number }
  /** Post what was routed so far, then `synced`: a query is about to be answered. */
  | { readonly type: "sync"; readonly number: number }
  | { readonly type: "admitEngine"; readonly engine: RoutedEngine }
  | { readonly type: "expelEngine"; readonly engine: RoutedEngine }
  | { readonly type: "outcomes"; readonly number: number; readonly outcomes: readonly RecordedOutcome[] }
  /** Submit these frames (delimiter and the rest) as a task whose reply nobody waits for. */
  | { readonly type: "submit"; readonly frames: readonly Frame[] }
  /** A client asked for the end. */
  | { readonly type: "shutdown" }
  | { readonly type: "log"; readonly level: LogLevel; readonly component: string; readonly message: string; readonly fields: LogFields }
  /** Answers `statsWanted`. */
  | { readonly type: "stats"; readonly number: number; readonly stats: HubStats }
  | { readonly type: "closed" };

/** Counters of the Hub. */
export interface HubStats {
  readonly engines: number;
  readonly pendingRegistrations: number;
  /** Requests without their final reply. */
  readonly pendingRequests: number;
  /** Messages answered on the registration channel. */
  readonly answered: number;
  /** Messages dropped on the Hub's sockets, by `<socket>.<reason>`. */
  readonly dropped: { readonly [what: string]: number };
}

/** One end of a link. */
export interface LinkEnd<Out, In> {
  /** Never blocks. Array buffers listed in `transfer` are gone for the sender. */
  post(message: Out, transfer?: readonly ArrayBuffer[]): void;
  /** Called for each message, in order. Messages that came before are handed over at once. */
  onMessage(handler: (message: In) => void): void;
  /** No more messages, either way. Idempotent. */
  close(): void;
}

/** The router's end. */
export type RouterEnd = LinkEnd<ToHub, ToRouter>;
/** The Hub's end. */
export type HubEnd = LinkEnd<ToRouter, ToHub>;

/** A `MessagePort`, or the `Worker` that has the other one. */
export interface Port {
  readonly post: (message: unknown, transfer: readonly ArrayBuffer[]) => void;
  readonly listen: (listener: (message: unknown) => void) => void;
  readonly close: () => void;
}

/** An end over a port of `worker_threads`. What comes in is what the other end posted, as both are of one build. */
export function portLink<Out, In>(port: Port): LinkEnd<Out, In> {
  let isClosed = false;
  return {
    post: (message, transfer = []) => {
      if (!isClosed) port.post(message, transfer);
    },
    onMessage: (handler) => {
      port.listen((message) => {
        if (!isClosed) handler(message as In);
      });
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      port.close();
    },
  };
}

class DirectEnd<Out, In> implements LinkEnd<Out, In> {
  other: DirectEnd<In, Out> | undefined;
  #handler: ((message: In) => void) | undefined;
  readonly #waiting: In[] = [];
  #isClosed = false;

  post(message: Out): void {
    if (!this.#isClosed) this.other?.take(message);
  }

  take(message: In): void {
    this.#waiting.push(message);
    // Not at once: an effect must not run inside the handler that caused it.
    if (this.#waiting.length === 1) queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    if (this.#handler === undefined) return;
    for (let message = this.#waiting[0]; message !== undefined && !this.#isClosed; message = this.#waiting[0]) {
      this.#handler(message);
      this.#waiting.shift();
    }
  }

  onMessage(handler: (message: In) => void): void {
    this.#handler = handler;
    if (this.#waiting.length > 0) queueMicrotask(() => this.#deliver());
  }

  close(): void {
    this.#isClosed = true;
  }
}

/** Both ends of a link within one thread. */
export function directLinks(): { readonly router: RouterEnd; readonly hub: HubEnd } {
  const router = new DirectEnd<ToHub, ToRouter>();
  const hub = new DirectEnd<ToRouter, ToHub>();
  router.other = hub;
  hub.other = router;
  return { router, hub };
}
