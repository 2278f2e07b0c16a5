// An encrypted cluster: who has the server key does everything, who has not gets nothing and is told so at once, and the
// keys stay where they belong.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { Client, Cluster, ConfigError } from "tsparallel";
import { curveOf, newCurveKeyPair, ZeromqTransport, type CurveKeyPair } from "../../src/net/index.ts";
import type { ClientConnectionInfo, EngineConnectionInfo } from "../../src/wire/index.ts";
import { EngineProcess } from "../support/engine-process.ts";
import { Sandbox, type RunningCommand } from "../support/ipcluster.ts";
import { RawClient, RawEngine } from "../support/raw-peer.ts";
import { listeningPorts, openDoors, SPY } from "../support/stranger.ts";
import { until } from "../support/until.ts";
import { TestCluster } from "../support/with-cluster.ts";
import { lines, results, run } from "./bakapara-support.ts";

const IPCONTROLLER = fileURLToPath(new URL("../../dist/cli/bin/ipcontroller.js", import.meta.url));
/** Longer than any test here may take: what ends before has not waited for it. */
const FOR_EVER_MS = 600_000;

const infoOf = <Info>(profileDir: string, role: "client" | "engine" | "curve"): Info =>
  JSON.parse(readFileSync(join(profileDir, "security", `ipcontroller-${role}.json`), "utf8")) as Info;
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe("a cluster with --enable-curve", () => {
  let cluster: TestCluster;
  let rc: Client;
  let client: ClientConnectionInfo;
  let engine: EngineConnectionInfo;

  beforeAll(async () => {
    cluster = await TestCluster.start({ engines: 2, controllerArgs: ["--enable-curve", "--ping=250"] });
    rc = await cluster.connect();
    client = infoOf(cluster.profileDir, "client");
    engine = infoOf(cluster.profileDir, "engine");
  });
  afterAll(() => cluster.stop());

  it("names one server key in both connection files, which only their owner can read", () => {
    expect(client.curve_serverkey).toHaveLength(40);
    expect(engine.curve_serverkey).toBe(client.curve_serverkey);
    expect([client.key, engine.key]).toEqual(["", ""]);
    const security = join(cluster.profileDir, "security");
    expect([modeOf(security), ...readdirSync(security).map((name) => modeOf(join(security, name)))]).toEqual([0o700, 0o600, 0o600]);
  });

  it("works on every channel", async () => {
    const view = rc.directView("all");
    expect(await view.apply((x: number) => x + 1, 1)).toEqual([2, 2]);
    expect(await rc.loadBalancedView().map((x: number) => x * x, [1, 2, 3])).toEqual([1, 4, 9]);
    expect(await rc.broadcastView().apply((x: string) => x.length, "abc")).toEqual([3, 3]);
    const printed = view.execute("console.log('hello')");
    await printed;
    expect(printed.stdout).toEqual(["hello\n", "hello\n"]);
    await view.push({ kept: 1 });
    await rc.clear();
    await expect(view.pull("kept")).rejects.toThrow(/kept is not defined/);
    expect(Object.keys(await rc.queueStatus())).toEqual(["0", "1", "unassigned"]);
  });

  it.each([
    ["without the server key", undefined, "security"],
    ["with another server key", { serverKey: newCurveKeyPair().publicKey }, "handshake"],
  ] as const)("gives a peer %s nothing at any socket, and goes on", async (_, curve, reason) => {
    const friends = new ZeromqTransport(curveOf(client));
    const strangers = new ZeromqTransport(curve);
    onTestFinished(() => Promise.all([friends.close(), strangers.close()]).then(() => undefined));
    const friend = new RawClient(friends, client);
    const engines = await friend.engines(2);
    const doors = openDoors(strangers, client, engine, engines["0"] as string);
    expect(doors.map((door) => door.port).toSorted((a, b) => a - b)).toEqual(listeningPorts(cluster.controller.child.pid as number));

    const knocking = setInterval(() => doors.forEach((door) => door.knock()), 20);
    try {
      // Who is not let in may also find that the other side has hung up already, and tries again.
      await until(() => doors.every((door) => door.refusals.includes(reason)));
      // Everything that is published is published now, and heard by who has the key.
      const pings = friends.connect("sub", [`${engine.interface}:${engine.hb_ping}`]);
      const pinged = new Promise((resolve) => pings.receive(resolve));
      const newcomer = await new RawEngine(friends, engine, { isEcho: true }).register();
      await friend.inbox.notification.next((message) => message.content["uuid"] === newcomer.uuid);
      await rc.directView(0).execute("console.log('said')");
      await friend.inbox.iopub.next((message) => message.content["text"] === "said\n");
      await pinged;
      await friend.reply("task", friend.task({ targets: [newcomer.uuid] }));
      newcomer.unregister();
      await friend.engines(2);
    } finally {
      clearInterval(knocking);
    }

    expect(doors.flatMap((door) => door.heard)).toEqual([]);
    expect(await friend.engines(2)).toEqual(engines);
    expect(String((await friend.ask("history_request")).content["history"])).not.toContain(SPY);
    expect(JSON.stringify(Object.values(friend.inbox).map((inbox) => inbox.arrived))).not.toContain(SPY);
    expect(await rc.directView([0, 1]).apply(() => "spied" in globalThis)).toEqual([false, false]);
  });

  describe("is not reached, soon and with one sentence,", () => {
    const other = newCurveKeyPair().publicKey;
    it.each([
      ["without the server key", null, /^the controller at tcp:\S+ encrypts, and .* has no curve_serverkey; use the file .*$/],
      ["with another server key", other, /^the controller at tcp:\S+ refuses the curve_serverkey of .*: it is not that controller's; use the file .*$/],
    ])("by a client or an engine %s", async (_, key, sentence) => {
      const connecting = Client.connect({ connectionInfo: { ...client, curve_serverkey: key }, timeoutMs: FOR_EVER_MS }).catch((error: unknown) => error);
      const child = new EngineProcess({ info: { ...engine, curve_serverkey: key }, args: [`--timeout=${FOR_EVER_MS / 1000}`] });
      onTestFinished(() => child.kill());
      const error = (await connecting) as Error;
      expect(error).toBeInstanceOf(ConfigError);
      expect(error.message).toMatch(sentence);
      expect(error.message).not.toContain(other);
      expect((await child.exited).code).toBe(255);
      expect(child.output.trim().split("\n")).toHaveLength(1);
      expect(child.output.slice(child.output.indexOf("the controller")).trim()).toMatch(sentence);
      expect(child.output).not.toContain(other);
    });

    it("nor is a cluster that does not encrypt by who expects it to", async () => {
      const plain = new ZeromqTransport();
      onTestFinished(() => plain.close());
      const { port } = await plain.bind("router", { interface: client.interface, port: 0 });
      const connecting = Client.connect({ connectionInfo: { ...client, registration: port }, timeoutMs: FOR_EVER_MS });
      await expect(connecting).rejects.toThrow(/^the controller at tcp:\S+ does not encrypt, although .* has a curve_serverkey; use the file .*$/);
    });
  });

  it("is joined with the server key of the environment, which the code that runs there does not see", async () => {
    const joined = new Promise<number>((resolve) => rc.on("engineJoined", ({ id }) => resolve(id)));
    const child = new EngineProcess({
      info: { ...engine, curve_serverkey: null },
      env: { IPP_CURVE_SERVERKEY: client.curve_serverkey as string, IPP_CURVE_SECRETKEY: newCurveKeyPair().secretKey },
    });
    onTestFinished(() => child.kill());
    await child.says("Completed registration");
    const id = await joined;
    expect(rc.ids).toContain(id);
    expectNoKeys(await environmentOn(rc, id), [client.curve_serverkey as string]);
  });
});

/** What user code on an engine, and a program that it starts, find in their environment: one text. */
async function environmentOn(rc: Client, id: number): Promise<string> {
  const seen = await rc
    .directView(id)
    .apply(() => [JSON.stringify(process.env), process.getBuiltinModule("node:child_process").execFileSync("env", { encoding: "utf8" })]);
  return seen.join("\n");
}

/** An environment that has been read, and in which no key stands: neither by name nor by value. */
function expectNoKeys(environment: string, keys: readonly string[]): void {
  expect(environment).toContain("PATH");
  expect(environment).not.toMatch(/IPP_C(URVE|ONNECTION)/);
  for (const key of keys) expect(environment).not.toContain(key);
}

describe("keys", () => {
  let sandbox: Sandbox;
  let pair: CurveKeyPair;
  beforeEach(() => {
    sandbox = new Sandbox();
    pair = newCurveKeyPair();
  });
  afterEach(() => sandbox.dispose());

  it("of a cluster of ipcluster are in no argument, log, user's environment or file that others can read; bakapara works over it", async () => {
    sandbox.env["IPP_CURVE_SECRETKEY"] = pair.secretKey;
    const start = await sandbox.run("start", "-n", "1", "--enable-curve", "--daemonize", "--log-level=debug");
    expect([start.code, start.stderr]).toEqual([0, expect.stringContaining("ready: 1 engine answered")]);
    const keys = [pair.secretKey, pair.publicKey];
    const profileDir = sandbox.profileDir();
    expect(infoOf<ClientConnectionInfo>(profileDir, "client").curve_serverkey).toBe(pair.publicKey);

    const commandLines = sandbox.processes().map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    expect(commandLines.filter((line) => /ip(cluster|controller|engine)/.test(line)).length).toBeGreaterThanOrEqual(3);
    const texts = textsUnder(sandbox.dir);
    const files = [...texts.keys()];
    const textOf = (file: string): string => texts.get(file) ?? "";
    const holding = files.filter((file) => keys.some((key) => textOf(file).includes(key)));
    expect(holding.map((file) => file.slice(profileDir.length)).toSorted()).toEqual(["client", "engine"].map((role) => `/security/ipcontroller-${role}.json`));
    expect(holding.map(modeOf)).toEqual([0o600, 0o600]);
    expect(files.filter((file) => textOf(file).includes(pair.secretKey))).toEqual([]);
    expect(files.some((file) => file.endsWith(".log") && textOf(file).includes("encryption=CURVE"))).toBe(true);
    for (const text of [...commandLines, start.stdout, start.stderr]) for (const key of keys) expect(text).not.toContain(key);

    const rc = await Client.connect({ profileDir });
    expectNoKeys(await environmentOn(rc, 0), keys);
    await rc.close();
    const jobs = await run([], { env: sandbox.env as Record<string, string>, cwd: sandbox.dir, input: lines([{ cmd: "env", out: "seen" }]) });
    expect([jobs.status, results(jobs.stdout)[0]?.result["code"]]).toEqual([0, 0]);
    expectNoKeys(readFileSync(join(sandbox.dir, "seen"), "utf8"), keys);
    expect((await sandbox.run("stop")).code).toBe(0);
  });

  it("are kept by --reuse, also when the next start does not ask for encryption, and are others otherwise; a client finds each controller", async () => {
    const profileDir = sandbox.profileDir();
    const security = join(profileDir, "security");
    const begin = async (env: NodeJS.ProcessEnv, ...args: string[]): Promise<RunningCommand> => {
      Object.assign(sandbox.env, { IPP_ENABLE_CURVE: "", ...env });
      const started = sandbox.startProgram([IPCONTROLLER, ...args]);
      await started.says("controller started");
      return started;
    };
    const end = async (controller: RunningCommand): Promise<number | null> => {
      controller.child.kill("SIGTERM");
      return (await controller.ended).code;
    };

    const first = await begin({ IPP_ENABLE_CURVE: "1" }, "--reuse", "--memorydb");
    const before = infoOf<ClientConnectionInfo>(profileDir, "client");
    const { curve_publickey: publicKey, curve_secretkey: secretKey } = infoOf<Record<string, string>>(profileDir, "curve");
    expect([publicKey, secretKey?.length]).toEqual([before.curve_serverkey, 40]);
    expect(readdirSync(security).map((name) => modeOf(join(security, name)))).toEqual([0o600, 0o600, 0o600]);
    const rc = await Client.connect({ profileDir });
    onTestFinished(() => rc.close());
    const back = (): Promise<unknown> =>
      new Promise((resolve) => {
        const stop = rc.on("controllerBack", (how) => {
          stop();
          resolve(how);
        });
      });
    let returned = back();
    expect(await end(first)).toBe(0);

    const second = await begin({}, "--reuse", "--memorydb");
    expect(infoOf(profileDir, "client")).toEqual(before);
    await returned;
    expect(await rc.queueStatus()).toEqual({ unassigned: 0 });
    returned = back();
    expect(await end(second)).toBe(0);

    const third = await begin({ IPP_ENABLE_CURVE: "1" }, "--memorydb");
    expect(infoOf<ClientConnectionInfo>(profileDir, "client").curve_serverkey).not.toBe(before.curve_serverkey);
    await returned;
    expect(await rc.queueStatus()).toEqual({ unassigned: 0 });
    await rc.close();
    expect(await end(third)).toBe(0);
    expect(readdirSync(security)).toEqual([]);
    expect(first.stderr + second.stderr + third.stderr).not.toContain(secretKey);
  });
});

it("Cluster.start encrypts with controller.enableCurve", async () => {
  await using cluster = await Cluster.start({ private: true, n: 1, controller: { enableCurve: true } });
  expect(infoOf<ClientConnectionInfo>(cluster.profileDir, "client").curve_serverkey).toHaveLength(40);
  const rc = await cluster.connect();
  expect(await rc.directView(0).apply((x: number) => 2 * x, 21)).toBe(42);
});

/** Texts of all files below a folder, of one moment: a file that got another name meanwhile makes it look again. */
function textsUnder(folder: string): Map<string, string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      return new Map(files.map((entry) => join(entry.parentPath, entry.name)).map((file) => [file, readFileSync(file, "latin1")]));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || attempt === 20) throw error;
    }
  }
}
