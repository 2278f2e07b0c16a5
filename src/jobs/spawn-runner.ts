// The portable runner: a new shell for each job, started from this process. It makes no assumption about the system's
// bash and keeps every variable of the environment, but starting a process costs more the more memory the engine holds.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { open, type FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { Guard } from "./guard.ts";
import { DEFAULT_SHELL, findRefusal, type JobOutcome, type JobRunner, type JobSpec } from "./job.ts";
import {
  describeErrno,
  explainSetup,
  failedOutcome,
  findDirectoryFailure,
  findShellFailure,
  ranOutcome,
  resolvePaths,
  startClock,
  type JobClock,
  type JobPaths,
} from "./job-setup.ts";
import { codeOfSignal, MARKER_VARIABLE, signalGroup } from "./process-group.ts";
import { Supervisor } from "./supervisor.ts";

type Ending = { readonly code: number } | { readonly error: string };

interface Files {
  readonly stdin: FileHandle;
  readonly out: FileHandle;
  readonly err: FileHandle;
}

/** Runs each job in a shell of its own. */
export class SpawnRunner implements JobRunner {
  readonly #running = new Set<number>();
  readonly #idleGuards: Guard[] = [];

  async run(spec: JobSpec, signal?: AbortSignal): Promise<JobOutcome> {
    const clock = startClock();
    const refusal = findRefusal(spec);
    if (refusal !== undefined) return failedOutcome(clock, refusal);
    const paths = resolvePaths(spec);
    const shell = spec.shell ?? DEFAULT_SHELL;
    const shellFailure = await findShellFailure(shell);
    if (shellFailure !== undefined) return failedOutcome(clock, shellFailure);
    const directoryFailure = await findDirectoryFailure(spec, paths.directory);
    if (directoryFailure !== undefined) return failedOutcome(clock, directoryFailure);
    const files = await openFiles(paths);
    if (files === undefined) return failedOutcome(clock, await explainSetup(spec, paths));
    return this.#start(spec, { clock, paths, shell, files, signal });
  }

  close(): void {
    for (const pgid of this.#running) signalGroup(pgid, "SIGKILL");
    for (const guard of this.#idleGuards.splice(0)) guard.close();
  }

  async #start(spec: JobSpec, job: StartedJob): Promise<JobOutcome> {
    const marker = randomUUID();
    let giveUp = (): void => undefined;
    const abandoned = new Promise<Ending>((resolve) => {
      giveUp = () => resolve({ error: `the job's process could not be killed on ${hostname()}` });
    });
    let pgid: number | undefined;
    const supervisor = new Supervisor({ findGroup: () => pgid, marker, timeoutMs: spec.timeoutMs, signal: job.signal, onUnkillable: giveUp });
    const guard = this.#idleGuards.pop() ?? new Guard();
    try {
      const ending = await Promise.race([
        abandoned,
        spawnAndWait(spec, job, marker, (pid) => {
          pgid = pid;
          this.#running.add(pid);
          guard.watchJob(pid);
          supervisor.begin();
        }),
      ]);
      const seen = await supervisor.finish();
      return "code" in ending ? ranOutcome(job.clock, ending.code, seen) : failedOutcome(job.clock, ending.error, seen);
    } finally {
      if (pgid !== undefined) this.#running.delete(pgid);
      guard.watchJob(undefined);
      this.#idleGuards.push(guard);
    }
  }
}

interface StartedJob {
  readonly clock: JobClock;
  readonly paths: JobPaths;
  readonly shell: readonly string[];
  readonly files: Files;
  readonly signal: AbortSignal | undefined;
}

async function openFiles(paths: JobPaths): Promise<Files | undefined> {
  const opened: FileHandle[] = [];
  try {
    const stdin = await open(paths.stdin, "r");
    opened.push(stdin);
    const out = await open(paths.out, "w");
    opened.push(out);
    const err = paths.err === paths.out ? out : await open(paths.err, "w");
    return { stdin, out, err };
  } catch {
    // The caller finds out which file it was and says so.
    await Promise.all(opened.map((handle) => handle.close()));
    return undefined;
  }
}

async function closeFiles(files: Files): Promise<void> {
  await Promise.all([...new Set([files.stdin, files.out, files.err])].map((handle) => handle.close()));
}

async function spawnAndWait(spec: JobSpec, job: StartedJob, marker: string, onStarted: (pid: number) => void): Promise<Ending> {
  const { shell, files, paths } = job;
  // The engine's own directory variables would be wrong in the job's directory.
  const { OLDPWD: _old, PWD: _pwd, ...inherited } = process.env;
  try {
    const child = spawn(shell[0] ?? "", [...shell.slice(1), spec.cmd], {
      cwd: paths.directory,
      detached: true,
      env: { ...inherited, [MARKER_VARIABLE]: marker, ...spec.env },
      stdio: [files.stdin.fd, files.out.fd, files.err.fd],
    });
    // `exit`, not `close`: background children that live on must not hold the result back.
    const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    if (child.pid !== undefined) onStarted(child.pid);
    const [code, signal] = await exited;
    return { code: code ?? (signal === null ? 0 : codeOfSignal(signal)) };
  } catch (error) {
    return { error: `the shell ${JSON.stringify(shell[0])} could not be started on ${hostname()}: ${describeErrno(error)}` };
  } finally {
    await closeFiles(files);
  }
}
