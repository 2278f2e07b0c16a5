// What was typed, in this session and earlier ones: a bounded JSON Lines file, appended to when a cell begins. Read when
// somebody asks first. A file that cannot be read or written costs the earlier sessions only.

import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { makeDirectorySync } from "../config/index.ts";
import type { Logger } from "../log/index.ts";
import { isDict, type HistoryQuery } from "../wire/index.ts";

/** One cell: `[session, line, input]`, or with its output as `[session, line, [input, output]]`. */
export type HistoryRow = readonly [session: number, line: number, cell: string | readonly [input: string, output: string | null]];

interface Entry {
  readonly session: number;
  readonly line: number;
  readonly input: string;
  output: string | null;
}

/** Bounds of the history. */
export interface HistoryOptions {
  /** Entries kept, of all sessions; default 5000. */
  readonly entriesMax: number;
  /** Bytes of the file at which its older half is dropped; default 4 MiB. */
  readonly fileBytesMax: number;
}

/** Characters kept of an input; of an output a tenth. */
const INPUT_MAX = 100_000;

/** The cells of a user. */
export class History {
  readonly #path: string | null;
  readonly #log: Logger;
  readonly #options: HistoryOptions;
  #entries: Entry[] | undefined;
  #session = 1;
  #isWritable: boolean;

  /** @param path the file; `null` keeps this session only, in memory */
  constructor(path: string | null, log: Logger, options: Partial<HistoryOptions> = {}) {
    this.#path = path;
    this.#log = log;
    this.#options = { entriesMax: 5000, fileBytesMax: 4 * 1024 * 1024, ...options };
    this.#isWritable = path !== null;
  }

  /** A cell begins. */
  add(line: number, input: string): void {
    const entries = this.#loaded();
    const entry = { session: this.#session, line, input: input.slice(0, INPUT_MAX), output: null };
    entries.push(entry);
    if (entries.length > this.#options.entriesMax) entries.splice(0, entries.length - this.#options.entriesMax);
    this.#write((path) => appendFileSync(path, lineOf(entry), { mode: 0o600 }));
  }

  /** The value of the last cell, as text. It is kept in memory only. */
  setOutput(line: number, output: string): void {
    const last = this.#loaded().at(-1);
    if (last?.line === line && last.session === this.#session) last.output = output.slice(0, INPUT_MAX / 10);
  }

  /** Cells that are asked for, oldest first. */
  query(query: HistoryQuery): HistoryRow[] {
    return this.#find(query).map(({ session, line, input, output }) => [session, line, query.wantsOutput ? [input, output] : input]);
  }

  #find(query: HistoryQuery): readonly Entry[] {
    const entries = this.#loaded();
    if (query.type === "tail") return query.n === 0 ? [] : entries.slice(-query.n);
    if (query.type === "range") {
      const session = query.session > 0 ? query.session : this.#session + query.session;
      const stop = query.stop ?? Number.POSITIVE_INFINITY;
      return entries.filter((entry) => entry.session === session && entry.line >= query.start && entry.line < stop);
    }
    const pattern = globPattern(query.pattern);
    const found = entries.filter(({ input }) => pattern.test(input));
    const newest = query.isUnique ? [...new Map(found.map((entry) => [entry.input, entry])).values()] : found;
    return query.n === undefined ? newest : query.n === 0 ? [] : newest.slice(-query.n);
  }

  #loaded(): Entry[] {
    if (this.#entries === undefined) {
      this.#entries = this.#read();
      this.#session = this.#entries.reduce((max, { session }) => Math.max(max, session), 0) + 1;
    }
    return this.#entries;
  }

  #read(): Entry[] {
    if (this.#path === null) return [];
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#log.warn("the history of earlier sessions cannot be read", { path: this.#path, error });
      this.#write((path) => makeDirectorySync(dirname(path), 0o700));
      return [];
    }
    let entries = text.split("\n").flatMap(entryOf).slice(-this.#options.entriesMax);
    if (Buffer.byteLength(text) > this.#options.fileBytesMax) {
      entries = entries.slice(entries.length / 2);
      this.#rewrite(entries);
    }
    return entries;
  }

  #rewrite(entries: readonly Entry[]): void {
    this.#write((path) => {
      const temporary = `${path}.${process.pid}.tmp`;
      writeFileSync(temporary, entries.map(lineOf).join(""), { mode: 0o600 });
      renameSync(temporary, path);
    });
  }

  #write(write: (path: string) => void): void {
    if (this.#path === null || !this.#isWritable) return;
    try {
      write(this.#path);
    } catch (error) {
      this.#isWritable = false;
      this.#log.warn("the history cannot be written; it ends with this session", { path: this.#path, error });
    }
  }
}

const lineOf = ({ session, line, input }: Entry): string => `${JSON.stringify({ session, line, input })}\n`;

/** The entry of a line; none for a line that somebody was in the middle of writing. */
function entryOf(text: string): Entry[] {
  try {
    const value: unknown = JSON.parse(text);
    if (!isDict(value)) return [];
    const { session, line, input } = value;
    return typeof session === "number" && typeof line === "number" && typeof input === "string" ? [{ session, line, input, output: null }] : [];
  } catch {
    return []; // Not whole; the others are.
  }
}

/** `*` any text, `?` one character. */
function globPattern(glob: string): RegExp {
  const text = glob.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${text.replaceAll(/\*+/g, "[^]*").replaceAll("?", "[^]")}$`, "u");
}
