// A task request's frames while the scheduler holds it. Frames fresh from a socket are sent on as they are; a task that
// has to wait is packed into one allocation, because seven small buffers cost several times what they hold. The code of its
// functions is kept apart: many tasks share it.

import { framesBytes, splitFrames, type Frame, type RawMessage } from "../wire/index.ts";
import type { KeptCode, TakenCode } from "./code-table.ts";

/** Larger messages stay as they are: their frames are worth their overhead. */
const PACKED_BYTES_MAX = 64 * 1024;
/** What a waiting task costs beside its bytes, roughly: its record in the scheduler, the payload, one buffer. */
const OVERHEAD_BYTES = 600;

/** Frames `[client] D…` as they were received. */
export class TaskPayload {
  /** Without the code. Either the frames, or one array: count, lengths (u32 each), then the bytes. */
  #held: Frame[] | Uint8Array;
  /** Of its functions; its frames are the last ones. */
  readonly codes: readonly KeptCode[];
  /** Bytes to account for: code counts where it is new. */
  readonly bytes: number;

  constructor(frames: Frame[], { codes, newBytes }: TakenCode) {
    this.#held = codes.length === 0 ? frames : frames.slice(0, frames.length - codes.length);
    this.codes = codes;
    this.bytes = framesBytes(this.#held) + newBytes + OVERHEAD_BYTES;
  }

  /** The frames, with this much of the code. */
  framesWith(codes: readonly KeptCode[]): readonly Frame[] {
    const frames = Array.isArray(this.#held) ? this.#held : unpack(this.#held);
    return codes.length === 0 ? frames : [...frames, ...codes.map(({ frame }) => frame)];
  }

  /** All frames. */
  get frames(): readonly Frame[] {
    return this.framesWith(this.codes);
  }

  /** The message within. */
  get raw(): RawMessage {
    return splitFrames(this.frames) as RawMessage;
  }

  /** Makes it small, for a longer wait. */
  pack(): void {
    if (Array.isArray(this.#held) && this.bytes <= PACKED_BYTES_MAX) this.#held = pack(this.#held);
  }
}

function pack(frames: readonly Frame[]): Uint8Array {
  const head = 4 * (frames.length + 1);
  const packed = Buffer.allocUnsafeSlow(head + framesBytes(frames));
  packed.writeUInt32LE(frames.length, 0);
  let at = head;
  frames.forEach((frame, index) => {
    packed.writeUInt32LE(frame.length, 4 * (index + 1));
    packed.set(frame, at);
    at += frame.length;
  });
  return packed;
}

function unpack(packed: Uint8Array): Frame[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = view.getUint32(0, true);
  const frames: Frame[] = [];
  let at = 4 * (count + 1);
  for (let index = 0; index < count; index += 1) {
    const length = view.getUint32(4 * (index + 1), true);
    frames.push(packed.subarray(at, at + length));
    at += length;
  }
  return frames;
}
