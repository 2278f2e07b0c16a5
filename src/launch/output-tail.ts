// The last words of a process, and its first, from its log file.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Of either end of a file. */
const PART_BYTES_MAX = 16 * 1024;
const TAIL_LINES_MAX = 20;

/** Last lines of a file from byte `from` on, without blank ones; at most 20 lines and 16 KiB. Empty when there is no file. */
export function outputTail(file: string, from = 0): string[] {
  return tailLines(readPart(file, (size) => Math.max(from, size - PART_BYTES_MAX)));
}

/** The beginning of a file, at most 16 KiB. Empty when there is no file. */
export function outputHead(file: string): string {
  return readPart(file, () => 0);
}

function readPart(file: string, startIn: (size: number) => number): string {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    // The process never wrote, or its log was cleaned away: there is nothing to read.
    return "";
  }
  try {
    const { size } = fstatSync(fd);
    const start = startIn(size);
    const bytes = Buffer.alloc(Math.min(Math.max(0, size - start), PART_BYTES_MAX));
    const count = readSync(fd, bytes, 0, bytes.length, start);
    return bytes.toString("utf8", 0, count);
  } finally {
    closeSync(fd);
  }
}

/** The last lines of a text that are not blank. */
export function tailLines(text: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  return lines.filter((line) => line !== "").slice(-TAIL_LINES_MAX);
}

/** Time stamp, level and component of our own log lines. */
const LOG_PREFIX = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}(?: [A-Z]+)? [\w.]+: /;

/** What Node prints last when a program of it crashes. */
const NODE_VERSION = /^Node\.js v\d/;
/** The line of a Node crash or a Python traceback that has the message. */
const CRASH = /^(?:Uncaught )?(?:\w*(?:Error|Exception|Exit|Interrupt)\b.*|[a-z_.]+\.[A-Z]\w+: .*)/;

/**
 * The sentence in which a program said why it ended: its last line, without program name or time stamp; after a crash the
 * line with the error's message.
 */
export function lastSentence(tail: readonly string[]): string | undefined {
  const isCrash = NODE_VERSION.test(tail.at(-1) ?? "");
  const line = (isCrash ? tail.findLast((one) => CRASH.test(one)) : undefined) ?? tail.at(-1);
  return line
    ?.replace(LOG_PREFIX, "")
    .replace(/^ip(?:controller|engine|cluster): /, "")
    .trim();
}
