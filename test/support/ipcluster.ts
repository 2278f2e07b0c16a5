// Runs the compiled `ipcluster` in an IPython directory of its own, and finds every process that was started for it: by
// the directory's path in the process's environment, which all of them inherit.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const IPCLUSTER = fileURLToPath(new URL("../../dist/cli/bin/ipcluster.js", import.meta.url));
const WAIT_MS = 30_000;

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

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })));
  }

  /** Waits until a text stands on standard error, or the command ended. */
  async says(text: string): Promise<void> {
    await until(() => this.stderr.includes(text) || this.child.exitCode !== null || this.child.signalCode !== null, { timeoutMs: WAIT_MS });
    if (!this.stderr.includes(text)) throw new Error(`ended without saying "${text}": ${this.stderr}`);
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

function mentions(pid: number, text: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    if (stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z")) return false;
    return readFileSync(`/proc/${pid}/environ`, "utf8").includes(text);
  } catch {
    return false; // ended, or another user's
  }
}
