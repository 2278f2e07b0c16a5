// Runs the compiled `ipcluster` in an IPython directory of its own, and finds every process that was started for it: by
// the directory's path in the process's environment, which all of them inherit.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until, type UntilOptions } from "./until.ts";

const IPCLUSTER = fileURLToPath(new URL("../../dist/cli/bin/ipcluster.js", import.meta.url));

/** How a command ended. */
export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export class RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<CommandEnd>;
  stdout = "";
  stderr = "";
  #hasEnded = false;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = new Promise((resolve) =>
      child.once("close", (code, signal) => {
        this.#hasEnded = true;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      }),
    );
  }

  /** Whether its process is gone, and all that it wrote is here. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Waits until a text stands on standard error; fails at once when the command ends without it. */
  says(text: string): Promise<void> {
    return this.until(() => this.stderr.includes(text), `saying "${text}"`);
  }

  /** Waits until a text stands on standard output; fails at once when the command ends without it. */
  prints(text: string): Promise<void> {
    return this.until(() => this.stdout.includes(text), `printing "${text}"`);
  }

  /** Waits for a condition that this command brings about; fails at once, with all that it wrote, when the command ends without it. */
  async until(condition: () => boolean, what: string, options: Omit<UntilOptions, "instead"> = {}): Promise<void> {
    await until(() => condition() || this.#hasEnded, { ...options, instead: () => this.#wrote() });
    if (!condition()) throw new Error(`the command ended without ${what}; ${this.#wrote()}`);
  }

  #wrote(): string {
    const { exitCode, signalCode } = this.child;
    return `exit status ${exitCode ?? signalCode ?? "none yet"}, standard output:\n${this.stdout}\nstandard error:\n${this.stderr}`;
  }
}

/** A directory for profiles, and the commands that use it. */
export class Sandbox {
  readonly dir: string = mkdtempSync(join(tmpdir(), "tsparallel-test-"));
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    const { IPP_PROFILE_DIR: _dir, IPP_CLUSTER_ID: _id, IPP_PARENT_PID: _pid, ...inherited } = process.env;
    this.env = { ...inherited, IPYTHONDIR: this.dir };
  }

  /** Starts `ipcluster` with these arguments. */
  start(...args: readonly string[]): RunningCommand {
    return this.startProgram([IPCLUSTER, ...args]);
  }

  /** Starts node with these arguments. */
  startProgram(args: readonly string[], env: NodeJS.ProcessEnv = this.env): RunningCommand {
    return new RunningCommand(spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"], cwd: this.dir }));
  }

  /** Runs `ipcluster` to its end. */
  run(...args: readonly string[]): Promise<CommandEnd> {
    return this.start(...args).ended;
  }

  profileDir(name = "default"): string {
    return join(this.dir, `profile_${name}`);
  }

  /** Connection and cluster files of a profile, and what should not be there: locks and temporary files. */
  securityFiles(name = "default"): string[] {
    try {
      return readdirSync(join(this.profileDir(name), "security")).toSorted();
    } catch {
      return []; // no profile, no files
    }
  }

  /** Ids of the processes that were started for this sandbox and still run. */
  processes(): number[] {
    return processesWith(this.dir);
  }

  /** Waits until nothing runs any more that was started for this sandbox. */
  nothingRuns(): Promise<void> {
    return nothingRunsWith(this.dir);
  }

  /** Kills what is left and removes the directory. */
  dispose(): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // ended in the meantime
      }
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Living processes in whose environment a text stands; this one is left out. */
export function processesWith(text: string): number[] {
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => pid !== process.pid && mentions(pid, text));
}

/** Waits until no living process has this text in its environment; else tells which do. */
export function nothingRunsWith(text: string): Promise<void> {
  return until(() => processesWith(text).length === 0, { instead: () => `these run: ${processesWith(text).map(commandOf).join("; ")}` });
}

function commandOf(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()}`;
  } catch {
    return `${pid}, which has just ended`;
  }
}

function mentions(pid: number, text: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    if (stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z")) return false;
    return readFileSync(`/proc/${pid}/environ`, "utf8").includes(text);
  } catch {
    return false; // ended, or another user's
  }
}
