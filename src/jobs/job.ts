// What a shell job is to an engine: what it asks for, what comes of it, and the interface of whatever runs it. Plain
// data only, because both travel over the wire.

/** A shell job as an engine gets it. Paths may be relative, see each field. */
export interface JobSpec {
  /** Command line for the shell; no NUL characters, at most `CMD_BYTES_MAX` bytes of UTF-8. */
  readonly cmd: string;
  /** Absolute working directory of the caller: where the job runs unless it says `cd`. */
  readonly cwd: string;
  /** Working directory, relative to `cwd`. */
  readonly cd?: string;
  /** File for standard output, relative to the working directory; replaced if it exists. Default: discarded. */
  readonly out?: string;
  /** File for standard error, likewise; the same file as `out` gets both. Default: discarded. */
  readonly err?: string;
  /** File for standard input, relative to the working directory. Default: empty. */
  readonly stdin?: string;
  /** Variables added to the engine's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The job is stopped when it runs longer. Default: no limit. */
  readonly timeoutMs?: number;
  /** Program, or program and arguments, that gets the command line as its last argument. Default: bash with `pipefail`. */
  readonly shell?: readonly string[];
}

/** What came of a job. */
export interface JobOutcome {
  /** Exit status as a shell tells it, 128 + n after signal n; `null` when the job could not be run. */
  readonly code: number | null;
  /** Name of signal n when `code` is 128 + n. */
  readonly signal: string | null;
  /** Milliseconds since the epoch, with microseconds. */
  readonly startedAt: number;
  /** Milliseconds since the epoch, with microseconds. */
  readonly completedAt: number;
  /** Duration by a monotonic clock, in milliseconds with microseconds. */
  readonly elapsedMs: number;
  /** The job was stopped because its time was over. */
  readonly timedOut: boolean;
  /** The job was stopped because its caller gave it up. */
  readonly aborted: boolean;
  /** Largest resident memory of any of its processes in kilobytes, sampled; `null` when too short, or not on Linux. */
  readonly maxRssKb: number | null;
  /** Why the job could not be run. */
  readonly error?: string;
}

/** Runs jobs, each in its own process group with files as stdio. */
export interface JobRunner {
  /**
   * Runs one job to its end. Never rejects for what the job or its surroundings do: that is told in the outcome.
   *
   * @param signal stops the job and all its children
   */
  run(spec: JobSpec, signal?: AbortSignal): Promise<JobOutcome>;
  /** Kills what still runs and ends helper processes. */
  close(): void;
}

/** The shell of a job that names none; `pipefail` makes a failing stage of a pipeline fail the job. */
export const DEFAULT_SHELL: readonly string[] = ["/bin/bash", "-o", "pipefail", "-c"];

/** Linux takes no longer single argument (MAX_ARG_STRLEN, less the terminating NUL). */
export const CMD_BYTES_MAX: number = 131_071;

/** Says why a job cannot even be tried, or `undefined`. */
export function findRefusal(spec: JobSpec): string | undefined {
  if (spec.cmd.includes("\0")) return "`cmd` contains a NUL character, which no shell can take";
  const bytes = Buffer.byteLength(spec.cmd);
  if (bytes > CMD_BYTES_MAX) return `\`cmd\` has ${bytes} bytes and the system passes at most ${CMD_BYTES_MAX}; put it into a script file`;
  for (const name of ["cwd", "cd", "out", "err", "stdin"] as const) {
    if (spec[name]?.includes("\0") === true) return `\`${name}\` contains a NUL character`;
    if (spec[name] === "") return `\`${name}\` is empty`;
  }
  for (const [name, value] of Object.entries(spec.env ?? {})) {
    if (name === "" || /[=\0]/.test(name) || value.includes("\0")) return `\`env\` has a name or value the system cannot take: ${JSON.stringify(name)}`;
  }
  if (spec.shell?.some((word) => word === "" || word.includes("\0")) === true || spec.shell?.length === 0)
    return "`shell` has an empty word or a NUL character";
  return undefined;
}
