// Reads JSON Lines from chunks of bytes: any line ends (LF, CRLF), a byte order mark, blank lines, no line end at the end,
// bytes that are no UTF-8. A line of any length costs at most `LINE_BYTES_MAX` of memory. Pure: bytes in, lines out.

import { readJob, type Job } from "./job.ts";

/** Longest line that is read, in bytes; longer ones are told as errors. */
export const LINE_BYTES_MAX: number = 1024 * 1024;

/** Characters of an unreadable line that its result echoes. */
const ECHO_CHARS_MAX = 200;

/** One line that is not blank. */
export type JobLine = GoodLine | BadLine;

/** A line with a job. */
export interface GoodLine {
  /** Tells it from a `BadLine`. */
  readonly type: "job";
  /** From 1, blank lines counted. */
  readonly lineNumber: number;
  /** The job, checked. */
  readonly job: Job;
  /** Bytes of the line: what it costs to keep it waiting. */
  readonly sizeBytes: number;
}

/** A line that is no job. */
export interface BadLine {
  /** Tells it from a `GoodLine`. */
  readonly type: "bad";
  /** From 1, blank lines counted. */
  readonly lineNumber: number;
  /** What is wrong, with the line number. */
  readonly error: string;
  /** What of the line can be echoed: the object when it is one. */
  readonly echo: Readonly<Record<string, unknown>>;
  /** Bytes of the line. */
  readonly sizeBytes: number;
}

const NEWLINE = 10;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** Cuts bytes into lines and reads them. */
export class JobLineReader {
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #isTooLong = false;
  #lineNumber = 0;

  /** Takes bytes; gives the lines that ended in them. The bytes must not change afterwards. */
  push(bytes: Uint8Array): JobLine[] {
    const lines: JobLine[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE, start); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#keep(bytes.subarray(start, end));
      this.#endLine(lines);
      start = end + 1;
    }
    this.#keep(bytes.subarray(start));
    return lines;
  }

  /** The input is over: gives the last line if it had no line end. */
  end(): JobLine[] {
    const lines: JobLine[] = [];
    if (this.#partBytes > 0 || this.#isTooLong) this.#endLine(lines);
    return lines;
  }

  #keep(bytes: Uint8Array): void {
    if (this.#isTooLong || bytes.length === 0) return;
    this.#partBytes += bytes.length;
    // One more for the CR of a CRLF.
    if (this.#partBytes > LINE_BYTES_MAX + 1) {
      this.#isTooLong = true;
      this.#parts = [];
    } else {
      this.#parts.push(bytes);
    }
  }

  #endLine(lines: JobLine[]): void {
    this.#lineNumber += 1;
    const line = this.#isTooLong ? undefined : withoutFrame(joined(this.#parts, this.#partBytes), this.#lineNumber === 1);
    this.#parts = [];
    this.#partBytes = 0;
    this.#isTooLong = false;
    if (line === undefined || line.length > LINE_BYTES_MAX) lines.push(bad(this.#lineNumber, `longer than ${LINE_BYTES_MAX} bytes`, {}));
    else {
      const read = readLine(line, this.#lineNumber);
      if (read !== undefined) lines.push(read);
    }
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function withoutFrame(line: Uint8Array, isFirst: boolean): Uint8Array {
  const start = isFirst && BYTE_ORDER_MARK.every((byte, index) => line[index] === byte) ? BYTE_ORDER_MARK.length : 0;
  const end = line.at(-1) === 13 ? line.length - 1 : line.length;
  return line.subarray(Math.min(start, end), end);
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UTF8_LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });

function readLine(line: Uint8Array, lineNumber: number): JobLine | undefined {
  let text: string;
  try {
    text = UTF8.decode(line);
  } catch {
    // A command with other characters than were meant could do harm; so nothing is guessed.
    return bad(lineNumber, "not UTF-8", { text: UTF8_LENIENT.decode(line).slice(0, ECHO_CHARS_MAX) });
  }
  if (text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return bad(lineNumber, `not JSON: ${(error as Error).message}`, { text: text.slice(0, ECHO_CHARS_MAX) });
  }
  const job = readJob(value);
  if (typeof job !== "string") return { type: "job", lineNumber, job, sizeBytes: line.length };
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return { ...bad(lineNumber, job, isObject ? (value as Record<string, unknown>) : { text: text.slice(0, ECHO_CHARS_MAX) }), sizeBytes: line.length };
}

function bad(lineNumber: number, what: string, echo: Readonly<Record<string, unknown>>): BadLine {
  return { type: "bad", lineNumber, error: `line ${lineNumber}: ${what}`, echo: { ...echo, line: lineNumber }, sizeBytes: ECHO_CHARS_MAX };
}
