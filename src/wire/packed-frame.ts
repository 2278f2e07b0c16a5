// The packed form: any number of multipart messages in one frame. What a message costs on its way is paid for each frame
// and each multipart message, hardly for bytes, so peers that both read this form send small messages together.
//
//   packed frame   head (8 bytes: NUL "TSP", version 1, three zero), then message after message
//   message        number of frames, length of each frame …, the frames' bytes
//
// A number is four bytes of seven bits each, the lowest first: so a packed frame of texts is a text itself, which a socket
// hands over at less cost (see `net/zeromq-transport.ts`). A plain message of the protocol has six frames and more; a message that consists of one
// frame with this head is packed. Nothing is authenticated here: the messages inside carry their own signatures.

import type { Frame } from "./frames.ts";

const HEAD: Frame = Uint8Array.of(0x00, 0x54, 0x53, 0x50, 0x01, 0x00, 0x00, 0x00);
const NUMBER_BYTES = 4;

/** Whether a frame is of the packed form. */
export function isPacked(frame: Frame): boolean {
  if (frame.length < HEAD.length) return false;
  for (let i = 0; i < HEAD.length; i += 1) if (frame[i] !== HEAD[i]) return false;
  return true;
}

/** Bytes that a message takes in a packed frame. */
export function packedBytes(frames: readonly Frame[]): number {
  let bytes = NUMBER_BYTES * (1 + frames.length);
  for (const frame of frames) bytes += frame.length;
  return bytes;
}

/**
 * Packs messages.
 *
 * @param bytes sum of their `packedBytes`
 * @param allocate makes an array of this length; its content does not matter
 */
export function packMessages(messages: readonly (readonly Frame[])[], bytes: number, allocate: (length: number) => Frame): Frame {
  const packed = allocate(HEAD.length + bytes);
  let at = writeHead(packed);
  for (const frames of messages) at = writeMessage(packed, at, frames);
  return packed;
}

/** Writes the head of a packed frame to the beginning of `target`, and returns where its first message belongs. */
export function writeHead(target: Uint8Array): number {
  target.set(HEAD);
  return HEAD.length;
}

/** Writes a message, which takes its `packedBytes`, into a packed frame, and returns where the next one belongs. */
export function writeMessage(target: Uint8Array, start: number, frames: readonly Frame[]): number {
  let at = writeNumber(target, start, frames.length);
  for (const frame of frames) at = writeNumber(target, at, frame.length);
  for (const frame of frames) {
    target.set(frame, at);
    at += frame.length;
  }
  return at;
}

/**
 * Unpacks messages; `undefined` when the frame is cut short or its numbers do not add up.
 *
 * @param packed a frame for which `isPacked` holds; the frames returned are views into it
 * @param prefix put before each message, e.g. its sender
 */
export function unpackMessages(packed: Frame, prefix: readonly Frame[] = []): Frame[][] | undefined {
  const messages: Frame[][] = [];
  let at = HEAD.length;
  while (at < packed.length) {
    if (at + NUMBER_BYTES > packed.length) return undefined;
    const count = readNumber(packed, at);
    let lengthAt = at + NUMBER_BYTES;
    let frameAt = lengthAt + NUMBER_BYTES * count;
    if (count === 0 || frameAt > packed.length) return undefined;
    const frames = [...prefix];
    for (let i = 0; i < count; i += 1) {
      const end = frameAt + readNumber(packed, lengthAt);
      if (end > packed.length) return undefined;
      frames.push(packed.subarray(frameAt, end));
      lengthAt += NUMBER_BYTES;
      frameAt = end;
    }
    messages.push(frames);
    at = frameAt;
  }
  return messages;
}

function writeNumber(bytes: Frame, at: number, value: number): number {
  bytes[at] = value & 0x7f;
  bytes[at + 1] = (value >>> 7) & 0x7f;
  bytes[at + 2] = (value >>> 14) & 0x7f;
  bytes[at + 3] = (value >>> 21) & 0x7f;
  return at + NUMBER_BYTES;
}

/** Infinity, which no frame is long enough for, where there is no number. */
function readNumber(bytes: Frame, at: number): number {
  const [a, b, c, d] = [bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number, bytes[at + 3] as number];
  return ((a | b | c | d) & 0x80) === 0 ? a | (b << 7) | (c << 14) | (d << 21) : Infinity;
}
