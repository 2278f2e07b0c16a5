// Keeps bakapara from writing over what it reads, and two of its outputs from one file: said before anything is opened for writing,
// because opening empties.

import { closeSync, fstatSync, openSync, readSync, statSync, type Stats } from "node:fs";
import { resolve } from "node:path";
import { ConfigError } from "../base/index.ts";
import { isRecordedEnd } from "../bakapara/index.ts";
import type { BakaparaRequest } from "./bakapara-options.ts";

type Files = Pick<BakaparaRequest, "input" | "output" | "logging" | "joblog">;

const STDIN = 0;
const STDOUT = 1;

/**
 * Refuses files that stand in one another's way. Devices, pipes and terminals do not.
 *
 * @throws ConfigError
 */
export function refuseSameFiles({ input, output, logging, joblog }: Files): void {
  const jobs = input === undefined ? ofDescriptor(STDIN) : ofPath(input);
  const written = [
    { flag: "-o", path: output, what: "the results" },
    { flag: "-l", path: logging, what: "the log" },
    { flag: "--joblog", path: joblog, what: "the job log" },
  ].flatMap(({ flag, path, what }) => (path === undefined ? [] : [{ flag, path, what, file: ofPath(path) }]));
  for (const [index, { flag, path, what, file }] of written.entries()) {
    if (isSame(jobs, file)) throw new ConfigError(`${path} holds the jobs, and ${what} would replace them; name another file with ${flag}`);
    const other = written.slice(0, index).find((before) => isSame(before.file, file));
    if (other !== undefined) throw new ConfigError(`${path} cannot hold both ${other.what} and ${what}; name another file with ${flag}`);
  }
  if (output === undefined && isSame(jobs, ofDescriptor(STDOUT))) {
    throw new ConfigError("the results would go into the file that the jobs are read from; send them to another one");
  }
}

/**
 * Refuses to put what a dry run says in place of the results of a run.
 *
 * @throws ConfigError
 */
export function refuseResults(path: string): void {
  if (startsWithResult(path)) throw new ConfigError(`${path} holds the results of a run, and a dry run would replace them; leave out -o, or name another file`);
}

/** What tells a file from others: of one that is not there yet, the path. */
type Identity = string | undefined;

const isSame = (a: Identity, b: Identity): boolean => a !== undefined && a === b;

const ofStats = (stats: Stats): Identity => (stats.isFile() ? `${stats.dev}:${stats.ino}` : undefined);

function ofPath(path: string): Identity {
  try {
    return ofStats(statSync(path));
  } catch {
    // Not there yet, or not to be read: opening it will tell.
    return resolve(path);
  }
}

function ofDescriptor(fd: number): Identity {
  try {
    return ofStats(fstatSync(fd));
  } catch {
    // A closed standard stream is no file.
    return undefined;
  }
}

const FIRST_LINE_BYTES = 64 * 1024;

function startsWithResult(path: string): boolean {
  const chunk = Buffer.alloc(FIRST_LINE_BYTES);
  try {
    const fd = openSync(path, "r");
    try {
      if (!fstatSync(fd).isFile()) return false;
      const read = readSync(fd, chunk, 0, chunk.length, 0);
      const record: unknown = JSON.parse(chunk.toString("utf8", 0, read).split("\n", 1)[0] ?? "");
      return typeof record === "object" && record !== null && isRecordedEnd((record as { result?: unknown }).result);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not there, not to be read, or no JSON: no results.
    return false;
  }
}
