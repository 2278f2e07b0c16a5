// Lines out to a file descriptor, each on its way at the end of the event that made it, with those of the same moment. A reader that
// went away (`| head`) is no error of ours; a full disk is.

import { close, fstatSync, write, writeSync } from "node:fs";

const RETRY_MS = 5;
const PENDING_CHARS_MAX = 1024 * 1024;

/** Writes lines in order. */
export class LineSink {
  readonly #fd: number;
  readonly #isOwned: boolean;
  /** A file takes what it is given; handing each write to another thread would cost more than the write. */
  readonly #isFile: boolean;
  #pending: string[] = [];
  #pendingChars = 0;
  #isWriting = false;
  #failure: NodeJS.ErrnoException | undefined;
  #onIdle: (() => void)[] = [];
  readonly #onFailure: (error: NodeJS.ErrnoException) => void;

  /** @param onFailure called once, when a write fails; later lines are dropped */
  constructor(fd: number, options: { readonly isOwned: boolean; readonly onFailure?: (error: NodeJS.ErrnoException) => void }) {
    this.#fd = fd;
    this.#isOwned = options.isOwned;
    this.#isFile = isFile(fd);
    this.#onFailure = options.onFailure ?? ((): void => undefined);
  }

  /** What went wrong, if anything did. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  /** Writes a line; the line end is added. */
  line(text: string): void {
    if (this.#failure !== undefined) return;
    this.#pending.push(text, "\n");
    this.#pendingChars += text.length + 1;
    if (this.#isWriting) return;
    this.#isWriting = true;
    // Results that arrive together are written together: a call for each would cost as much as the job.
    setImmediate(() => this.#next());
  }

  /** Waits until there is room for more: a slow reader slows its writer down, instead of filling memory. */
  async drained(): Promise<void> {
    if (this.#pendingChars > PENDING_CHARS_MAX) await this.flushed();
  }

  /** Waits until all is written, or failed. */
  async flushed(): Promise<void> {
    if (this.#isWriting) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Writes what is left and closes what is ours. */
  async close(): Promise<void> {
    await this.flushed();
    if (this.#isOwned) await new Promise<void>((resolve) => close(this.#fd, () => resolve()));
  }

  #next(): void {
    if (this.#pending.length === 0 || this.#failure !== undefined) {
      this.#isWriting = false;
      const waiting = this.#onIdle;
      this.#onIdle = [];
      for (const resolve of waiting) resolve();
      return;
    }
    const bytes = Buffer.from(this.#pending.join(""));
    this.#pending = [];
    this.#pendingChars = 0;
    if (this.#isFile) this.#writeNow(bytes);
    else this.#write(bytes);
  }

  #writeNow(bytes: Buffer): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException);
    }
    this.#next();
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#failure = error;
    this.#onFailure(error);
  }

  #write(bytes: Buffer): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      // A pipe that another process made non-blocking says so when it is full.
      if (error?.code === "EAGAIN") return void setTimeout(() => this.#write(bytes), RETRY_MS);
      if (error !== null) {
        this.#fail(error);
        return this.#next();
      }
      return written < bytes.length ? this.#write(bytes.subarray(written)) : this.#next();
    });
  }
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    // A closed standard stream: the first write says so.
    return false;
  }
}
