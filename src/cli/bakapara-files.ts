// The files bakapara writes, and the one it goes on with.

import { closeSync, createReadStream, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError } from "../base/index.ts";
import { DoneJobs, isRecordedEnd } from "../bakapara/index.ts";
import { fileFailure } from "../config/index.ts";
import { LineSink } from "./line-sink.ts";

/** Opens a file for lines, or takes a standard stream when there is no path. @throws ConfigError */
export function openSink(
  path: string | undefined,
  fallbackFd: number,
  options: { readonly isAppending: boolean; readonly what: string; readonly onFailure?: (error: NodeJS.ErrnoException) => void },
): LineSink {
  const onFailure = options.onFailure === undefined ? {} : { onFailure: options.onFailure };
  if (path === undefined) return new LineSink(fallbackFd, { isOwned: false, ...onFailure });
  try {
    return new LineSink(openSync(path, options.isAppending ? "a" : "w"), { isOwned: true, ...onFailure });
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new ConfigError(`cannot write ${options.what} to ${path}: ${isAbsent ? `there is no directory ${dirname(path)}` : fileFailure(cause)}`, { cause });
  }
}

/** Whether a file holds anything. */
export function isEmptyFile(path: string): boolean {
  try {
    const fd = openSync(path, "r");
    const { size } = fstatSync(fd);
    closeSync(fd);
    return size === 0;
  } catch {
    // What is not there is empty; what cannot be read is told when it is opened for writing.
    return true;
  }
}

const NEWLINE = 10;
const CHUNK_BYTES = 64 * 1024;

/**
 * Reads the results of an earlier run, and cuts off a last line that was not written to its end.
 *
 * @throws ConfigError when the file exists and cannot be read
 */
export async function readDone(path: string): Promise<DoneJobs> {
  const done = new DoneJobs();
  try {
    cutTornLine(path);
    let text = "";
    for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
      const lines = (text + (chunk as string)).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) countDone(done, line);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw new ConfigError(`cannot read the results in ${path}: ${fileFailure(cause)}`, { cause });
  }
  return done;
}

function countDone(done: DoneJobs, line: string): void {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    // Not a line of ours: it tells of no job.
    return;
  }
  if (typeof record !== "object" || record === null || Array.isArray(record)) return;
  const job = record as Record<string, unknown>;
  if (isRecordedEnd(job["result"])) done.add(job);
}

function cutTornLine(path: string): void {
  const fd = openSync(path, "r+");
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { size } = fstatSync(fd);
    for (let end = size; end > 0;) {
      const start = Math.max(0, end - CHUNK_BYTES);
      const read = readSync(fd, chunk, 0, end - start, start);
      const at = chunk.subarray(0, read).lastIndexOf(NEWLINE);
      if (at !== -1 || start === 0) {
        const whole = at === -1 ? 0 : start + at + 1;
        if (whole < size) ftruncateSync(fd, whole);
        return;
      }
      end = start;
    }
  } finally {
    closeSync(fd);
  }
}
