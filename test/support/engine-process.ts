// A real `ipengine` process, compiled, for tests.

import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { EngineConnectionInfo } from "../../src/wire/index.ts";
import { until } from "./until.ts";

const BIN = process.env["TSPARALLEL_TEST_IPENGINE"] ?? fileURLToPath(new URL("../../dist/cli/bin/ipengine.js", import.meta.url));

/** How a process is started. */
export interface EngineProcessOptions {
  readonly info?: EngineConnectionInfo;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default: the flag that the command's first line gives. */
  readonly nodeArgs?: readonly string[];
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running engine. */
export class EngineProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  /** What it wrote to stdout and stderr so far. */
  output = "";
  hasExited = false;

  constructor(options: EngineProcessOptions) {
    const { IPP_CONNECTION_INFO: _a, IPP_PROFILE_DIR: _b, IPP_CLUSTER_ID: _c, NODE_OPTIONS: _d, ...env } = process.env;
    const info = options.info === undefined ? {} : { IPP_CONNECTION_INFO: JSON.stringify(options.info) };
    const nodeArgs = options.nodeArgs ?? ["--no-force-async-hooks-checks"];
    this.child = spawn(process.execPath, [...nodeArgs, BIN, ...(options.args ?? [])], {
      env: { ...env, ...info, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const collect = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    this.child.stdout?.on("data", collect);
    this.child.stderr?.on("data", collect);
    this.exited = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        this.hasExited = true;
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Resolves when the output holds a text; fails at once when the process ends without it. */
  async says(text: string | RegExp): Promise<void> {
    const isThere = (): boolean => (typeof text === "string" ? this.output.includes(text) : text.test(this.output));
    await until(() => isThere() || this.hasExited, { instead: () => `the engine wrote: ${this.output}` });
    if (!isThere()) throw new Error(`the engine ended without saying ${String(text)}:\n${this.output}`);
  }

  /** Kills it, if it still runs. */
  async kill(): Promise<void> {
    if (!this.hasExited) this.child.kill("SIGKILL");
    await this.exited;
  }
}
