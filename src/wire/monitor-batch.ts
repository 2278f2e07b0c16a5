// Monitor traffic between router and Hub: what was routed, packed into one growing byte array per batch, so that it
// crosses from thread to thread as one transfer instead of one message each. Internal to a controller; both ends are
// the same version, so there is no version field.
//
// A batch is a row of entries, each: kind (1 byte), three unused, number of frames (u32), time (f64), then
// a length (f64) for each frame, then the bytes of the frames that are carried. A frame that is larger than the store
// keeps is told by its length alone: bit 63 (the sign) of the length is set and no bytes follow.

import { millis, type Millis } from "../base/index.ts";
import type { Frame } from "./frames.ts";

/** What was routed. The frames of each kind are listed with `MonitorEntry`. */
export const MONITOR_KINDS = ["muxRequest", "muxReply", "taskRequest", "taskDestination", "taskReply", "broadcastRequest", "broadcastReply", "iopub"] as const;

/** One of `MONITOR_KINDS`. */
export type MonitorKind = (typeof MONITOR_KINDS)[number];

/**
 * One routed message. `frames`:
 * - requests: engine uuid (empty for tasks), header, metadata, content, buffers …
 * - replies: engine uuid (empty when no engine was involved), msg_id of the request, header, metadata, content, buffers …
 * - taskDestination: engine uuid, msg_id
 * - iopub: header, parent header, content
 */
export interface MonitorEntry {
  readonly kind: MonitorKind;
  /** When the router had it. */
  readonly at: Millis;
  /** The frames; for one that was not carried, its length in bytes. Views into the batch: copy what is kept. */
  readonly frames: readonly (Frame | number)[];
}

/** Bytes with memory of their own, which may be handed over. (Written so that also compilers before TypeScript 5.7 can read it.) */
export interface OwnBytes extends Uint8Array {
  readonly buffer: ArrayBuffer;
  subarray(begin?: number, end?: number): OwnBytes;
}

const ENTRY_HEAD_BYTES = 16;
const LENGTH_BYTES = 8;
const CAPACITY_MIN = 16 * 1024;

/** Packs entries into one array. */
export class MonitorBatchWriter {
  readonly #allocate: (length: number) => OwnBytes;
  #bytes: OwnBytes;
  #view: DataView;
  #length = 0;
  #count = 0;
  /** Largest batch of late: the next one starts as big. */
  #hint = CAPACITY_MIN;

  /** @param allocate makes an array with an array buffer of its own; its content does not matter */
  constructor(allocate: (length: number) => OwnBytes = (length) => new Uint8Array(length)) {
    this.#allocate = allocate;
    this.#bytes = allocate(CAPACITY_MIN);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes packed so far. */
  get length(): number {
    return this.#length;
  }

  /** Entries packed so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Packs one entry.
   *
   * @param frames heads and dictionaries, always carried
   * @param buffers carried only while their sum is at most `buffersBytesMax`
   */
  add(kind: MonitorKind, at: Millis, frames: readonly Frame[], buffers: readonly Frame[], buffersBytesMax: number): void {
    const frameCount = frames.length + buffers.length;
    let bufferBytes = 0;
    for (const buffer of buffers) bufferBytes += buffer.length;
    const areCarried = bufferBytes <= buffersBytesMax;
    let bytes = ENTRY_HEAD_BYTES + LENGTH_BYTES * frameCount + (areCarried ? bufferBytes : 0);
    for (const frame of frames) bytes += frame.length;
    this.#reserve(bytes);
    const view = this.#view;
    const start = this.#length;
    view.setUint8(start, MONITOR_KINDS.indexOf(kind));
    view.setUint32(start + 4, frameCount, true);
    view.setFloat64(start + 8, at, true);
    let lengthAt = start + ENTRY_HEAD_BYTES;
    let dataAt = lengthAt + LENGTH_BYTES * frameCount;
    for (const frame of frames) {
      view.setFloat64(lengthAt, frame.length, true);
      this.#bytes.set(frame, dataAt);
      lengthAt += LENGTH_BYTES;
      dataAt += frame.length;
    }
    for (const buffer of buffers) {
      // -0 tells an absent frame of length nought from a carried one.
      view.setFloat64(lengthAt, areCarried ? buffer.length : -buffer.length, true);
      lengthAt += LENGTH_BYTES;
      if (!areCarried) continue;
      this.#bytes.set(buffer, dataAt);
      dataAt += buffer.length;
    }
    this.#length = dataAt;
    this.#count += 1;
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted <= this.#bytes.length) return;
    const grown = this.#allocate(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Gives the batch away, in an array buffer of its own that may be transferred, and starts a new one. */
  take(): OwnBytes {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#hint = Math.min(Math.max(CAPACITY_MIN, (this.#hint >> 1) + (this.#length >> 1)), 1024 * 1024);
    this.#bytes = this.#allocate(this.#hint);
    this.#view = new DataView(this.#bytes.buffer);
    this.#length = 0;
    this.#count = 0;
    return taken;
  }
}

/** Unpacks a batch, entry by entry, without copying. */
export function* readMonitorBatch(batch: Uint8Array): Generator<MonitorEntry, void, undefined> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  let at = 0;
  while (at < batch.length) {
    const kind = MONITOR_KINDS[view.getUint8(at)] as MonitorKind;
    const frameCount = view.getUint32(at + 4, true);
    const time = millis(view.getFloat64(at + 8, true));
    const frames: (Frame | number)[] = [];
    let dataAt = at + ENTRY_HEAD_BYTES + LENGTH_BYTES * frameCount;
    for (let index = 0; index < frameCount; index += 1) {
      const length = view.getFloat64(at + ENTRY_HEAD_BYTES + LENGTH_BYTES * index, true);
      if (length < 0 || Object.is(length, -0)) {
        frames.push(-length);
        continue;
      }
      frames.push(batch.subarray(dataAt, dataAt + length));
      dataAt += length;
    }
    at = dataAt;
    yield { kind, at: time, frames };
  }
}
