import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ZeromqTransport } from "../../src/net/index.ts";
import type { ClientConnectionInfo, EngineConnectionInfo } from "../../src/wire/index.ts";
import { until } from "../support/controller.ts";
import { RawClient, RawEngine } from "../support/raw-peer.ts";

const BIN = fileURLToPath(new URL("../../dist/cli/bin/ipcontroller.js", import.meta.url));

let dir: string;
let profile: string;
let running: Run[] = [];
let transport: ZeromqTransport;

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  stderr: string;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { PATH: process.env["PATH"], HOME: dir, IPYTHONDIR: dir, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const made: Run = {
    child,
    stderr: "",
    ended: new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal }))),
  };
  child.stderr?.on("data", (chunk: Buffer) => (made.stderr += chunk.toString()));
  running.push(made);
  return made;
}

async function info<Role extends "client" | "engine">(role: Role, id = ""): Promise<Role extends "client" ? ClientConnectionInfo : EngineConnectionInfo> {
  return JSON.parse(await readFile(join(profile, "security", `ipcontroller${id}-${role}.json`), "utf8"));
}

/** Starts a controller and waits for both files. */
async function started(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}, id = ""): Promise<Run> {
  const made = run(args, env);
  const engineFile = join(profile, "security", `ipcontroller${id}-engine.json`);
  await until(async () => {
    if (made.child.exitCode !== null) throw new Error(`the controller ended: ${made.stderr}`);
    const found = await stat(engineFile).catch(() => undefined);
    return found !== undefined;
  }, "the connection files are there");
  return made;
}

async function stop(made: Run, signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
  made.child.kill(signal);
  return (await made.ended).code;
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tsparallel-ipcontroller-"));
  profile = join(dir, "profile_default");
  transport = new ZeromqTransport();
});

afterEach(async () => {
  await transport.close();
  for (const made of running) if (made.child.exitCode === null && made.child.signalCode === null) made.child.kill("SIGKILL");
  await Promise.all(running.map((made) => made.ended));
  running = [];
  await rm(dir, { recursive: true, force: true });
});

describe("ipcontroller", () => {
  it("makes the profile, private directories and files with ipyparallel's fields, and listens on loopback", async () => {
    const made = await started();
    const security = join(profile, "security");
    expect((await stat(security)).mode & 0o777).toBe(0o700);
    for (const role of ["client", "engine"]) expect((await stat(join(security, `ipcontroller-${role}.json`))).mode & 0o777).toBe(0o600);
    const common = [
      "control",
      "curve_serverkey",
      "interface",
      "iopub",
      "key",
      "location",
      "mux",
      "pack",
      "registration",
      "signature_scheme",
      "ssh",
      "task",
      "unpack",
      "broadcast",
    ];
    const [client, engine] = [await info("client"), await info("engine")];
    expect(Object.keys(client).toSorted()).toEqual([...common, "notification", "task_scheme"].toSorted());
    expect(Object.keys(engine).toSorted()).toEqual([...common, "hb_ping", "hb_pong"].toSorted());
    expect(client).toMatchObject({
      interface: "tcp://127.0.0.1",
      ssh: "",
      curve_serverkey: null,
      pack: "json",
      unpack: "json",
      signature_scheme: "hmac-sha256",
      task_scheme: "leastload",
    });
    expect(client.key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{24}$/);
    expect(engine.key).toBe(client.key);
    expect(engine.broadcast).toHaveLength(2);
    expect(await stop(made)).toBe(0);
  });

  it.each(["SIGTERM", "SIGINT"] as const)("%s ends it in order: exit status 0, files gone, records kept, engines left alone", async (signal) => {
    const made = await started(["--ping=250"]);
    const engine = await new RawEngine(transport, await info("engine"), { isEcho: true }).register();
    const client = new RawClient(transport, await info("client"));
    await client.engines(1);
    const id = client.mux(engine.uuid);
    await client.reply("mux", id);
    expect(await stop(made, signal)).toBe(0);
    expect(await readdir(join(profile, "security"))).toEqual([]);
    await transport.close();
    transport = new ZeromqTransport();
    const again = await started();
    const late = new RawClient(transport, await info("client"));
    expect((await late.ask("history_request")).content["history"]).toEqual([id]);
    expect(await stop(again)).toBe(0);
  });

  it("13.8: takes profile directory, cluster id and key from the environment, and flags in the reference's form", async () => {
    profile = join(dir, "elsewhere");
    const env = { IPP_PROFILE_DIR: profile, IPP_CLUSTER_ID: "c7", IPP_SESSION_KEY: "my key" };
    const made = await started(
      ["--log-level=10", "--dictdb", "--ip=127.0.0.1", "--TaskScheduler.hwm=3", "--HeartMonitor.period=200", "--scheme=lru"],
      env,
      "-c7",
    );
    expect(await info("client", "-c7")).toMatchObject({ key: "my key", task_scheme: "lru" });
    expect(await stop(made)).toBe(0);
    expect(await readdir(join(profile, "db"))).toEqual([]);
  });

  it("--reuse keeps key and ports over a restart, and peers find the new controller by themselves", async () => {
    const first = await started(["--reuse", "--ping=250"]);
    const before = await info("client");
    expect(await stop(first)).toBe(0);
    const second = await started(["--reuse", "--ping=250"]);
    await until(() => second.stderr.includes("controller started"), "it has started");
    expect(await info("client")).toEqual(before);
    const client = new RawClient(transport, before);
    expect((await client.ask("connection_request")).content["status"]).toBe("ok");
    expect(await stop(second)).toBe(0);
    expect((await readdir(join(profile, "security"))).toSorted()).toEqual(["ipcontroller-client.json", "ipcontroller-engine.json"]);
  });

  it("--restore takes up the engines of the controller before, and work goes on", async () => {
    const first = await started(["--reuse", "--ping=250"]);
    const engine = await new RawEngine(transport, await info("engine"), { isEcho: true }).register();
    const client = new RawClient(transport, await info("client"));
    await client.engines(1);
    await until(async () => (await readFile(join(profile, "log", "engines.json"), "utf8").catch(() => "")).includes(engine.uuid), "the table is written");
    first.child.kill("SIGKILL");
    await first.ended;
    const second = await started(["--restore", "--ping=250", "--memorydb"]);
    await until(() => second.stderr.includes("controller started"), "it has started");
    expect(await client.engines(1)).toEqual({ "0": engine.uuid });
    // The engine's sockets reconnect when they do; until then nothing reaches it.
    const task = client.task();
    expect((await client.reply("task", task)).content["status"]).toBe("ok");
    expect(await stop(second)).toBe(0);
  });

  it("a client's shutdown request ends it with exit status 0 and removes the files", async () => {
    const made = await started();
    const client = new RawClient(transport, await info("client"));
    expect((await client.ask("shutdown_request")).content).toEqual({ status: "ok" });
    expect((await made.ended).code).toBe(0);
    expect(await readdir(join(profile, "security"))).toEqual([]);
  });

  it("--log-to-file writes the log into the profile and nothing to standard error", async () => {
    const made = await started(["--log-to-file", "--cluster-id=z"], {}, "-z");
    const path = join(profile, "log", `ipcontroller-z-${made.child.pid}.log`);
    await until(async () => (await readFile(path, "utf8").catch(() => "")).includes("controller started"), "the log says so");
    expect(await stop(made)).toBe(0);
    expect(made.stderr).toBe("");
  });
});

describe("an ipcontroller that cannot start", () => {
  /** Runs it to its end and gives what it said, its exit status and what it left. */
  async function refusal(args: readonly string[]): Promise<{ readonly code: number | null; readonly said: string; readonly left: readonly string[] }> {
    const made = run(args);
    const { code } = await made.ended;
    const left = await readdir(join(profile, "security")).catch(() => []);
    return { code, said: made.stderr, left: left.filter((name) => name.endsWith(".json")) };
  }

  /** One sentence, exit status 1, no connection files. */
  const saying = (sentence: string): object => ({
    code: 1,
    said: expect.stringMatching(new RegExp(`^ipcontroller: ${sentence}[^\\n]*\\n$`)) as string,
    left: [],
  });

  it("because a port is taken, of the router or of the Hub", async () => {
    const other = await transport.bind("router", { interface: "tcp://127.0.0.1", port: 0 });
    const taken = saying(`cannot listen on tcp://127\\.0\\.0\\.1:${other.port}: the port is in use`);
    expect(await refusal([`--port=${other.port}`])).toEqual(taken);
    expect(await refusal([`--ports=${other.port}`, "--port=0"])).toEqual(taken);
    const free = await transport.bind("router", { interface: "tcp://127.0.0.1", port: 0 });
    await free.close();
    expect(await refusal([`--port=${free.port}`, `--ports=${other.port}`])).toEqual(taken);
  });

  it("because an address is not this machine's", async () => {
    expect(await refusal(["--ip=192.0.2.1"])).toEqual(saying("cannot listen on tcp://192\\.0\\.2\\.1:"));
  });

  it("because the profile directory cannot be made", async () => {
    await writeFile(join(dir, "profile_default"), "a file is in the way");
    expect(await refusal([])).toEqual(saying("cannot create the profile directory .*profile_default: "));
  });

  it("because the connection files cannot be written", async () => {
    // A directory in place of the client file: nothing can be renamed onto it.
    await mkdir(join(profile, "security", "ipcontroller-client.json", "x"), { recursive: true });
    const { code, said, left } = await refusal([]);
    expect(code).toBe(1);
    expect(said.trimEnd().split("\n").at(-1)).toMatch(/^ipcontroller: cannot write .*ipcontroller-client\.json: it is a directory$/);
    expect(left).toEqual(["ipcontroller-client.json"]);
  });

  it("because the task store is corrupt", async () => {
    await mkdir(join(profile, "db"), { recursive: true });
    await writeFile(join(profile, "db", "tasks.db"), "this is no database ".repeat(1000));
    expect(await refusal([])).toEqual(saying(".*tasks\\.db"));
  });

  it("because another controller has the task store", async () => {
    const first = await started(["--cluster-id=a", `--db-file=${join(dir, "shared.db")}`], {}, "-a");
    const { code, said } = await refusal(["--cluster-id=b", `--db-file=${join(dir, "shared.db")}`]);
    expect(code).toBe(1);
    expect(said).toMatch(/^ipcontroller: [^\n]*shared\.db[^\n]*\n$/);
    expect(await stop(first)).toBe(0);
  });

  it.each([
    ["--postgresdb=postgres://x", "--postgresdb is not supported"],
    ["--ports=99999", '"99999" in --ports is no port'],
  ])("because it is asked for what it does not do: %s", async (flag, sentence) => {
    expect(await refusal([flag])).toEqual(saying(sentence));
  });
});
