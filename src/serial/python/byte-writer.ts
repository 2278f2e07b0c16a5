// Bytes of a pickle as they are written: small things into a growing block, large ones as blocks of their own.

const BLOCK_BYTES = 1024;
const BLOCK_BYTES_MAX = 1024 ** 2;
const LARGE_BYTES = 4096;

/** Collects bytes. */
export class ByteWriter {
  readonly #done: Uint8Array[] = [];
  #block = Buffer.allocUnsafe(BLOCK_BYTES);
  #at = 0;

  #room(count: number): number {
    if (this.#at + count > this.#block.length) {
      this.#done.push(this.#block.subarray(0, this.#at));
      this.#block = Buffer.allocUnsafe(Math.max(count, BLOCK_BYTES, Math.min(this.#block.length * 2, BLOCK_BYTES_MAX)));
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += count;
    return at;
  }

  /** An operation by its letter. */
  op(letter: string): void {
    this.u8(letter.charCodeAt(0));
  }

  u8(value: number): void {
    const at = this.#room(1);
    this.#block[at] = value;
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#block.writeUInt16LE(value, at);
  }

  i32(value: number): void {
    const at = this.#room(4);
    this.#block.writeInt32LE(value, at);
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#block.writeUInt32LE(value, at);
  }

  u64(value: number): void {
    const at = this.#room(8);
    this.#block.writeBigUInt64LE(BigInt(value), at);
  }

  /** Big-endian. */
  f64(value: number): void {
    const at = this.#room(8);
    this.#block.writeDoubleBE(value, at);
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length < LARGE_BYTES) {
      const at = this.#room(bytes.length);
      this.#block.set(bytes, at);
      return;
    }
    this.#done.push(this.#block.subarray(0, this.#at), bytes);
    this.#block = this.#block.subarray(this.#at);
    this.#at = 0;
  }

  /** All of it, in one piece. */
  finish(): Buffer {
    return Buffer.concat([...this.#done, this.#block.subarray(0, this.#at)]);
  }
}
