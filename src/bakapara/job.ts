// A job as users write it, one JSON object a line, and its result as they read it. Names of keys are the file format's.
// Checking happens here, once: what `readJob` lets through has the right types.

/** A shell job. Keys of your own are kept and echoed. */
export interface Job {
  /** Command line, run by `/bin/bash` with `pipefail`; pipes and redirections allowed. */
  cmd: string;
  /** Working directory, relative to the caller's. Default: the caller's. */
  cd?: string;
  /** File for standard output, relative to the working directory. Default: discarded. */
  out?: string;
  /** File for standard error, likewise. */
  err?: string;
  /** Hosts that may run it. Default: any. */
  host?: string | readonly string[];
  /** Yours to choose; echoed. */
  id?: string | number;
  /** Environment variables added to the engine's. */
  env?: Readonly<Record<string, string>>;
  /** File for standard input, relative to the working directory. Default: empty. */
  stdin?: string;
  /** Seconds it may run. */
  timeout?: number;
  /** How often it is run again after failing. */
  retries?: number;
  /** Among waiting jobs, higher ones start first. Default 0. */
  priority?: number;
  /** A shell in place of bash: a program that takes `-c COMMAND`, or a program and its arguments before the command. */
  shell?: string | readonly string[];
  /** Exit codes that count as success. Default: 0. */
  ok_codes?: readonly number[];
  /** Filled in when the job has ended. */
  result?: JobResult;
  [key: string]: unknown;
}

/** What came of a job. Times are ISO 8601 with microseconds, UTC. */
export interface JobResult {
  /** Exit status, 128 + n after signal n; `null` when the job could not be run. */
  readonly code: number | null;
  /** When it was handed to the cluster; `null` when it never was. */
  readonly submitted: string | null;
  /** When the engine started it. */
  readonly started: string | null;
  /** When it ended on the engine. */
  readonly completed: string | null;
  /** When its end was known here. */
  readonly received: string | null;
  /** `H:MM:SS.ffffff`, by a monotonic clock. */
  readonly elapsed: string | null;
  /** Engine that ran it. */
  readonly engine_id: number | null;
  /** Host of that engine. */
  readonly host: string | null;
  /** The engine's own failure, when it had one. */
  readonly pyerr: { readonly ename: string; readonly evalue: string; readonly traceback: readonly string[] } | null;
  /** Always `null`: a job's output goes to its files. */
  readonly pyout: null;
  /** `ok`: the job ran, whatever its code; `error`: it could not be run. */
  readonly status: "ok" | "error";
  /** Message id of the request it was. */
  readonly msg_id: string | null;
  /** Name of signal n when `code` is 128 + n. */
  readonly signal: string | null;
  /** 1 for the first time. */
  readonly attempt: number;
  /** Whether its `timeout` ended it. */
  readonly timed_out: boolean;
  /** Largest resident memory of its processes in kilobytes, sampled; `null` for short jobs. */
  readonly max_rss: number | null;
  /** Why it could not be run; only then present. */
  readonly error?: string;
}

/** Checks a job; a text tells what is wrong with it. */
export function readJob(value: unknown): Job | string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "a job must be a JSON object with `cmd`";
  const job = value as Record<string, unknown>;
  if (job["cmd"] === undefined) return "`cmd` is missing";
  for (const [key, isRight, expectation] of CHECKS) {
    const given = job[key];
    if (given !== undefined && !isRight(given)) return `\`${key}\` must be ${expectation}`;
  }
  return value as Job;
}

const isText = (value: unknown): boolean => typeof value === "string";
const isName = (value: unknown): boolean => typeof value === "string" && value !== "";
const isNameList = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isName);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const CHECKS: readonly (readonly [key: string, isRight: (value: unknown) => boolean, expectation: string])[] = [
  ["cmd", isText, "a text"],
  ["cd", isName, "a path"],
  ["out", isName, "a path"],
  ["err", isName, "a path"],
  ["stdin", isName, "a path"],
  ["host", (value) => isName(value) || isNameList(value), "a host name or a list of them"],
  ["id", (value) => isText(value) || typeof value === "number", "a text or a number"],
  ["env", (value) => typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isText), "an object of texts"],
  ["timeout", (value) => typeof value === "number" && value > 0, "a number of seconds above 0"],
  ["retries", isCount, "a whole number of at least 0"],
  ["priority", (value) => typeof value === "number" && Number.isFinite(value), "a number"],
  ["shell", (value) => isName(value) || isNameList(value), "a program, or a list of a program and its arguments"],
  ["ok_codes", (value) => Array.isArray(value) && value.every(isCount), "a list of exit codes"],
];

/** Keys of a job that mean something; others are the user's. */
export const JOB_KEYS: readonly string[] = [...CHECKS.map(([key]) => key), "result"];

/** Whether a result counts as success for its job. */
export function isSuccess(job: { readonly ok_codes?: readonly number[] }, result: JobResult): boolean {
  return result.code !== null && result.status === "ok" && (job.ok_codes ?? [0]).includes(result.code);
}

/** A duration as `H:MM:SS.ffffff`, hours without limit. */
export function formatElapsed(milliseconds: number): string {
  const micros = Math.max(0, Math.round(milliseconds * 1000));
  const seconds = Math.floor(micros / 1_000_000);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(micros % 1_000_000).padStart(6, "0")}`;
}

/** A result of a job that was never run. */
export function unrunResult(error: string, attempt = 1): JobResult {
  return {
    code: null,
    submitted: null,
    started: null,
    completed: null,
    received: null,
    elapsed: null,
    engine_id: null,
    host: null,
    pyerr: null,
    pyout: null,
    status: "error",
    msg_id: null,
    signal: null,
    attempt,
    timed_out: false,
    max_rss: null,
    error,
  };
}
