// Lists of buffers in the SQLite store: each list is one block. Small blocks lie in the row of their record, because a
// row of a table of their own costs as much again; large ones lie in the table `buffers`, so that listing records does
// not read them.

import { framesBytes, type Frame } from "../wire/index.ts";

/** What a list of buffers is in its row: `null`, empty, a block in the row, or a block in the table `buffers`. */
export const BUFFER_STATE = { none: 0, empty: 1, inRow: 2, apart: 3 } as const;

const IN_ROW_BYTES_MAX = 1024;

/** A list of buffers as it is stored. */
export interface StoredBuffers {
  readonly state: number;
  readonly block: Buffer | null;
}

/** Decides where a list goes and packs it. */
export function storeBuffers(frames: readonly Frame[] | null): StoredBuffers {
  if (frames === null) return { state: BUFFER_STATE.none, block: null };
  if (frames.length === 0) return { state: BUFFER_STATE.empty, block: null };
  return { state: framesBytes(frames) <= IN_ROW_BYTES_MAX ? BUFFER_STATE.inRow : BUFFER_STATE.apart, block: packFrames(frames) };
}

/** The list again; `block` is where the state says it is. */
export function loadBuffers(state: number, block: Uint8Array | null | undefined): readonly Frame[] | null {
  if (state === BUFFER_STATE.none) return null;
  return block === null || block === undefined ? [] : unpackFrames(block);
}

/** One block for a list of buffers: how many, the length of each (32 bits, little endian), the bytes. */
export function packFrames(frames: readonly Frame[]): Buffer {
  const head = Buffer.allocUnsafe(4 + 4 * frames.length);
  head.writeUInt32LE(frames.length, 0);
  for (const [index, frame] of frames.entries()) head.writeUInt32LE(frame.length, 4 + 4 * index);
  return Buffer.concat([head, ...frames]);
}

/** The list of buffers out of its block. */
export function unpackFrames(block: Uint8Array | ArrayBuffer): readonly Frame[] {
  // The driver gives blobs as Buffer or as ArrayBuffer, depending on the way they are read.
  const bytes = block instanceof ArrayBuffer ? Buffer.from(block) : Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  const count = bytes.readUInt32LE(0);
  const frames: Frame[] = [];
  let at = 4 + 4 * count;
  for (let index = 0; index < count; index += 1) {
    const length = bytes.readUInt32LE(4 + 4 * index);
    frames.push(bytes.subarray(at, at + length));
    at += length;
  }
  return frames;
}
