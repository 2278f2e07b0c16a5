// What is typed or pasted, one line at a time: while a line's cell runs the next ones wait. Node's REPL would take all lines of a paste
// at once, before the first of them is known to lack its end.

import { Readable } from "node:stream";

/** Keys that wait, in bytes. */
const WAITING_MAX = 1024 * 1024;
const RETURN = 0x0d;
const NEWLINE = 0x0a;

/** A terminal's keyboard, or a stand-in of tests. */
export type Keyboard = Readable & Partial<Pick<NodeJS.ReadStream, "isTTY" | "isRaw" | "setRawMode">>;

/** The keyboard, held while a cell runs. */
export class PacedInput extends Readable {
  readonly #source: Keyboard;
  /** Lines with their ends, and what stands behind the last of them. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isHeld = false;

  constructor(source: Keyboard) {
    super();
    this.#source = source;
    this.on("resume", () => this.#give());
    source.on("data", (chunk: Buffer | string) => this.#take(Buffer.from(chunk)));
    // With the end nobody is there any more for whom the rest would run.
    source.once("end", () => this.push(null));
    source.once("error", (error) => this.destroy(error));
  }

  get isTTY(): boolean {
    return this.#source.isTTY === true;
  }

  get isRaw(): boolean {
    return this.#source.isRaw === true;
  }

  setRawMode(isRaw: boolean): this {
    this.#source.setRawMode?.(isRaw);
    return this;
  }

  /** From now on nothing is given, until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#give();
  }

  /** Forgets what waits: what was pasted behind a cell that is interrupted is not to run. */
  forget(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#source.resume();
  }

  /** Nothing is read ahead: a line that lay in the stream's own buffer could not be held. */
  override _read(): void {}

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.forget();
    // Keys that are kept back would be read on, and keep the process.
    this.#source.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    let start = 0;
    while (start < chunk.length) {
      const end = endOfLine(chunk, start);
      this.#waiting.push(chunk.subarray(start, end));
      start = end;
    }
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > WAITING_MAX) this.#source.pause();
    this.#give();
  }

  /** Line by line: the cell of one begins before `push` returns, and holds the others. */
  #give(): void {
    while (!this.#isHeld && this.readableFlowing === true && this.readableLength === 0) {
      const line = this.#waiting.shift();
      if (line === undefined) return;
      this.#waitingBytes -= line.length;
      if (this.#waitingBytes <= WAITING_MAX) this.#source.resume();
      this.push(line);
    }
  }
}

/** Index behind the line that begins at `start`, or the chunk's length. */
function endOfLine(chunk: Buffer, start: number): number {
  const at = chunk.subarray(start).findIndex((byte) => byte === RETURN || byte === NEWLINE);
  if (at < 0) return chunk.length;
  const end = start + at + 1;
  return chunk[end - 1] === RETURN && chunk[end] === NEWLINE ? end + 1 : end;
}
