// A long-lived bash that runs one job after the other, each as a background subshell in its own process group (`set -m`).
// Forking a small bash costs half of starting one from a large Node process, and nothing of the engine's memory.
//
// Protocol: this process writes shell texts, each behind its length, one job at a time; bash answers in lines on its standard output: `r5` once (its
// major version), then for each job perhaps `f` (directory or files could not be opened; then the code means nothing) and
// `dCODE`; where the system does not list a process's children, `pPID` (leader of the job's group) comes first. A job cannot write to that output: its files replace it first. All
// that comes from a job's description is single-quoted, so no text of a job can leave its place.

import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { Guard } from "./guard.ts";
import { findChildren, LISTS_CHILDREN } from "./process-group.ts";
import { shellQuote } from "./shell-text.ts";

/** How a job on the server ended. */
export type ServerEnding = { readonly type: "ended"; readonly code: number } | { readonly type: "setupFailed" } | { readonly type: "serverDied" };

interface Pending {
  readonly resolve: (ending: ServerEnding) => void;
  setupFailed: boolean;
}

const LENGTH_DIGITS = 8;
// What is relied on here was tried with bash 5.
const VERSION_MIN = 5;
// Evaluating each text, instead of reading them as one script, keeps every job's text at line 1, as messages show it.
// `read -N` reads blocks; up to a delimiter it would take a system call for each byte. In the C locale it counts bytes.
const LOOP = `while IFS= LC_ALL=C read -r -N ${LENGTH_DIGITS} size && IFS= LC_ALL=C read -r -N "$size" text; do eval "$text"; done`;
const READY_TIMEOUT_MS = 10_000;

/** One bash that runs jobs, one at a time. */
export class BashServer {
  readonly #child: ChildProcess;
  readonly #guard = new Guard();
  readonly #ready: Promise<boolean>;
  #settleReady: (isUsable: boolean) => void = () => undefined;
  #pending: Pending | undefined;
  #toldGroup: number | undefined;
  #partial = "";
  #isDead = false;

  constructor(env: NodeJS.ProcessEnv) {
    this.#child = spawn("/bin/bash", ["--noprofile", "--norc", "-c", LOOP], {
      cwd: "/",
      detached: true,
      env: serverEnv(env),
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#ready = new Promise((resolve) => (this.#settleReady = resolve));
    const timer = setTimeout(() => this.#settleReady(false), READY_TIMEOUT_MS);
    void this.#ready.then(() => clearTimeout(timer));
    this.#child.on("error", () => this.#onDeath());
    this.#child.on("exit", () => this.#onDeath());
    // A write to a server that just died fails; its exit tells the same.
    this.#child.stdin?.on("error", () => undefined);
    this.#child.stdout?.setEncoding("latin1").on("data", (text: string) => this.#onText(text));
    if (this.#child.pid !== undefined) this.#guard.watchServer(this.#child.pid);
    this.#child.stdin?.write(framed(prologue(env)));
    this.#hold(false);
  }

  /** Whether this bash can serve; asked once after the start. */
  async isUsable(): Promise<boolean> {
    this.#hold(true);
    const usable = await this.#ready;
    this.#hold(false);
    return usable && !this.#isDead;
  }

  /** Whether its process is gone. */
  get isDead(): boolean {
    return this.#isDead;
  }

  /** Process id; also its session's id. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Process group of the running job; `undefined` when there is none, or not yet. */
  findJob(): number | undefined {
    if (this.#pending === undefined || this.#child.pid === undefined) return undefined;
    return LISTS_CHILDREN ? findChildren(this.#child.pid)?.[0] : this.#toldGroup;
  }

  /** Runs one job's text, made by `jobText`. */
  async run(text: string): Promise<ServerEnding> {
    if (this.#isDead) return { type: "serverDied" };
    this.#hold(true);
    const ending = await new Promise<ServerEnding>((resolve) => {
      this.#pending = { resolve, setupFailed: false };
      this.#child.stdin?.write(framed(text));
    });
    this.#hold(false);
    return ending;
  }

  /** Ends it once the running job, if any, has ended. */
  close(): void {
    this.#child.stdin?.end();
    this.#guard.close();
  }

  /** Ends it now; a running job is told as `serverDied`. */
  kill(): void {
    this.#child.kill("SIGKILL");
    this.#onDeath();
    this.#guard.close();
  }

  // Only a running job keeps the process alive: an engine, or a test, ends without asking.
  #hold(isHeld: boolean): void {
    for (const handle of [this.#child, this.#child.stdin as Socket | null, this.#child.stdout as Socket | null]) {
      if (isHeld) handle?.ref();
      else handle?.unref();
    }
  }

  #onText(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) this.#onLine(line);
  }

  #onLine(line: string): void {
    const number = Number(line.slice(1));
    if (line.startsWith("r")) this.#settleReady(number >= VERSION_MIN);
    else if (line.startsWith("p")) this.#toldGroup = number;
    else if (line.startsWith("f") && this.#pending !== undefined) this.#pending.setupFailed = true;
    else if (line.startsWith("d")) this.#finish(this.#pending?.setupFailed === true ? { type: "setupFailed" } : { type: "ended", code: number });
  }

  #finish(ending: ServerEnding): void {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#toldGroup = undefined;
    pending?.resolve(ending);
  }

  #onDeath(): void {
    this.#isDead = true;
    this.#settleReady(false);
    this.#finish({ type: "serverDied" });
    this.#guard.close();
  }
}

// Behind spaces, because a leading zero would make the length octal.
function framed(text: string): string {
  return String(Buffer.byteLength(text)).padStart(LENGTH_DIGITS, " ") + text;
}

// BASH_ENV names a file that each new bash reads: meant for the jobs' shells, not for the server.
function serverEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { BASH_ENV: _bashEnv, ENV: _env, OLDPWD: _oldpwd, ...rest } = env;
  return rest;
}

function prologue(env: NodeJS.ProcessEnv): string {
  const exports = ["BASH_ENV", "ENV"].flatMap((name) => (env[name] === undefined ? [] : [`export ${name}=${shellQuote(env[name])}`]));
  // A job's shell counts its depth from ours; it must look as if the engine had started it.
  const depth = env["SHLVL"] === undefined ? "unset SHLVL" : `SHLVL=${shellQuote(env["SHLVL"])}`;
  return ["set -o pipefail; set -m", ...exports, depth, "echo r${BASH_VERSINFO[0]}"].join("\n");
}

/** What `jobText` needs to know of a job. */
export interface JobText {
  readonly directory: string;
  readonly stdin: string;
  readonly out: string;
  readonly err: string;
  readonly env: Readonly<Record<string, string>>;
  /** Replaces the subshell: program, arguments, command line. `undefined`: `cmd` is evaluated in the subshell itself. */
  readonly program: readonly string[] | undefined;
  readonly cmd: string;
}

// Without job control `wait` does not see that a job is stopped; one that was stopped just before it was switched off is
// told with 128 + SIGSTOP (19) to SIGTTOU (22), and then bash learns of its end by itself. A job that really ended with such
// a code gives it again. (`wait -f` is meant for this, but a job that ends at the wrong moment makes bash 5.2 spin in it for ever.)
const WAIT = "set +m; wait $!; code=$?; case $code in 14[789]|150) while kill -0 $! 2>/dev/null; do sleep 0.05; done; wait $!; code=$?;; esac; set -m";

/** The shell text that runs a job on a server. */
export function jobText(job: JobText): string {
  const exports = Object.entries(job.env).map(([name, value]) => ` ${name}=${shellQuote(value)}`);
  const body = job.program === undefined ? `eval ${shellQuote(job.cmd)}; exit` : `exec ${[...job.program, job.cmd].map(shellQuote).join(" ")}`;
  const stderr = job.err === job.out ? "2>&1" : `2>${shellQuote(job.err)}`;
  const files = `<${shellQuote(job.stdin)} >${shellQuote(job.out)} ${stderr}`;
  // The body never returns, so `echo f` is reached only when something before it failed.
  const subshell = `(cd -P -- ${shellQuote(job.directory)} && unset OLDPWD && export${exports.join("")} && { ${body}; } ${files}; echo f)`;
  // Whoever needs the job's process while it runs looks it up: telling it each time would wake the engine for nothing.
  return `${subshell}& ${LISTS_CHILDREN ? "" : "echo p$!; "}${WAIT}; echo d$code`;
}
