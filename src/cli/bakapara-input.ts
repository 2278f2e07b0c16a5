// Where bakapara's jobs come from: a file, or standard input. Tells how many there are when that can be known without
// holding up the work: a file's lines are counted first, a pipe is read ahead for a moment.

import { createReadStream, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { ConfigError } from "../base/index.ts";
import { JobLineReader, type JobLine } from "../bakapara/index.ts";
import { fileFailure } from "../config/index.ts";

/** An opened input. */
export interface JobInput {
  /** The lines that are not blank, once. */
  readonly lines: AsyncIterable<JobLine>;
  /** How many lines there are; `undefined` while nobody knows. */
  readonly total: number | undefined;
  /** How many there are at least. */
  readonly atLeast: number;
  /** Reads no more. */
  close(): void;
}

// A pipe whose writer is done within this time, and within this many lines, has a known total, as a file has.
const PREFETCH_MS = 250;
const PREFETCH_LINES = 10_000;
const PREFETCH_BYTES = 16 * 1024 * 1024;
const COUNT_CHUNK_BYTES = 1024 * 1024;
const STDIN = 0;

/**
 * Opens a file, or standard input when there is no path.
 *
 * @throws ConfigError when it cannot be read
 */
export async function openInput(path: string | undefined): Promise<JobInput> {
  const fd = path === undefined ? STDIN : openFile(path);
  const position = path === undefined ? positionOf(STDIN) : 0;
  const stat = fstatSync(fd);
  if (stat.isDirectory()) throw new ConfigError(`cannot read jobs from ${path ?? "standard input"}: it is a directory`);
  const stream = path === undefined ? process.stdin : createReadStream("", { fd });
  const lines = readLines(stream, path ?? "standard input");
  const close = (): void => void stream.destroy();
  if (stat.isFile() && position !== undefined) {
    const total = countLines(fd, position);
    return { lines, total, atLeast: total, close };
  }
  return { ...(await prefetch(lines)), close };
}

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw new ConfigError(`cannot read jobs from ${path}: ${fileFailure(cause)}`, { cause });
  }
}

// Somebody before us may have read a part of a redirected file. Where this cannot be found out, the total is not known.
function positionOf(fd: number): number | undefined {
  try {
    return Number(/^pos:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1]);
  } catch {
    // No /proc here.
    return undefined;
  }
}

async function* readLines(stream: AsyncIterable<unknown>, name: string): AsyncGenerator<JobLine, void, undefined> {
  const reader = new JobLineReader();
  try {
    for await (const chunk of stream) yield* reader.push(chunk as Buffer);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE") return;
    throw new ConfigError(`cannot read jobs from ${name}: ${fileFailure(cause)}`, { cause });
  }
  yield* reader.end();
}

const NEWLINE = 10;
const isBlankByte = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13);

/** Counts the lines that hold anything, without moving the file's position. */
function countLines(fd: number, from: number): number {
  const chunk = Buffer.allocUnsafe(COUNT_CHUNK_BYTES);
  let count = 0;
  let hasContent = false;
  let position = from;
  for (let read = readSync(fd, chunk, 0, chunk.length, position); read > 0; read = readSync(fd, chunk, 0, chunk.length, position)) {
    position += read;
    for (let at = 0; at < read; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte === NEWLINE) {
        if (hasContent) count += 1;
        hasContent = false;
      } else if (!hasContent && !isBlankByte(byte)) {
        hasContent = true;
        // The rest of the line says nothing new.
        const end = chunk.indexOf(NEWLINE, at);
        at = end === -1 || end >= read ? read - 1 : end - 1;
      }
    }
  }
  return hasContent ? count + 1 : count;
}

async function prefetch(lines: AsyncGenerator<JobLine, void, undefined>): Promise<Omit<JobInput, "close">> {
  const early: JobLine[] = [];
  let pending: Promise<IteratorResult<JobLine, void>> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => (timer = setTimeout(() => resolve("late"), PREFETCH_MS)));
  let isOver = false;
  let bytes = 0;
  while (early.length < PREFETCH_LINES && bytes < PREFETCH_BYTES) {
    pending = lines.next();
    const next = await Promise.race([pending, late]);
    if (next === "late") break;
    pending = undefined;
    isOver = next.done === true;
    if (next.done === true) break;
    early.push(next.value);
    bytes += next.value.sizeBytes;
  }
  clearTimeout(timer);
  return { lines: chain(early, pending, lines), total: isOver ? early.length : undefined, atLeast: early.length };
}

async function* chain(
  early: readonly JobLine[],
  pending: Promise<IteratorResult<JobLine, void>> | undefined,
  rest: AsyncIterable<JobLine>,
): AsyncGenerator<JobLine, void, undefined> {
  yield* early;
  const next = await pending;
  if (next?.done === true) return;
  if (next !== undefined) yield next.value;
  yield* rest;
}
