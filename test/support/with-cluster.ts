// A real cluster for a test: compiled controller and engines as processes, a profile directory of their own, ports of
// the system's choice. Everything is stopped by process id and removed at the end, whatever the test did.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, type ConnectOptions } from "tsparallel";
import { until } from "./until.ts";

const BIN = fileURLToPath(new URL("../../dist/cli/bin/", import.meta.url));
const START_MS = 60_000;
const STOP_MS = 5000;
const OUTPUT_CHARS_MAX = 100_000;

/** What a test wants. */
export interface ClusterOptions {
  /** Engines, default 2. */
  readonly engines?: number;
  /** Further arguments of `ipcontroller`. */
  readonly controllerArgs?: readonly string[];
  /** Further arguments of each `ipengine`. */
  readonly engineArgs?: readonly string[];
  /** Further environment of all. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A process of the cluster with what it has written so far. */
export interface ClusterProcess {
  readonly child: ChildProcess;
  /** stdout and stderr together. */
  readonly output: () => string;
}

/** A running cluster. */
export class TestCluster {
  readonly profileDir: string;
  controller: ClusterProcess;
  readonly engines: ClusterProcess[] = [];
  readonly #options: ClusterOptions;
  readonly #clients: Client[] = [];

  private constructor(profileDir: string, options: ClusterOptions) {
    this.profileDir = profileDir;
    this.#options = options;
    this.controller = this.#spawn("ipcontroller", options.controllerArgs ?? []);
  }

  /** Starts it and waits until all engines are registered. */
  static async start(options: ClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(await mkdtemp(join(tmpdir(), "tsparallel-test-")), options);
    try {
      cluster.addEngines(options.engines ?? 2);
      const client = await cluster.connect();
      await client.waitForEngines(options.engines ?? 2, { timeoutMs: START_MS });
      await client.close();
      return cluster;
    } catch (error) {
      const outputs = [cluster.controller, ...cluster.engines].map((process) => process.output()).join("\n");
      await cluster.stop();
      throw new Error(`the test cluster did not start: ${String(error)}\n${outputs}`, { cause: error });
    }
  }

  /** The client's connection file. */
  get clientFile(): string {
    return join(this.profileDir, "security", "ipcontroller-client.json");
  }

  /** Kills the controller, as a crash would. */
  async killController(): Promise<void> {
    const { child } = this.controller;
    child.kill("SIGKILL");
    await until(() => child.signalCode !== null);
  }

  /** Starts another controller in the place of one that has ended. */
  startController(args: readonly string[]): void {
    this.controller = this.#spawn("ipcontroller", args);
  }

  /** Starts further engines; await `client.waitForEngines` for them. */
  addEngines(n: number): void {
    for (let i = 0; i < n; i += 1) this.engines.push(this.#spawn("ipengine", this.#options.engineArgs ?? []));
  }

  /** A client, closed with the cluster at the latest. */
  async connect(options: ConnectOptions = {}): Promise<Client> {
    const client = await Client.connect({ profileDir: this.profileDir, waitForFileMs: START_MS, timeoutMs: START_MS, ...options });
    this.#clients.push(client);
    return client;
  }

  /** Ends everything and removes the directory. */
  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(this.engines.map((engine) => stopProcess(engine.child)));
    await stopProcess(this.controller.child);
    await rm(this.profileDir, { recursive: true, force: true });
  }

  #spawn(command: string, args: readonly string[]): ClusterProcess {
    const env = { ...process.env, IPP_PROFILE_DIR: this.profileDir, IPP_CLUSTER_ID: "", IPP_CONNECTION_INFO: "", ...this.#options.env };
    const child = spawn(process.execPath, ["--no-force-async-hooks-checks", join(BIN, `${command}.js`), ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    return { child, output: () => `[${command} ${child.pid}]\n${output}` };
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  if (hasEnded()) return;
  child.kill("SIGTERM");
  try {
    await until(hasEnded, { timeoutMs: STOP_MS });
  } catch {
    child.kill("SIGKILL");
    await until(hasEnded);
  }
}

/** Runs a test with a cluster and a client of it. */
export async function withCluster(options: ClusterOptions, test: (client: Client, cluster: TestCluster) => Promise<void>): Promise<void> {
  const cluster = await TestCluster.start(options);
  try {
    const client = await cluster.connect();
    await client.waitForEngines(options.engines ?? 2, { timeoutMs: START_MS });
    await test(client, cluster);
  } finally {
    await cluster.stop();
  }
}
