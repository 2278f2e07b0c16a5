// ipyparallel itself, for tests: a Python that has it, its controller and engines as processes, and its client as a
// script. Tests that need it are skipped, by name, where there is none.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, type ConnectOptions } from "tsparallel";
import { until } from "./until.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const IPENGINE = join(ROOT, "dist", "cli", "bin", "ipengine.js");
const IPCONTROLLER = join(ROOT, "dist", "cli", "bin", "ipcontroller.js");
const START_MS = 60_000;
const STOP_MS = 8000;
const OUTPUT_CHARS_MAX = 100_000;

/** A Python with ipyparallel and numpy: of `TSPARALLEL_PYTHON`, or the environment that the interop tests make. */
export const PYTHON: string | undefined = [process.env["TSPARALLEL_PYTHON"], join(ROOT, ".tmp", "python", "bin", "python")].find(
  (python) => python !== undefined && python !== "" && (!python.includes("/") || existsSync(python)) && hasIpyparallel(python),
);

function hasIpyparallel(python: string): boolean {
  return spawnSync(python, ["-c", "import ipyparallel, numpy"], { stdio: "ignore", timeout: START_MS }).status === 0;
}

/** Which programs a mixed cluster has. */
export interface MixedOptions {
  readonly controller: "python" | "typescript";
  /** Engines of Python's, default 0. */
  readonly pythons?: number;
  /** Engines of ours, default 0. */
  readonly ours?: number;
  /** Further arguments of the controller. */
  readonly controllerArgs?: readonly string[];
}

interface Member {
  readonly child: ChildProcess;
  readonly output: () => string;
}

/** A cluster of Python's programs and ours. */
export class MixedCluster {
  readonly profileDir: string;
  readonly #members: Member[] = [];
  readonly #clients: Client[] = [];

  private constructor(profileDir: string) {
    this.profileDir = profileDir;
  }

  /** Starts it and waits until all engines are registered. */
  static async start({ controller, pythons = 0, ours = 0, controllerArgs = [] }: MixedOptions): Promise<MixedCluster> {
    const cluster = new MixedCluster(await mkdtemp(join(tmpdir(), "tsparallel-mixed-")));
    try {
      cluster.#spawn([...(controller === "python" ? ["-m", "ipyparallel.controller"] : [IPCONTROLLER]), ...controllerArgs], controller === "python");
      const client = await cluster.connect();
      cluster.addEngines(pythons, "python");
      cluster.addEngines(ours, "typescript");
      await client.waitForEngines(pythons + ours, { timeoutMs: START_MS });
      await client.close();
      return cluster;
    } catch (error) {
      const outputs = cluster.#members.map((member) => member.output()).join("\n");
      await cluster.stop();
      throw new Error(`the mixed cluster did not start: ${String(error)}\n${outputs}`, { cause: error });
    }
  }

  /** Starts further engines. */
  addEngines(n: number, language: "python" | "typescript"): void {
    for (let i = 0; i < n; i += 1) this.#spawn(language === "python" ? ["-m", "ipyparallel.engine"] : [IPENGINE], language === "python");
  }

  /** A client of ours, closed with the cluster at the latest. */
  async connect(options: ConnectOptions = {}): Promise<Client> {
    const client = await Client.connect({ profileDir: this.profileDir, waitForFileMs: START_MS, timeoutMs: START_MS, ...options });
    this.#clients.push(client);
    return client;
  }

  /** Runs a script with Python's client `rc` connected; what it gives to `tell` comes back. Fails with Python's own words. */
  async python(script: string): Promise<unknown> {
    const told = '\nimport json\ndef tell(value): print("@@" + json.dumps(value))\n';
    const begin = `import ipyparallel as ipp, numpy as np\nrc = ipp.Client(profile_dir=${JSON.stringify(this.profileDir)}, timeout=30)\n`;
    const child = spawn(PYTHON as string, ["-c", `${begin}${told}${script}`], { env: this.#env(), stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const timer = setTimeout(() => child.kill("SIGKILL"), START_MS);
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    clearTimeout(timer);
    const line = stdout.split("\n").find((text) => text.startsWith("@@"));
    if (code !== 0 || line === undefined) throw new Error(`the Python script ended with ${code}: ${stdout}\n${stderr}`);
    return JSON.parse(line.slice(2));
  }

  /** Ends everything and removes the directory. */
  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(this.#members.toReversed().map(({ child }) => stopProcess(child)));
    await rm(this.profileDir, { recursive: true, force: true, maxRetries: 3 });
  }

  #env(): NodeJS.ProcessEnv {
    return { ...process.env, IPP_PROFILE_DIR: this.profileDir, IPP_CLUSTER_ID: "", IPP_CONNECTION_INFO: "" };
  }

  #spawn(args: readonly string[], isPython: boolean): void {
    const command = isPython ? [PYTHON as string] : [process.execPath, "--no-force-async-hooks-checks"];
    const [program, ...first] = command as [string, ...string[]];
    const profile = isPython ? ["--profile-dir", this.profileDir] : [];
    const child = spawn(program, [...first, ...args, ...profile], { env: this.#env(), stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    this.#members.push({ child, output: () => `[${args.join(" ")} ${child.pid}]\n${output}` });
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
