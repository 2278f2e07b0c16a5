// The outermost layer of a payload: a head of 16 bytes that says whose format this is, how many raw frames belong to
// the value and where its parts begin. Nothing here knows what a value is.
//
//   0  magic 01 54 53 50   (a pickle begins with 80)       8  u32 raw frames that follow the first one
//   4  version             5  form                        12  u32 bytes of the table of specials
//   6  u16 code frames behind the raw ones, of which some may have been left out on the way
//
// Integers are little endian. Behind the head: the table, then the body in the way `form` says.

import { SerializationError } from "../base/index.ts";
import { CODE_COUNT_AT, PAYLOAD_MAGIC, RAW_COUNT_AT, type Frame } from "../wire/index.ts";

/** Bytes of the head. */
export const HEAD_BYTES = 16;

const VERSION = 1;
const PICKLE_FIRST_BYTE = 0x80;

/** How the body is written. The last two are calls like `call`, of a function that closes over nothing or over flat data. */
export const FORM = { undefined: 0, null: 1, false: 2, true: 3, number: 4, text: 5, stream: 6, call: 7, json: 8, jsonCall: 9, jsonClosure: 10 } as const;

/** One of `FORM`. */
export type Form = (typeof FORM)[keyof typeof FORM];

/** A head that was read. */
export interface PayloadHead {
  readonly form: number;
  readonly rawFrames: number;
  /** Code frames that were sent along; some may have been left out on the way. */
  readonly codeFrames: number;
  readonly tableBytes: number;
}

/** Whether the payload is a Python pickle, as Python clients and engines send it. */
export function isPickle(frames: readonly Frame[]): boolean {
  return frames[0]?.[0] === PICKLE_FIRST_BYTE;
}

/** Writes the head at the start of `frame`. */
export function writeHead(frame: Buffer, form: Form, rawFrames: number, tableBytes: number, codeFrames = 0): void {
  frame.writeUInt32LE(PAYLOAD_MAGIC, 0);
  frame[4] = VERSION;
  frame[5] = form;
  frame.writeUInt16LE(codeFrames, CODE_COUNT_AT);
  frame.writeUInt32LE(rawFrames, RAW_COUNT_AT);
  frame.writeUInt32LE(tableBytes, 12);
}

/** Reads the head of the payload whose first frame is `frame`; says in one sentence what is wrong with a foreign one. */
export function readHead(frame: Buffer, framesLeft: number): PayloadHead {
  if (frame.length > 0 && frame[0] === PICKLE_FIRST_BYTE)
    throw malformed("it is a Python pickle where a call or value of TypeScript belongs", "send it to a Python engine");
  if (frame.length < HEAD_BYTES || frame.readUInt32LE(0) !== PAYLOAD_MAGIC)
    throw malformed("it does not begin as one of ours", "check what kind of peer sent it");
  const version = frame[4] as number;
  if (version !== VERSION)
    throw malformed(`it has format version ${version}, this package reads ${VERSION}`, "use the same version of tsparallel on both sides");
  const rawFrames = frame.readUInt32LE(RAW_COUNT_AT);
  if (rawFrames > framesLeft) throw malformed(`it announces ${rawFrames} buffers and only ${framesLeft} came`, "check the peer's version");
  const tableBytes = frame.readUInt32LE(12);
  if (tableBytes > frame.length - HEAD_BYTES) throw malformed("its table is longer than the payload", "check the peer's version");
  return { form: frame[5] as number, rawFrames, codeFrames: frame.readUInt16LE(CODE_COUNT_AT), tableBytes };
}

/** The error for bytes that cannot be read. */
export function malformed(fact: string, remedy = "check the peer's version", cause?: unknown): SerializationError {
  return new SerializationError(`the payload cannot be read: ${fact}`, { path: "payload", remedy, cause });
}

/** The same bytes as a Buffer, not copied. */
export function asBuffer(frame: Frame): Buffer {
  return Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
}
