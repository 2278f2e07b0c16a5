// Reads a log from its end and goes on as it grows, never more than a fixed number of bytes at a time.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";

/** Bytes read at a time; the tail of a file is looked for in its last ones. */
const PART_BYTES_MAX = 4 * 1024 * 1024;
/** A line that is longer is given in pieces. */
const LINE_CHARS_MAX = 64 * 1024;

/** The lines of one file. */
export class LogFollower {
  readonly #path: string;
  readonly #decoder = new StringDecoder("utf8");
  #offset = 0;
  #partial = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** The last complete lines of what the file has now; what comes later is `more`. */
  tail(lines: number): string[] {
    const all = this.#read((size) => Math.max(0, size - PART_BYTES_MAX));
    return lines === 0 ? [] : all.slice(-lines);
  }

  /** Complete lines that came since. A file that has become shorter is read from its beginning. */
  more(): string[] {
    return this.#read((size) => (size < this.#offset ? 0 : this.#offset));
  }

  /** A last line that has no end yet; empty: none. */
  rest(): string {
    const rest = this.#partial + this.#decoder.end();
    this.#partial = "";
    return rest;
  }

  #read(startIn: (size: number) => number): string[] {
    let fd: number;
    try {
      fd = openSync(this.#path, "r");
    } catch {
      // Removed meanwhile, as the logs of engines are that end with their cluster: there is nothing more in it.
      return [];
    }
    try {
      const { size } = fstatSync(fd);
      const start = startIn(size);
      const bytes = Buffer.alloc(Math.min(size - start, PART_BYTES_MAX));
      const count = readSync(fd, bytes, 0, bytes.length, start);
      this.#offset = start + count;
      const lines = `${this.#partial}${this.#decoder.write(bytes.subarray(0, count))}`.split(/\r?\n/);
      this.#partial = lines.pop() ?? "";
      if (this.#partial.length > LINE_CHARS_MAX) {
        lines.push(this.#partial);
        this.#partial = "";
      }
      return lines;
    } finally {
      closeSync(fd);
    }
  }
}
