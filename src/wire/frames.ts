// Multipart framing (protocol §1.1): any number of identity frames, the delimiter, the signature, four packed
// dictionaries, then any number of raw buffers. This file cuts and joins frames; it neither checks nor unpacks them.

/** One ZeroMQ message part. */
export type Frame = Uint8Array;

/** The nine bytes `<IDS|MSG>` between routing identities and message. */
export const DELIMITER: Frame = Uint8Array.of(0x3c, 0x49, 0x44, 0x53, 0x7c, 0x4d, 0x53, 0x47, 0x3e);

/** A message cut into its parts, nothing unpacked. */
export interface RawMessage {
  /** Routing identities or topics before the delimiter: never assume how many. */
  readonly idents: readonly Frame[];
  readonly signature: Frame;
  readonly header: Frame;
  readonly parentHeader: Frame;
  readonly metadata: Frame;
  readonly content: Frame;
  readonly buffers: readonly Frame[];
}

/** Whether a frame is the delimiter. */
export function isDelimiter(frame: Frame): boolean {
  if (frame.length !== 9) return false;
  for (let i = 0; i < 9; i += 1) if (frame[i] !== DELIMITER[i]) return false;
  return true;
}

/** Index of the first delimiter, or -1. */
export function findDelimiter(frames: readonly Frame[]): number {
  for (let i = 0; i < frames.length; i += 1) if (isDelimiter(frames[i] as Frame)) return i;
  return -1;
}

/** Cuts a multipart message; `undefined` when there is no delimiter or fewer than five frames follow it. */
export function splitFrames(frames: readonly Frame[]): RawMessage | undefined {
  const at = findDelimiter(frames);
  if (at < 0 || frames.length < at + 6) return undefined;
  return {
    idents: frames.slice(0, at),
    signature: frames[at + 1] as Frame,
    header: frames[at + 2] as Frame,
    parentHeader: frames[at + 3] as Frame,
    metadata: frames[at + 4] as Frame,
    content: frames[at + 5] as Frame,
    buffers: frames.slice(at + 6),
  };
}

/** Puts a message together again, byte for byte. */
export function joinFrames(raw: RawMessage): Frame[] {
  return [...raw.idents, DELIMITER, raw.signature, raw.header, raw.parentHeader, raw.metadata, raw.content, ...raw.buffers];
}

/** Sum of the frames' lengths in bytes. */
export function framesBytes(frames: readonly Frame[]): number {
  let sum = 0;
  for (const frame of frames) sum += frame.length;
  return sum;
}
