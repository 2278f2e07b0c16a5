// Output of user code: what it writes to stdout, stderr and the console, in order, joined into messages of reasonable size
// and told to belong to the request that runs (or ran last).
//
// Child processes that inherit the descriptors write past this: their output goes where the engine's own goes.

import { Writable } from "node:stream";
import type { StreamName } from "../wire/index.ts";

/** Bounds and rhythm of the capture. */
export interface OutputOptions {
  /** Characters that are collected before they are sent in any case; default 64 Ki. */
  readonly flushLength: number;
  /** How long the oldest collected text may wait; default 50 ms. */
  readonly flushMs: number;
  /** Characters published for one request at most; the rest is counted and told at its end. Default 32 Mi. */
  readonly requestLengthMax: number;
  /** Lines that leave at once, so that they are seen while the code behind them spins: so many in a row, and as many each second. Default 0. */
  readonly promptLines: number;
}

/** Defaults. */
export const OUTPUT_DEFAULTS: OutputOptions = { flushLength: 64 * 1024, flushMs: 50, requestLengthMax: 32 * 1024 * 1024, promptLines: 0 };

/** Collects text and hands it on in pieces. */
export class OutputCapture {
  readonly #publish: (name: StreamName, text: string) => void;
  readonly #options: OutputOptions;
  #name: StreamName = "stdout";
  #text = "";
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Lines that may leave at once, and since when so many. */
  #promptLeft = 0;
  #promptSince = 0;
  #published = 0;
  #dropped = 0;

  constructor(publish: (name: StreamName, text: string) => void, options: Partial<OutputOptions> = {}) {
    this.#publish = publish;
    this.#options = { ...OUTPUT_DEFAULTS, ...options };
  }

  /** Adds text. */
  write(name: StreamName, text: string): void {
    if (text === "") return;
    if (this.#text !== "" && name !== this.#name) this.flush();
    if (this.#text === "") {
      this.#name = name;
      this.#since = performance.now();
      this.#timer ??= setTimeout(() => this.#onTimer(), this.#options.flushMs);
    }
    this.#text += text;
    // The timer does not run while user code spins, so a writer checks the time itself.
    if (this.#text.length >= this.#options.flushLength || performance.now() - this.#since >= this.#options.flushMs || this.#isPrompt(text)) this.flush();
  }

  #isPrompt(text: string): boolean {
    const { promptLines } = this.#options;
    if (promptLines === 0 || !text.endsWith("\n")) return false;
    const now = performance.now();
    this.#promptLeft = Math.min(promptLines, this.#promptLeft + ((now - this.#promptSince) / 1000) * promptLines);
    this.#promptSince = now;
    if (this.#promptLeft < 1) return false;
    this.#promptLeft -= 1;
    return true;
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.flush();
  }

  /** Sends what is collected. */
  flush(): void {
    const text = this.#text;
    if (text === "") return;
    this.#text = "";
    const room = Math.max(0, this.#options.requestLengthMax - this.#published);
    this.#dropped += Math.max(0, text.length - room);
    this.#published += text.length;
    if (room > 0) this.#publish(this.#name, text.slice(0, room));
  }

  /** Sends what is collected and what there is to say at the end of a request; the next one starts afresh. */
  endRequest(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#dropped > 0)
      this.#publish("stderr", `[${this.#dropped} more characters of output were dropped: a request may publish ${this.#options.requestLengthMax}]\n`);
    this.#dropped = 0;
    this.#published = 0;
    this.#promptLeft = this.#options.promptLines;
  }
}

type WriteDone = (error?: Error | null) => void;

/**
 * A writable stream whose writes are taken at once, in place of `process.stdout` or `process.stderr`.
 *
 * It has no state of its own that a write would change and change back: user code may be cut in the middle of one, and
 * an ordinary stream would wait for that write's end for ever.
 */
export class CapturedStream extends Writable {
  readonly fd: number;
  readonly isTTY = false;
  readonly #take: (text: string) => void;
  readonly #decoder = new TextDecoder();

  constructor(fd: number, take: (text: string) => void) {
    super({ decodeStrings: false });
    this.fd = fd;
    this.#take = take;
  }

  override write(chunk: string | Uint8Array, encodingOrDone?: BufferEncoding | WriteDone, done?: WriteDone): boolean {
    const [encoding, then] = typeof encodingOrDone === "function" ? [undefined, encodingOrDone] : [encodingOrDone, done];
    this.#take(this.#textOf(chunk, encoding));
    if (then !== undefined) process.nextTick(then, null);
    return true;
  }

  #textOf(chunk: string | Uint8Array, encoding: BufferEncoding | undefined): string {
    if (typeof chunk !== "string") return this.#decoder.decode(chunk, { stream: true });
    return encoding === undefined || encoding === "utf8" ? chunk : Buffer.from(chunk, encoding).toString();
  }

  /** What is given to `end`. */
  override _write(chunk: string | Uint8Array, encoding: BufferEncoding, done: WriteDone): void {
    this.#take(this.#textOf(chunk, encoding));
    done();
  }

  /** Nobody may close the engine's output; the request to is ignored, as Node does for the real ones. */
  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    done();
  }
}
