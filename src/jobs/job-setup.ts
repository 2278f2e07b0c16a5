// What both runners do before and after a job: resolve its paths, and say in one sentence why its surroundings do not
// let it run. The shell only tells that something failed; the reason is found by trying the same from here.

import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { isAbsolute, resolve } from "node:path";
import type { JobOutcome, JobSpec } from "./job.ts";
import { signalOfCode } from "./process-group.ts";
import type { Supervision } from "./supervisor.ts";

/** The job's files as absolute paths. */
export interface JobPaths {
  readonly directory: string;
  readonly stdin: string;
  readonly out: string;
  readonly err: string;
}

/** Where nothing comes from and output goes that nobody wants. */
export const NULL_DEVICE = "/dev/null";

/** Resolves a job's paths: `cd` against the caller's directory, files against the job's own. */
export function resolvePaths(spec: JobSpec): JobPaths {
  const directory = spec.cd === undefined ? spec.cwd : resolve(spec.cwd, spec.cd);
  const file = (path: string | undefined): string => (path === undefined ? NULL_DEVICE : resolve(directory, path));
  return { directory, stdin: file(spec.stdin), out: file(spec.out), err: file(spec.err) };
}

/** Says why the job's directory cannot be entered, or `undefined` when it can. */
export async function findDirectoryFailure(spec: JobSpec, directory: string): Promise<string | undefined> {
  const directoryFailure = await failureOf(async () => {
    if (!(await stat(directory)).isDirectory()) throw Object.assign(new Error("not a directory"), { code: "ENOTDIR" });
    await access(directory, constants.X_OK);
  });
  if (directoryFailure === undefined) return undefined;
  const what = spec.cd === undefined ? "the caller's working directory" : "`cd`";
  return `${what} ${quote(directory)} cannot be entered on ${hostname()}: ${directoryFailure}`;
}

/** Finds out which part of the setup fails, and why. */
export async function explainSetup(spec: JobSpec, paths: JobPaths): Promise<string> {
  const directoryFailure = await findDirectoryFailure(spec, paths.directory);
  if (directoryFailure !== undefined) return directoryFailure;
  const files = [
    ["stdin", paths.stdin, constants.O_RDONLY, "read"],
    ["out", paths.out, constants.O_WRONLY | constants.O_CREAT, "written"],
    ["err", paths.err, constants.O_WRONLY | constants.O_CREAT, "written"],
  ] as const;
  for (const [key, path, flags, verb] of files) {
    const failure = await failureOf(async () => {
      // Without O_NONBLOCK a named pipe would wait for its other end.
      await (await open(path, flags | constants.O_NONBLOCK)).close();
    });
    if (failure !== undefined) return `\`${key}\` ${quote(path)} cannot be ${verb} on ${hostname()}: ${failure}`;
  }
  return `the job's directory or files could not be opened on ${hostname()}, but can be now`;
}

/** Says why a shell cannot be started, or `undefined` when it can. */
export async function findShellFailure(shell: readonly string[]): Promise<string | undefined> {
  const program = shell[0] ?? "";
  if (!isAbsolute(program)) return undefined;
  const failure = await failureOf(() => access(program, constants.X_OK));
  return failure === undefined ? undefined : `the shell ${quote(program)} cannot be run on ${hostname()}: ${failure}`;
}

async function failureOf(attempt: () => Promise<void>): Promise<string | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    return describeErrno(error);
  }
}

const ERRNO_TEXT: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOTDIR: "it, or a part of its path, is not a directory",
  EISDIR: "it is a directory",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  ETXTBSY: "it is a program that runs",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
  E2BIG: "the command line and environment are too long",
  EMFILE: "too many open files",
  EAGAIN: "the system has no room for another process",
  ENOMEM: "out of memory",
};

/** A system error in words, with its code. */
export function describeErrno(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message;
  return `${ERRNO_TEXT[code] ?? message} (${code})`;
}

function quote(path: string): string {
  return JSON.stringify(path);
}

/** Start of a job by both clocks. */
export interface JobClock {
  readonly startedAt: number;
  readonly mark: number;
}

/** Reads both clocks: the wall for people, the monotonic one for durations. */
export function startClock(): JobClock {
  return { startedAt: wallClock(), mark: performance.now() };
}

function wallClock(): number {
  // Date is corrected when the system's clock is set; the fraction comes from the finer clock.
  const fine = performance.timeOrigin + performance.now();
  const coarse = Date.now();
  return Math.abs(fine - coarse) < 2 ? fine : coarse;
}

/** Makes the outcome of a job that ran. */
export function ranOutcome(clock: JobClock, code: number, seen: Supervision): JobOutcome {
  return { code, signal: signalOfCode(code), ...timesSince(clock), timedOut: seen.timedOut, aborted: seen.aborted, maxRssKb: seen.maxRssKb };
}

/** Makes the outcome of a job that could not be run, or whose end could not be learned. */
export function failedOutcome(clock: JobClock, error: string, seen?: Supervision): JobOutcome {
  const { timedOut, aborted, maxRssKb } = seen ?? { timedOut: false, aborted: false, maxRssKb: null };
  return { code: null, signal: null, ...timesSince(clock), timedOut, aborted, maxRssKb, error };
}

function timesSince(clock: JobClock): Pick<JobOutcome, "startedAt" | "completedAt" | "elapsedMs"> {
  const elapsedMs = performance.now() - clock.mark;
  return { startedAt: clock.startedAt, completedAt: clock.startedAt + elapsedMs, elapsedMs };
}
