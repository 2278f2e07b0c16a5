// The router's mouth towards the Hub: packs what was routed and posts it in batches, when one is large enough, when
// the Hub asks (a query is about to be answered), or shortly after the first entry. The Hub acknowledges what it
// worked off; when it is too far behind, `onPressure` lets the router hold back those who cause the traffic, so that
// nothing is lost and memory stays bounded.

import type { EngineUuid, Millis } from "../base/index.ts";
import { MonitorBatchWriter, type Frame, type MonitorKind, type RawMessage } from "../wire/index.ts";
import type { RouterEnd } from "./hub-link.ts";

/** A batch of this size is posted at once. */
const BATCH_BYTES = 256 * 1024;
/** A batch is posted this long after its first entry at the latest. Who asks the Hub does not wait for it: see `sync`. */
const BATCH_AGE_MS = 25;
/** Unacknowledged bytes beyond which clients are held back, and below which they are let go. */
const PRESSURE_BYTES = 16 * 1024 * 1024;
const RELIEF_BYTES = PRESSURE_BYTES / 2;

const encode = (text: string): Frame => Buffer.from(text, "utf8");
const NOBODY: Frame = new Uint8Array(0);

/** What the monitor is told at its making. */
export interface MonitorParts {
  readonly link: RouterEnd;
  readonly now: () => Millis;
  /** Buffers of one message larger than this in sum are not copied; their sizes are told. */
  readonly bufferBytesMax: number;
  /** Called with true when the Hub is too far behind, with false when it caught up. */
  readonly onPressure: (isPressed: boolean) => void;
}

/** Packs and posts monitor entries. */
export class Monitor {
  readonly #parts: MonitorParts;
  // Not from Buffer's pool: a batch's memory is given away.
  readonly #batch = new MonitorBatchWriter((length) => Buffer.allocUnsafeSlow(length));
  #timer: NodeJS.Timeout | undefined;
  #unacknowledgedBytes = 0;
  #isPressed = false;

  constructor(parts: MonitorParts) {
    this.#parts = parts;
  }

  /** Bytes posted that the Hub has not worked off yet. */
  get unacknowledgedBytes(): number {
    return this.#unacknowledgedBytes;
  }

  /** A request was routed; `engine` is the addressee, absent for tasks. */
  request(kind: "muxRequest" | "taskRequest" | "broadcastRequest", engine: Frame | undefined, raw: RawMessage): void {
    this.#add(kind, [engine ?? NOBODY, raw.header, raw.metadata, raw.content], raw.buffers);
  }

  /** A reply was routed, or made by the router itself. */
  reply(kind: "muxReply" | "taskReply" | "broadcastReply", engine: Frame | undefined, requestId: string, raw: RawMessage): void {
    this.#add(kind, [engine ?? NOBODY, encode(requestId), raw.header, raw.metadata, raw.content], raw.buffers);
  }

  /** A task was assigned. */
  destination(engine: EngineUuid, requestId: string): void {
    this.#add("taskDestination", [encode(engine), encode(requestId)], []);
  }

  /** An engine published something worth keeping. */
  iopub(raw: RawMessage): void {
    this.#add("iopub", [raw.header, raw.parentHeader, raw.content], []);
  }

  #add(kind: MonitorKind, frames: readonly Frame[], buffers: readonly Frame[]): void {
    this.#batch.add(kind, this.#parts.now(), frames, buffers, this.#parts.bufferBytesMax);
    if (this.#batch.length >= BATCH_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_AGE_MS);
  }

  /** Posts what is packed. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch.count === 0) return;
    const batch = this.#batch.take();
    this.#unacknowledgedBytes += batch.length;
    this.#parts.link.post({ type: "monitor", batch }, [batch.buffer]);
    if (!this.#isPressed && this.#unacknowledgedBytes > PRESSURE_BYTES) this.#press(true);
  }

  /** The Hub worked off so many bytes. */
  credit(bytes: number): void {
    this.#unacknowledgedBytes -= bytes;
    if (this.#isPressed && this.#unacknowledgedBytes < RELIEF_BYTES) this.#press(false);
  }

  #press(isPressed: boolean): void {
    this.#isPressed = isPressed;
    this.#parts.onPressure(isPressed);
  }
}
