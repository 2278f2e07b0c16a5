// A kernel's process, in a group of its own: so that a Ctrl-C at the terminal reaches only whoever is to decide about it, and that
// nothing of the kernel outlives it. Its connection file is in a directory that only its owner can read.

import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError, LaunchError } from "../base/index.ts";
import { fileFailure } from "../config/index.ts";
import type { KernelConnection } from "../kernel/index.ts";
import { Guard } from "../jobs/index.ts";
import { atProcessExit, freePorts } from "../launch/index.ts";
import { kernelCommand, kernelEnvironment, type KernelSpec } from "./kernelspecs.ts";

const ADDRESS = "127.0.0.1";
const SCHEME = "hmac-sha256";
const OUTPUT_CHARS_MAX = 16 * 1024;
/** How long the system may take to end a process after SIGKILL. */
const KILL_MS = 5000;

/** How a kernel is started. */
export interface KernelStart {
  readonly spec: KernelSpec;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A kernel's process. */
export class KernelProcess {
  readonly connection: KernelConnection;
  /** How it ended, as the rest of a sentence; never rejects. */
  readonly exited: Promise<string>;
  readonly #child: ChildProcess;
  readonly #folder: string;
  /** Ends the group if this process is killed: the kernel may notice that by itself, what it started does not. */
  readonly #guard = new Guard();
  readonly #unguard: () => void;
  #hasExited = false;
  #output = "";

  private constructor(child: ChildProcess, folder: string, connection: KernelConnection) {
    this.#child = child;
    this.#folder = folder;
    this.connection = connection;
    this.#guard.watchJob(child.pid);
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output = (this.#output + text).slice(-OUTPUT_CHARS_MAX)));
    this.exited = new Promise((resolve) =>
      child.once("exit", (code, signal) => {
        this.#hasExited = true;
        resolve(signal === null ? `ended with exit status ${code}` : `was ended by ${signal}`);
      }),
    );
    this.#unguard = atProcessExit(() => {
      this.kill();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  /**
   * Starts a kernel; it is not ready yet.
   *
   * @throws LaunchError when its program cannot be run, ConfigError when there is no directory for it
   */
  static async start({ spec, cwd, env }: KernelStart): Promise<KernelProcess> {
    await checkDirectory(cwd);
    const folder = await makeFolder();
    try {
      const ports = await freePorts(5);
      const [shellPort = 0, controlPort = 0, stdinPort = 0, iopubPort = 0, heartbeatPort = 0] = ports;
      const connection = {
        interface: `tcp://${ADDRESS}`,
        shellPort,
        controlPort,
        stdinPort,
        iopubPort,
        heartbeatPort,
        key: randomUUID(),
        signatureScheme: SCHEME,
      };
      const file = join(folder, "kernel.json");
      await writeFile(file, `${JSON.stringify(fileContent(connection, spec.name), null, 2)}\n`, { mode: 0o600 });
      const [program = "", ...args] = kernelCommand(spec, file);
      const environment = { ...kernelEnvironment(spec, env), JPY_PARENT_PID: String(process.pid) };
      const child = spawn(program, args, { cwd, env: environment, detached: true, stdio: ["ignore", "pipe", "pipe"] });
      await begun(child, spec, program);
      return new KernelProcess(child, folder, connection);
    } catch (cause) {
      await rm(folder, { recursive: true, force: true });
      throw cause;
    }
  }

  /** The last lines it wrote to its own output, which are no cell's. */
  get lastLines(): string {
    return this.#output.trimEnd().split("\n").slice(-5).join("\n");
  }

  interrupt(): void {
    this.#signal("SIGINT");
  }

  kill(): void {
    this.#signal("SIGKILL");
  }

  /** Whether it ends within this time. */
  async endsWithin(ms: number): Promise<boolean> {
    const timer = new AbortController();
    const late = sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined); // it ended first
    await Promise.race([this.exited, late]);
    timer.abort();
    return this.#hasExited;
  }

  /** Kills it, unless it has ended, and whatever it left behind in its group. */
  async close(): Promise<void> {
    this.kill();
    await this.endsWithin(KILL_MS);
    this.#unguard();
    this.#guard.watchJob(undefined);
    this.#guard.close();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== "ESRCH" && code !== "EPERM") throw cause; // EPERM: all that is left of the group changed its user
    }
  }
}

async function checkDirectory(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new ConfigError(`the kernel cannot run in ${path}: there is no such directory`);
}

async function makeFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), "tsparallel-notebook-"));
  } catch (cause) {
    throw new ConfigError(`cannot make a directory in ${tmpdir()}: ${fileFailure(cause)}; set TMPDIR to a directory that can be written`, { cause });
  }
}

function fileContent(connection: KernelConnection, name: string): { readonly [field: string]: string | number } {
  return {
    shell_port: connection.shellPort,
    iopub_port: connection.iopubPort,
    stdin_port: connection.stdinPort,
    control_port: connection.controlPort,
    hb_port: connection.heartbeatPort,
    ip: ADDRESS,
    key: connection.key,
    transport: "tcp",
    signature_scheme: SCHEME,
    kernel_name: name,
  };
}

function begun(child: ChildProcess, spec: KernelSpec, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) =>
      reject(new LaunchError(`cannot run ${program}, which the kernel "${spec.name}" is started with: ${fileFailure(cause)}`, { cause })),
    );
  });
}

/** Whether another program has taken one of these ports meanwhile. */
export async function isTaken({ shellPort, controlPort, stdinPort, iopubPort, heartbeatPort }: KernelConnection): Promise<boolean> {
  for (const port of [shellPort, controlPort, stdinPort, iopubPort, heartbeatPort]) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, ADDRESS, () => resolve(true));
    });
    server.close();
    if (!isFree) return true;
  }
  return false;
}
