// Reading numbers, lines and runs of bytes from a pickle. Whatever would pass the end throws: no length a peer wrote is
// believed before that many bytes are there.

import { SerializationError } from "../../base/index.ts";

/** The error for a pickle that cannot be read. */
export function unreadable(fact: string, cause?: unknown): SerializationError {
  return new SerializationError(`the Python pickle cannot be read: ${fact}`, {
    path: "pickle",
    remedy: "return plain values, or text made by json.dumps",
    cause,
  });
}

/** Longest line of protocol 0: a number or a name takes less. */
const LINE_BYTES_MAX = 64 * 1024 ** 2;
const NEWLINE = 0x0a;

/** A place in the bytes. */
export class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw unreadable(`it ends in the middle, at byte ${this.#bytes.length}`);
    this.#at = at + count;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  i32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** A length of eight bytes. */
  u64(): number {
    const value = this.#bytes.readBigUInt64LE(this.#take(8));
    if (value > BigInt(this.#bytes.length)) throw unreadable(`it announces ${value} bytes where ${this.#bytes.length - this.#at} are left`);
    return Number(value);
  }

  /** Big-endian, as pickle has it. */
  f64(): number {
    return this.#bytes.readDoubleBE(this.#take(8));
  }

  /** The next bytes, not copied. */
  bytes(count: number): Buffer {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** Text up to the end of the line, which is left behind. */
  line(): string {
    const end = this.#bytes.indexOf(NEWLINE, this.#at);
    if (end < 0 || end - this.#at > LINE_BYTES_MAX) throw unreadable("a line of it has no end");
    const line = this.#bytes.toString("latin1", this.#at, end);
    this.#at = end + 1;
    return line;
  }
}
