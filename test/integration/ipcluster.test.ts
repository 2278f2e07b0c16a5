// `ipcluster` as users meet it: real processes, exit statuses, what is printed, and that nothing is left.

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { launcherNames } from "../../dist/launch/index.js";
import { Sandbox } from "../support/ipcluster.ts";
import { until } from "../support/until.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox.dispose());

/** Nothing of the sandbox runs and no file tells of a cluster. */
async function nothingLeft(profile = "default"): Promise<void> {
  await sandbox.nothingRuns();
  expect(sandbox.securityFiles(profile)).toEqual([]);
}

async function configure(text: string, profile = "default"): Promise<void> {
  await mkdir(sandbox.profileDir(profile), { recursive: true });
  writeFileSync(join(sandbox.profileDir(profile), "ipcluster_config.json"), text);
}

const FILES = ["cluster-.json", "ipcontroller-client.json", "ipcontroller-engine.json", "launched-.json"];
const LAUNCHERS = launcherNames().join(", ");

const ENGINE = fileURLToPath(new URL("../../dist/cli/bin/ipengine.js", import.meta.url));

/** Engines that never answer: a start that is to be interrupted does not end before, however long the interrupt takes to come. */
const NEVER_READY = { engine: { command: ["/bin/bash", "-c", "exec sleep 1000"] } };

/** A module with a launcher, as a user would write one: its engines take everything from their environment. */
const OWN_LAUNCHER = `
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { EnginesRequest, LaunchedEngines, Launcher } from "tsparallel";

const alive = (pid: number): boolean => { try { process.kill(pid, 0); return true; } catch { return false; } };

function setOf(setId: string, place: { cluster_id: string; profile_dir: string }, members: { uuid: string; pid: number }[]): LaunchedEngines {
  const running = () => members.filter(({ pid }) => alive(pid));
  const ended = async (pid: number) => { while (alive(pid)) await new Promise((next) => setTimeout(next, 20).unref()); return { exitCode: null, signal: null, outputTail: [] }; };
  const signal = async (name: NodeJS.Signals) => { for (const { pid } of running()) process.kill(pid, name); };
  const engines = members.map(({ uuid, pid }, index) => ({ index, uuid: uuid as never, host: undefined, pid, log: "", exited: ended(pid), get isRunning() { return alive(pid); } }));
  return {
    setId, engines, signal,
    exited: Promise.all(engines.map((engine) => engine.exited)).then(() => undefined),
    get isRunning() { return running().length > 0; },
    async stop() { await signal("SIGTERM"); while (running().length > 0) await new Promise((next) => setTimeout(next, 20)); },
    kill() { void signal("SIGKILL"); },
    toState: () => ({ ...place, state: "running", engines: {}, members }),
  };
}

export default {
  name: "mine",
  async startEngines(request: EnginesRequest) {
    const { IPP_CLUSTER_ID: _id, IPP_PROFILE_DIR: _dir, ...env } = process.env;
    const members = Array.from({ length: request.n }, () => {
      const uuid = randomUUID();
      const command = ["--no-force-async-hooks-checks", String(request.options["program"]), "--ident=" + uuid, ...request.args];
      const child = spawn(process.execPath, command, { env: { ...env, IPP_CONNECTION_INFO: request.connectionInfo }, stdio: "ignore", detached: true });
      child.unref();
      return { uuid, pid: child.pid ?? 0 };
    });
    return setOf(request.setId, { cluster_id: request.place.clusterId, profile_dir: request.place.profile.path }, members);
  },
  async findEngines(setId, state) {
    const set = setOf(setId, state, state["members"] as { uuid: string; pid: number }[]);
    return set.isRunning ? set : undefined;
  },
  previewEngines: async (request) => request.n + " of mine",
} satisfies Launcher;
`;

describe("a cluster in the foreground", () => {
  it("is ready when its engines answer, is listed, refuses a twin, and is stopped from another terminal", async () => {
    const starter = sandbox.start("start", "-n", "2");
    await starter.says("connect with: await Client.connect()");
    expect(starter.stderr).toMatch(/ready: all engines answer engines=2 elapsed="\d+\.\d s"/);
    expect(starter.stderr).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ipcluster: /);
    expect(sandbox.securityFiles()).toEqual(FILES);

    const text = await sandbox.run("list");
    expect(text.stdout).toMatch(/^PROFILE +CLUSTER ID +RUNNING ENGINES LAUNCHER +RESTARTS\ndefault +'' +true +2 +local +0\n$/);
    const json = JSON.parse((await sandbox.run("list", "--output=json")).stdout) as unknown;
    expect(json).toMatchObject([
      {
        schema_version: 1,
        profile: "default",
        running: true,
        engines_running: 2,
        cluster: { cluster_id: "", n: 2, class: "ipyparallel.cluster.cluster.Cluster" },
      },
    ]);

    const twin = await sandbox.run("start", "-n", "1");
    expect(twin.code).toBe(10);
    expect(twin.stderr).toMatch(
      /ipcluster: a cluster runs already in profile "default" \(pid \d+\); stop it with `ipcluster stop`, or choose another id with --cluster-id\n$/,
    );
    expect(sandbox.securityFiles()).toEqual(FILES);

    expect((await sandbox.run("wait", "-n", "2")).code).toBe(0);
    expect((await sandbox.run("stop")).code).toBe(0);
    expect((await starter.ended).code).toBe(0);
    await nothingLeft();
    const again = await sandbox.run("stop");
    expect(again).toMatchObject({ code: 11, stderr: 'ipcluster: the cluster of profile "default" does not run\n' });
    expect(starter.stderr).not.toContain("\u001B");
  });

  it("is stopped by Ctrl-C", async () => {
    const starter = sandbox.start("start", "-n", "2");
    await starter.says("connect with");
    starter.child.kill("SIGINT");
    expect((await starter.ended).code).toBe(0);
    await nothingLeft();
  });

  it.each(["running in the foreground", "cluster file written", "starting the controller", "controller is ready", "starting engines"])(
    "is stopped by Ctrl-C at the moment it says: %s",
    async (moment) => {
      await configure(JSON.stringify(NEVER_READY));
      const starter = sandbox.start("start", "-n", "2");
      await starter.says(moment);
      starter.child.kill("SIGINT");
      const end = await starter.ended;
      expect(end.code).toBe(130);
      expect(end.stderr).toMatch(/ipcluster: interrupted by SIGINT; everything was stopped\n$/);
      await nothingLeft();
    },
  );

  it("is killed at once by a second Ctrl-C, though its engines ignore SIGTERM", async () => {
    await configure(JSON.stringify({ engine: { command: ["/bin/bash", "-c", "trap '' TERM; while true; do sleep 1; done"] }, stopTimeoutMs: 60_000 }));
    const starter = sandbox.start("start", "-n", "1");
    await starter.says("starting engines");
    await starter.until(() => sandbox.processes().length >= 3, "starting its engine");
    starter.child.kill("SIGINT");
    await starter.says("SIGINT received: stopping");
    const again = setInterval(() => starter.child.kill("SIGINT"), 400); // the first ones may count as twins of the Ctrl-C before
    const end = await starter.ended;
    clearInterval(again);
    expect(end.code).toBe(130);
    await nothingLeft();
  });

  it("says so and ends with status 1 when its controller is killed", async () => {
    const starter = sandbox.start("start", "-n", "1");
    await starter.says("connect with");
    const file = JSON.parse(readFileSync(join(sandbox.profileDir(), "security/cluster-.json"), "utf8")) as { controller: { state: { pid: number } } };
    process.kill(file.controller.state.pid, "SIGKILL");
    const end = await starter.ended;
    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(/ipcluster: the controller was ended by SIGKILL.*; everything was stopped\n$/);
    await nothingLeft();
  });
});

describe("a cluster in the background", () => {
  it("is ready when the command returns, and is stopped by another", async () => {
    const start = await sandbox.run("start", "-n", "1", "--daemonize");
    expect(start.code).toBe(0);
    expect(start.stderr).toMatch(/ready: 1 engine answered after \d+\.\d s; stop it with: ipcluster stop\n$/);
    expect(sandbox.securityFiles()).toEqual(FILES);
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });

  it("that cannot start tells why and leaves nothing", async () => {
    const start = await sandbox.run("start", "-n", "1", "--daemonize", "--ip=192.0.2.1");
    expect(start.code).toBe(1);
    expect(start.stderr).toMatch(/ipcluster: the controller ended with exit status 1 before it was ready: cannot listen on tcp:\/\/192\.0\.2\.1.*\n$/);
    await nothingLeft();
  });

  it("refuses a twin with status 10", async () => {
    await sandbox.run("start", "-n", "0", "--daemonize");
    expect((await sandbox.run("start", "-n", "0", "--daemonize")).code).toBe(10);
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });

  it("is stopped by Ctrl-C while it starts", async () => {
    await configure(JSON.stringify(NEVER_READY));
    const starter = sandbox.start("start", "-n", "2", "--daemonize");
    await starter.says("starting in the background");
    starter.child.kill("SIGINT");
    const end = await starter.ended;
    expect([1, 130]).toContain(end.code);
    await nothingLeft();
  });

  it("whose starter was killed is stopped, or found gone, and the next start works", async () => {
    await sandbox.run("start", "-n", "1", "--daemonize");
    const file = JSON.parse(readFileSync(join(sandbox.profileDir(), "security/cluster-.json"), "utf8")) as { starter: { pid: number } };
    process.kill(file.starter.pid, "SIGKILL");
    expect([0, 11]).toContain((await sandbox.run("stop")).code);
    await nothingLeft();
    expect((await sandbox.run("start", "-n", "1", "--daemonize")).code).toBe(0);
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });

  it("ends by itself when its starter was killed; its files are recognised as stale and the next start replaces them", async () => {
    await sandbox.run("start", "-n", "1", "--daemonize");
    const file = JSON.parse(readFileSync(join(sandbox.profileDir(), "security/cluster-.json"), "utf8")) as { starter: { pid: number } };
    process.kill(file.starter.pid, "SIGKILL");
    await sandbox.nothingRuns();
    const list = await sandbox.run("list");
    expect(list.stdout).toMatch(/default +'' +false +0 +local/);
    expect(list.stderr).toBe("ipcluster: 1 of them ended without removing its files; remove them with `ipcluster clean`\n");
    const next = sandbox.start("start", "-n", "0");
    await next.says("connect with");
    expect(next.stderr).toContain("removed the files of a cluster that is gone");
    next.child.kill("SIGINT");
    expect((await next.ended).code).toBe(0);
    await nothingLeft();
  });
});

describe("a controller that cannot start", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  it("because its port is taken passes its sentence on", async () => {
    server = createServer().listen(0, "127.0.0.1");
    await until(() => server?.listening === true);
    const { port } = server.address() as AddressInfo;
    const end = await sandbox.run("start", "-n", "1", "--", `--port=${port}`);
    expect(end.code).toBe(1);
    expect(end.stderr).toContain(
      `ipcluster: the controller ended with exit status 1 before it was ready: cannot listen on tcp://127.0.0.1:${port}: the port is in use`,
    );
    await nothingLeft();
  });

  it("because its store is corrupt passes its sentence on", async () => {
    await mkdir(join(sandbox.profileDir(), "db"), { recursive: true });
    writeFileSync(join(sandbox.profileDir(), "db/tasks.db"), "this is no database".repeat(1000));
    const end = await sandbox.run("start", "-n", "1");
    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(/ipcluster: the controller ended with exit status 1 before it was ready: .*tasks\.db.*\n$/);
    await nothingLeft();
  });

  it("because the profile cannot be made says so", async () => {
    writeFileSync(join(sandbox.dir, "profile_default"), "");
    const end = await sandbox.run("start", "-n", "1");
    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(
      /ipcluster: cannot create the profile directory .*profile_default: a file of that name is in the way; choose another with --profile-dir or IPYTHONDIR\n$/,
    );
    expect(sandbox.processes()).toEqual([]);
  });

  it("because its arguments are wrong passes its sentence on", async () => {
    const end = await sandbox.run("start", "-n", "1", "--", "--hvm=2");
    expect(end.code).toBe(1);
    expect(end.stderr).toContain('did you mean "--hwm"?');
    await nothingLeft();
  });

  it("because its program is not there says so", async () => {
    await configure('{ "controller": { "command": ["/no/such/program"] } }');
    const end = await sandbox.run("start", "-n", "1");
    expect(end).toMatchObject({ code: 1 });
    expect(end.stderr).toContain("ipcluster: cannot start /no/such/program: no such program\n");
    await nothingLeft();
  });
});

describe("an engine", () => {
  it("that ends before it is ready fails the start at once, with its last words", async () => {
    await configure(JSON.stringify({ engine: { command: ["/bin/bash", "-c", "echo no licence left >&2; exit 3"] } }));
    const end = await sandbox.run("start", "-n", "2");
    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(/ipcluster: engine [12] of 2 ended with exit status 3 before it was ready: no licence left \(log: .*\.log\)\n$/);
    await nothingLeft();
  });

  it("that never answers fails the start at the deadline, naming it", async () => {
    await configure(JSON.stringify(NEVER_READY));
    const end = await sandbox.run("start", "-n", "1", "--engine-timeout=300");
    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(/ipcluster: 1 of 1 engines did not answer within 0\.3 s: pid \d+, log .*\.log\n$/);
    await nothingLeft();
  });

  it("are started, previewed and stopped by a launcher of the user's own", async () => {
    writeFileSync(join(sandbox.dir, "mine.ts"), OWN_LAUNCHER);
    await configure(JSON.stringify({ engines: "../mine.ts", launcherOptions: { program: ENGINE } }));
    expect((await sandbox.run("start", "-n", "2", "--dry-run")).stdout).toContain("## 2 engines: mine\n2 of mine");
    const start = sandbox.start("start", "-n", "2");
    await start.says("ready: all engines answer engines=2");
    expect((await sandbox.run("list")).stdout).toMatch(/true +2 +\S+mine\.ts/);
    expect((await sandbox.run("stop")).code).toBe(0);
    await start.ended;
    await nothingLeft();
  });

  it("can be added to a running cluster, and goes with its command without the others", async () => {
    await sandbox.run("start", "-n", "1", "--daemonize");
    const engines = sandbox.start("engines", "-n", "2");
    await engines.says("ready: all added engines answer");
    expect((await sandbox.run("list")).stdout).toMatch(/true +3 +local/);
    const scaled = await sandbox.run("engines", "--scale=2", "--drain-timeout=5000");
    expect(scaled).toMatchObject({ code: 0, stderr: expect.stringContaining("engines were removed engines=2 removed=1") as string });
    expect(scaled.stderr).not.toContain(": stopped"); // the cluster goes on
    expect(await sandbox.run("engines", "-n", "1", "--scale=2")).toMatchObject({ code: 2, stderr: expect.stringContaining("give one of them") as string });
    const waited = await sandbox.run("wait", "-n", "3", "--timeout=0.2");
    expect(waited).toMatchObject({ code: 1, stderr: expect.stringContaining("2 of 3 engines answered within 0.2 s; `ipcluster logs`") as string });
    expect((await sandbox.run("list")).stdout).toMatch(/true +2 +local/);
    engines.child.kill("SIGINT");
    expect((await engines.ended).code).toBe(0);
    expect((await sandbox.run("list")).stdout).toMatch(/true +1 +local/);
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });

  it("added in the background stays after its command, is removed by another, and goes with the cluster", async () => {
    expect(await sandbox.run("engines", "--scale=1", "--daemonize")).toMatchObject({ code: 12, stderr: expect.stringContaining("does not run") as string });
    await sandbox.run("start", "-n", "1", "--daemonize");
    const added = await sandbox.run("engines", "--scale=3", "--daemonize");
    expect(added.code).toBe(0);
    expect(added.stderr).toMatch(/ready: 2 more engines answered after [\d.]+ s; change their number with: ipcluster engines --scale=N\n$/);
    expect((await sandbox.run("list")).stdout).toMatch(/true +3 +local/);
    const removed = await sandbox.run("engines", "--scale=2", "--daemonize");
    expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining("engines were removed: 2") as string });
    expect((await sandbox.run("list")).stdout).toMatch(/true +2 +local/);
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });

  it("added by another command goes when the cluster is stopped", async () => {
    await sandbox.run("start", "-n", "0", "--daemonize");
    const engines = sandbox.start("engines", "-n", "1");
    await engines.says("ready: all added engines answer");
    expect((await sandbox.run("stop")).code).toBe(0);
    expect((await engines.ended).code).toBe(0);
    await nothingLeft();
  });

  it("cannot be added where no cluster runs", async () => {
    expect(await sandbox.run("engines", "-n", "1")).toMatchObject({
      code: 12,
      stderr: 'ipcluster: the cluster of profile "default" does not run; start it with `ipcluster start`\n',
    });
    expect((await sandbox.run("wait")).code).toBe(12);
  });
});

describe("two clusters in one profile", () => {
  it("are told apart by their ids, and stopped one by one or together", async () => {
    await Promise.all([sandbox.run("start", "-n", "0", "--daemonize"), sandbox.run("start", "-n", "0", "--daemonize", "--cluster-id=two")]);
    expect((await sandbox.run("list")).stdout.split("\n").length).toBe(4);
    expect((await sandbox.run("stop", "--cluster-id=two")).code).toBe(0);
    expect(sandbox.securityFiles()).toEqual(FILES);
    expect((await sandbox.run("start", "-n", "0", "--daemonize", "--cluster-id=three")).code).toBe(0);
    expect((await sandbox.run("stop", "--all")).code).toBe(0);
    await nothingLeft();
  });

  it("with the same id at the same moment: one starts, the other is refused", async () => {
    const ends = await Promise.all([sandbox.run("start", "-n", "0", "--daemonize"), sandbox.run("start", "-n", "0", "--daemonize")]);
    expect(ends.map((end) => end.code).toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual([0, 10]);
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });
});

describe("files of a cluster that is gone", () => {
  const fileWith = (pid: number, started: string): string =>
    JSON.stringify({
      cluster: { cluster_id: "", n: 1, profile_dir: sandbox.profileDir() },
      controller: { class: "local", state: { pid, started, state: "running" } },
      engines: { class: "local", sets: { 1: { engines: { 0: { pid, started, state: "running" } } } } },
      starter: { pid, started, is_dedicated: true },
    });

  // Started at another moment; at a moment nobody noted; at the same moment after another boot of the machine.
  it.each(["1@00000000", "", "TICKS@00000000"])("never lead to killing another process that has the same id now (started: %j)", async (form) => {
    const bystander = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
    try {
      const stat = readFileSync(`/proc/${bystander.pid}/stat`, "utf8");
      const started = form.replace("TICKS", stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "");
      await mkdir(join(sandbox.profileDir(), "security"), { recursive: true });
      writeFileSync(join(sandbox.profileDir(), "security/cluster-.json"), fileWith(bystander.pid ?? 0, started));
      const end = await sandbox.run("stop");
      expect(end).toMatchObject({ code: 11, stderr: 'ipcluster: the cluster of profile "default" had ended already; the files it left were removed\n' });
      expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
      expect(sandbox.securityFiles()).toEqual([]);
    } finally {
      bystander.kill("SIGKILL");
    }
  });

  it("are removed by clean, which refuses while a cluster runs", async () => {
    await sandbox.run("start", "-n", "0", "--daemonize");
    const refused = await sandbox.run("clean");
    expect(refused.code).toBe(10);
    expect(refused.stderr).toContain('clusters run in profile "default" (id ""); stop them first, or give --force to stop and clean');
    expect((await sandbox.run("clean", "--force")).code).toBe(0);
    await nothingLeft();
    writeFileSync(join(sandbox.profileDir(), "security/ipcontroller-client.json"), "{ half");
    writeFileSync(join(sandbox.profileDir(), "security/cluster-x.json"), fileWith(1, "1@0"));
    expect((await sandbox.run("clean")).code).toBe(0);
    expect(sandbox.securityFiles()).toEqual([]);
  });

  it("that are broken are told by list and stop, and replaced by start", async () => {
    await mkdir(join(sandbox.profileDir(), "security"), { recursive: true });
    for (const name of FILES) writeFileSync(join(sandbox.profileDir(), "security", name), "{ half");
    const list = await sandbox.run("list", "-o", "json");
    expect(list).toMatchObject({ code: 0, stdout: "[]\n" });
    expect(list.stderr).toMatch(/cluster-\.json is not JSON; remove it with `ipcluster clean`\n$/);
    expect((await sandbox.run("stop")).code).toBe(1);
    expect((await sandbox.run("start", "-n", "0", "--daemonize")).code).toBe(0);
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });
});

describe("the command line", () => {
  it.each([
    [["strat"], 'ipcluster: unknown command "strat"; did you mean "start"?\n'],
    [["start", "--daemonise"], 'ipcluster: unknown option "--daemonise"; did you mean "--daemonize"?\n'],
    [["start", "-n", "four"], 'ipcluster: option -n: the value must be a whole number of engines from 0 to 100000, not "four"\n'],
  ])("wrong as %j is refused in one sentence", async (args, stderr) => {
    expect(await sandbox.run(...args)).toMatchObject({ code: 2, stdout: "", stderr });
  });

  it.each([
    [["start", "--engines=slrm"], `ipcluster: no launcher "slrm" for engines; available: ${LAUNCHERS}, or the path of a module (./my-launcher.ts)\n`],
    [["start", "--controller=shs"], `ipcluster: no launcher "shs" for the controller; available: ${LAUNCHERS}, or the path of a module (./my-launcher.ts)\n`],
    [["start", "--Cluster.m=3"], 'ipcluster: unknown option "--Cluster.m"; did you mean "Cluster.n"?\n'],
    [["start", "--profile=../x"], 'ipcluster: "../x" cannot be a profile\'s name; give a plain name, or a directory with --profile-dir\n'],
    [["start", "--cluster-id=a/b"], 'ipcluster: "a/b" cannot be a cluster id; use letters, digits, dots, dashes and underscores\n'],
  ])("asking for what cannot be, as %j, is refused in one sentence", async (args, stderr) => {
    expect(await sandbox.run(...args)).toMatchObject({ code: 1, stdout: "", stderr });
    expect(sandbox.processes()).toEqual([]);
  });

  it("explains itself", async () => {
    const help = await sandbox.run("--help");
    expect(help.code).toBe(0);
    expect(help.stdout).toContain("Examples:");
    expect(help.stdout).toContain("10 already running; 11 already stopped; 12 no such cluster");
    expect((await sandbox.run("start", "--help")).stdout).toContain("-n, --n <count>");
    expect((await sandbox.run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("without a command shows the help and ends with status 1", async () => {
    const end = await sandbox.run();
    expect(end.code).toBe(1);
    expect(end.stderr).toContain("Usage: ipcluster");
  });

  it("of tsparallel alone names all commands", async () => {
    const end = await sandbox.startProgram([fileURLToPath(new URL("../../dist/cli/bin/tsparallel.js", import.meta.url))]).ended;
    expect(end).toMatchObject({ code: 0, stderr: "" });
    for (const name of ["ipcluster", "ipcontroller", "ipengine", "bakapara"]) expect(end.stdout).toContain(`  ${name} `);
  });

  it("takes a wrong option in a profile's file for what it is", async () => {
    await configure('{ "controler": { "ip": "*" } }');
    const end = await sandbox.run("start");
    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(/^ipcluster: unknown option "controler" in .*ipcluster_config\.json; did you mean "controller"\?\n$/);
  });
});

describe("the configuration", () => {
  it("is shown with the origin of each value, and without keys", async () => {
    await sandbox.run("profile", "create", "--parallel", "--profile=lab");
    const file = join(sandbox.profileDir("lab"), "ipcluster_config.ts");
    writeFileSync(
      file,
      `import { defineConfig } from "tsparallel/config";\nexport default defineConfig({ n: 8, engines: "ssh", ssh: { engines: { a: 4 } } });\n`,
    );
    sandbox.env["IPP_CLUSTER_ID"] = "two";
    sandbox.env["IPP_SESSION_KEY"] = "0123456789";
    const changed = await sandbox.run("config", "show", "--profile=lab", "--changed", "--engines=slurm", "--timeout=2");
    expect(changed).toMatchObject({ code: 0, stderr: "" });
    const rows = [
      "n 8 profile",
      'engines "slurm" flag',
      'clusterId "two" environment (IPP_CLUSTER_ID)',
      "engineTimeoutMs 2000 flag",
      'ssh.engines {"a":4} profile',
    ];
    expect(changed.stdout.replaceAll(/ +/g, " ").trimEnd().split("\n")).toEqual([`# ipcluster, profile lab: ${file}`, ...rows]);
    const json = await sandbox.run("config", "show", "ipcontroller", "--profile=lab", "-o", "json");
    expect(json.stdout).not.toContain("0123456789");
    expect(JSON.parse(json.stdout)).toMatchObject({
      program: "ipcontroller",
      file: join(sandbox.profileDir("lab"), "ipcontroller_config.ts"),
      options: expect.arrayContaining([
        { name: "key", value: "(not shown)", source: "environment", variable: "IPP_SESSION_KEY" },
        { name: "hwm", value: 1, source: "default" },
      ]) as unknown,
    });
  });
});

describe("profiles", () => {
  it("are created, listed and found", async () => {
    const created = await sandbox.run("profile", "create", "--parallel", "--profile=lab");
    expect(created.code).toBe(0);
    expect(created.stdout).toBe(
      [
        `created ${sandbox.profileDir("lab")}`,
        ...["ipcluster", "ipcontroller", "ipengine"].map((name) => `wrote ${sandbox.profileDir("lab")}/${name}_config.ts`),
        "",
      ].join("\n"),
    );
    expect((await sandbox.run("create", "--profile=lab")).stdout).toBe(`completed ${sandbox.profileDir("lab")}\n`);
    expect((await sandbox.run("profile", "list")).stdout).toBe(`lab  ${sandbox.profileDir("lab")}\n`);
    expect(JSON.parse((await sandbox.run("profile", "list", "-o", "json")).stdout)).toEqual([{ name: "lab", path: sandbox.profileDir("lab") }]);
    expect((await sandbox.run("profile", "locate", "lab")).stdout).toBe(`${sandbox.profileDir("lab")}\n`);
    const misspelt = await sandbox.run("profile", "locate", "lba");
    expect(misspelt).toMatchObject({ code: 1, stdout: "", stderr: `ipcluster: there is no profile ${sandbox.profileDir("lba")}; did you mean "lab"?\n` });
  });

  it("with their configuration files as created start a cluster", async () => {
    await sandbox.run("profile", "create", "--parallel", "--profile=lab");
    const start = await sandbox.run("start", "--profile=lab", "-n", "1", "--daemonize");
    expect(start, start.stderr).toMatchObject({ code: 0 });
    expect((await sandbox.run("stop", "--profile=lab")).code).toBe(0);
    await nothingLeft("lab");
  });
});
