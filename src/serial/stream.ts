// The body of a payload: V8's own structured clone format, with two additions that travel as "host objects": views on
// memory (large ones as separate frames, never copied) and marks, which stand for an entry of the table of specials.

import { Deserializer, Serializer } from "node:v8";

import type { Frame } from "../wire/index.ts";
import { asBuffer, malformed } from "./payload.ts";

/** Views of at least this many bytes travel as frames of their own; ipyparallel's `buffer_threshold`. */
export const FRAME_BYTES_MIN = 1024;

// The order is the wire format: append only.
const VIEW_NAMES = [
  "Uint8Array",
  "Int8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "DataView",
  "Buffer",
  "Float16Array",
] as const;
const BUFFER_TAG = VIEW_NAMES.indexOf("Buffer");
const ARRAY_BUFFER_TAG = 62;
const MARK_TAG = 63;

type ViewConstructor = { new (buffer: ArrayBufferLike, offset: number, length: number): ArrayBufferView; readonly BYTES_PER_ELEMENT?: number };

const TAG_OF_NAME: ReadonlyMap<string, number> = new Map(VIEW_NAMES.map((name, tag) => [name, tag]));
const CONSTRUCTORS = VIEW_NAMES.map((name) => (globalThis as Record<string, unknown>)[name] as ViewConstructor | undefined);
const NOTHING = new ArrayBuffer(0);
const EmptyView = DataView as unknown as new (buffer: ArrayBuffer) => object;

/** Stands for entry `index` of the table of specials. A view, because V8 hands exactly views to `_writeHostObject`. */
export class Mark extends EmptyView {
  readonly index: number;

  constructor(index: number) {
    super(NOTHING);
    this.index = index;
  }
}

const MARKS_KEPT = 64;
const MARKS: Mark[] = [];

/** The mark of an entry. To make a view is dear, and one mark may stand in any number of places. */
export function markOf(index: number): Mark {
  if (index >= MARKS_KEPT) return new Mark(index);
  return (MARKS[index] ??= new Mark(index));
}

/** Stands for an ArrayBuffer that travels as a frame of its own. */
export class BufferMark extends EmptyView {
  readonly content: ArrayBuffer;

  constructor(content: ArrayBuffer) {
    super(NOTHING);
    this.content = content;
  }
}

interface ViewsAsHostObjects {
  _setTreatArrayBufferViewsAsHostObjects(flag: boolean): void;
}

/** Writes values one after another; shared references hold across all of them. */
export class StreamWriter extends Serializer {
  /** Memory that travels beside the stream, in order. */
  readonly rawFrames: Frame[] = [];

  constructor() {
    super();
    (this as unknown as ViewsAsHostObjects)._setTreatArrayBufferViewsAsHostObjects(true);
  }

  /** Called by V8 for each view. */
  _writeHostObject(view: ArrayBufferView): void {
    if (view instanceof Mark) {
      this.writeUint32(MARK_TAG);
      this.writeUint32(view.index);
    } else if (view instanceof BufferMark) {
      this.writeUint32(ARRAY_BUFFER_TAG);
      this.#writeBytes(new Uint8Array(view.content));
    } else if (ArrayBuffer.isView(view)) {
      this.writeUint32(viewTag(view));
      this.#writeBytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    } else {
      throw new Error("#<Object> with native fields could not be cloned.");
    }
  }

  #writeBytes(bytes: Uint8Array): void {
    if (bytes.length >= FRAME_BYTES_MIN) {
      this.writeUint32(this.rawFrames.push(bytes));
      return;
    }
    this.writeUint32(0);
    this.writeUint32(bytes.length);
    this.writeRawBytes(bytes);
  }
}

// V8 asks for the class of the error it throws when it meets what it cannot clone.
Object.defineProperty(StreamWriter.prototype, "_getDataCloneError", { value: Error });

function viewTag(view: ArrayBufferView): number {
  if (Buffer.isBuffer(view)) return BUFFER_TAG;
  // The tag of %TypedArray% names the kind, also for subclasses and for views made in another realm.
  const name = (view as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? "DataView";
  return TAG_OF_NAME.get(name) ?? 0;
}

/** Reads what a `StreamWriter` wrote; `resolve` gives the object of a mark. */
export class StreamReader extends Deserializer {
  readonly #rawFrames: readonly Frame[];
  readonly #resolve: (index: number) => object;

  constructor(body: Buffer, rawFrames: readonly Frame[], resolve: (index: number) => object) {
    super(body);
    this.#rawFrames = rawFrames;
    this.#resolve = resolve;
  }

  /** Called by V8 for each host object. */
  _readHostObject(): object {
    const tag = this.readUint32();
    if (tag === MARK_TAG) return this.#resolve(this.readUint32());
    const bytes = this.#readBytes();
    if (tag === ARRAY_BUFFER_TAG) return wholeBuffer(bytes);
    if (tag === BUFFER_TAG) return asBuffer(bytes);
    const View = CONSTRUCTORS[tag];
    if (View === undefined) throw malformed(`it holds a ${VIEW_NAMES[tag] ?? "view of an unknown kind"}, which this Node does not have`);
    const size = View.BYTES_PER_ELEMENT ?? 1;
    if (bytes.byteLength % size !== 0) throw malformed("a typed array has a broken length");
    const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
    return new View(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
  }

  #readBytes(): Uint8Array {
    const frame = this.readUint32();
    if (frame > 0) {
      const raw = this.#rawFrames[frame - 1];
      if (raw === undefined) throw malformed(`buffer ${frame} is missing`);
      return raw;
    }
    // Copied, so that a few bytes do not keep a whole message alive, and so that they are aligned.
    return new Uint8Array(this.readRawBytes(this.readUint32()));
  }
}

function wholeBuffer(bytes: Uint8Array): ArrayBufferLike {
  return bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : new Uint8Array(bytes).buffer;
}
