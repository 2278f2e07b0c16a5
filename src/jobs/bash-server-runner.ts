// The fast runner: jobs on long-lived bash servers. Literal commands are evaluated in a fork of the server, all others
// get a new bash that replaces the fork, so that nothing a command can observe differs from a bash started for it.

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { BashServer, jobText, type ServerEnding } from "./bash-server.ts";
import { DEFAULT_SHELL, findRefusal, type JobOutcome, type JobRunner, type JobSpec } from "./job.ts";
import { explainSetup, failedOutcome, findShellFailure, ranOutcome, resolvePaths, startClock, type JobPaths } from "./job-setup.ts";
import { killSession, MARKER_VARIABLE, signalGroup, sweepMarked } from "./process-group.ts";
import { isLiteralCommand } from "./shell-text.ts";
import { Supervisor } from "./supervisor.ts";

const IDLE_SERVERS_MAX = 2;

// Variables with which a bash behaves otherwise from its first line on, or which it does not take from `export`.
const STARTUP_VARIABLE = /^(?:SHELLOPTS|BASHOPTS|POSIXLY_CORRECT|BASH_COMPAT|BASH_XTRACEFD|BASH_LOADABLES_PATH)$/;
const SPECIAL_VARIABLE =
  /^(?:BASH.*|SHELLOPTS|POSIXLY_CORRECT|ENV|UID|EUID|PPID|GROUPS|FUNCNAME|DIRSTACK|PIPESTATUS|LINENO|RANDOM|SRANDOM|SECONDS|EPOCH.*|HIST.*|COMP_.*|IFS|OPT(?:IND|ARG|ERR)|PS4|SHLVL|PWD|OLDPWD|_|GLOBIGNORE)$/;

/** Whether jobs with this environment behave on a server as in a bash of their own. */
export function canServe(env: NodeJS.ProcessEnv): boolean {
  return !Object.keys(env).some((name) => STARTUP_VARIABLE.test(name));
}

/** Whether a server can add these variables to a job. */
export function canExport(env: Readonly<Record<string, string>>): boolean {
  return Object.keys(env).every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SPECIAL_VARIABLE.test(name));
}

/** Runs jobs on bash servers, as many as there are jobs at a time. */
export class BashServerRunner implements JobRunner {
  readonly #env: NodeJS.ProcessEnv;
  readonly #evaluatesLiterals: boolean;
  readonly #idle: BashServer[] = [];
  readonly #busy = new Set<BashServer>();

  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.#env = { ...env };
    // A file read by each bash, or functions in the environment, may give any word another meaning.
    this.#evaluatesLiterals = !Object.keys(env).some((name) => name === "BASH_ENV" || name.startsWith("BASH_FUNC_"));
  }

  /** Starts a server and tells whether this system's bash can be one. */
  async isUsable(): Promise<boolean> {
    const server = this.#take();
    const usable = await server.isUsable();
    if (usable) this.#giveBack(server);
    else this.#discard(server);
    return usable;
  }

  async run(spec: JobSpec, signal?: AbortSignal): Promise<JobOutcome> {
    const clock = startClock();
    const refusal = findRefusal(spec);
    if (refusal !== undefined) return failedOutcome(clock, refusal);
    if (spec.shell !== undefined) {
      const failure = await findShellFailure(spec.shell);
      if (failure !== undefined) return failedOutcome(clock, failure);
    }
    const paths = resolvePaths(spec);
    const marker = randomUUID();
    const server = this.#take();
    let isAbandoned = false;
    const onUnkillable = (): void => {
      isAbandoned = true;
      server.kill();
    };
    const supervisor = new Supervisor({ findGroup: () => server.findJob(), marker, timeoutMs: spec.timeoutMs, signal, onUnkillable });
    const ended = server.run(this.#textOf(spec, paths, marker));
    supervisor.begin();
    const ending = await ended;
    const seen = await supervisor.finish();
    if (isAbandoned) {
      this.#discard(server);
      return failedOutcome(clock, `the job's process could not be killed on ${hostname()}`, seen);
    }
    return this.#conclude(ending, server, {
      ran: (code) => ranOutcome(clock, code, seen),
      setupFailed: async () => failedOutcome(clock, await explainSetup(spec, paths), seen),
      serverDied: async () => {
        if (server.pid !== undefined) await killSession(server.pid);
        await sweepMarked(marker);
        return failedOutcome(clock, `the shell that ran the job was killed on ${hostname()}, by the job or another process`, seen);
      },
    });
  }

  close(): void {
    for (const server of this.#busy) {
      const pgid = server.findJob();
      if (pgid !== undefined) signalGroup(pgid, "SIGKILL");
      server.kill();
    }
    for (const server of this.#idle.splice(0)) server.close();
  }

  async #conclude(ending: ServerEnding, server: BashServer, make: Conclusions): Promise<JobOutcome> {
    if (ending.type !== "serverDied") {
      this.#giveBack(server);
      return ending.type === "ended" ? make.ran(ending.code) : make.setupFailed();
    }
    this.#discard(server);
    return make.serverDied();
  }

  #textOf(spec: JobSpec, paths: JobPaths, marker: string): string {
    const isEvaluated = this.#evaluatesLiterals && spec.shell === undefined && isLiteralCommand(spec.cmd);
    return jobText({
      ...paths,
      env: { [MARKER_VARIABLE]: marker, ...spec.env },
      program: isEvaluated ? undefined : (spec.shell ?? DEFAULT_SHELL),
      cmd: spec.cmd,
    });
  }

  #take(): BashServer {
    let server = this.#idle.pop();
    while (server?.isDead === true) server = this.#idle.pop();
    server ??= new BashServer(this.#env);
    this.#busy.add(server);
    return server;
  }

  #giveBack(server: BashServer): void {
    this.#busy.delete(server);
    if (this.#idle.length < IDLE_SERVERS_MAX) this.#idle.push(server);
    else server.close();
  }

  #discard(server: BashServer): void {
    this.#busy.delete(server);
    server.kill();
  }
}

interface Conclusions {
  readonly ran: (code: number) => JobOutcome;
  readonly setupFailed: () => Promise<JobOutcome>;
  readonly serverDied: () => Promise<JobOutcome>;
}
