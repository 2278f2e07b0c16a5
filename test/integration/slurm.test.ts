// The launcher for Slurm against a real Slurm: engines as a job's tasks and as an array, failures in the scheduler's own
// words, and nothing left in the queue.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "tsparallel";
import { Sandbox } from "../support/ipcluster.ts";
import { PYTHON } from "../support/python.ts";
import { hasBed, TestBed } from "../support/testbed.ts";
import { until } from "../support/until.ts";

describe.skipIf(!hasBed("slurm"))("engines on Slurm", () => {
  let bed: TestBed;
  let sandbox: Sandbox;

  beforeAll(() => {
    bed = TestBed.start("slurm");
    process.env["PATH"] = bed.path;
  });
  afterAll(() => bed.stop());
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.dispose());

  const queue = (): string => bed.output("squeue", "--noheader");
  const scripts = (): string[] => readdirSync(join(sandbox.profileDir(), "log")).filter((name) => name.endsWith(".sbatch"));
  const nothingLeft = async (): Promise<void> => {
    await sandbox.nothingRuns();
    expect(queue()).toBe("");
    expect(sandbox.securityFiles()).toEqual([]);
    expect(scripts()).toEqual([]);
  };
  const find = async (): Promise<Cluster> => Cluster.fromFile(join(sandbox.profileDir(), "security", "cluster-.json"));

  it("answer, run tasks on their nodes, are added to, interrupted, and stopped from another terminal when the first one died", async () => {
    const starter = sandbox.start("start", "-n", "2", "--engines=slurm", "--time-limit=10m", "--batch-line=#SBATCH --comment=engines");
    await starter.says("connect with");
    expect(starter.stderr).toMatch(/submitted Slurm job \d+/);
    await starter.says(": running on node");
    expect(bed.output("squeue", "--noheader", "--format=%j %t %l %k")).toBe("ipengine R 10:00 engines\n");
    const more = sandbox.start("engines", "-n", "1", "--engines=slurm", "--shape=array");
    await more.says("all added engines answer");
    expect((await sandbox.run("list")).stdout).toMatch(/true +3 +slurm/);

    const cluster = await find();
    const rc = await cluster.connect();
    const facts = await rc
      .directView()
      .apply(() => [process.env["SLURMD_NODENAME"], Object.keys(process.env).filter((name) => name === "IPP_CONNECTION_INFO")]);
    expect(facts).toHaveLength(3);
    for (const [node, keys] of facts) {
      expect(node).toMatch(/^node\d$/);
      expect(keys).toEqual([]); // users' code does not see the cluster's key
    }
    const spinning = rc.directView().apply(() => {
      for (;;);
    });
    // A signal that comes before the function runs interrupts nothing.
    const signalled = until(async () => (await cluster.signal("SIGINT"), spinning.ready()), { everyMs: 200 });
    await expect(spinning).rejects.toThrow(/interrupted/);
    await signalled;
    // The newest engine, of another process and another job, ends what it has and goes.
    expect(await cluster.scale(2)).toBe(-1);
    await until(() => rc.ids.length === 2);
    await rc.close();
    // Its job ended by itself, and has left no script.
    await until(() => scripts().length === 1, { timeoutMs: 30_000 });

    more.child.kill("SIGINT");
    expect((await more.ended).code).toBe(0);
    expect(queue().trim().split("\n")).toHaveLength(1);
    starter.child.kill("SIGKILL");
    await starter.ended;
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });

  it("as an array have their own jobs, beside the controller's; one that dies is told with node and end, and the rest goes on", async () => {
    await using cluster = await startInProgram();
    const rc = await cluster.connect();
    expect(rc.ids).toHaveLength(2);
    expect(bed.output("squeue", "--noheader", "--array", "--format=%j").trim().split("\n").toSorted()).toEqual(["ipcontroller", "ipengine", "ipengine"]);
    expect(new Set(await rc.directView().apply(() => process.env["SLURM_ARRAY_TASK_ID"]))).toEqual(new Set(["0", "1"]));
    await expect(rc.directView(0).apply(() => process.kill(process.pid, "SIGKILL"))).rejects.toThrow(/engine 0/i);
    await until(() => lines.some((line) => /engine ended unexpectedly .*was ended by (?:signal 9|SIGKILL)/.test(line)));
    expect(rc.ids).toHaveLength(1);
  });

  const lines: string[] = [];
  async function startInProgram(): Promise<Cluster> {
    const write = (message: string, fields: object = {}): void => void lines.push(`${message} ${Object.entries(fields).join(" ")}`);
    const logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    return Cluster.start({
      n: 2,
      engines: "slurm",
      ipythonDir: sandbox.dir,
      clusterId: "",
      controller: { launcher: "slurm" },
      batch: { shape: "array" },
      logger,
    });
  }

  it("that cannot be started say why in Slurm's words, and leave nothing", async () => {
    const tooMany = await sandbox.run("start", "-n", "100", "--engines=slurm");
    expect(tooMany.code).toBe(1);
    expect(tooMany.stderr).toMatch(/ipcluster: Slurm will not start job \d+: PartitionConfig\n$/);
    await nothingLeft();
    const noQueue = await sandbox.run("start", "-n", "1", "--engines=slurm", "--queue=nowhere");
    expect(noQueue.code).toBe(1);
    expect(noQueue.stderr).toMatch(/ipcluster: Slurm refused the job: sbatch: error: invalid partition specified: nowhere; .*\n$/);
    const closed = await sandbox.run("start", "-n", "1", "--engines=slurm", "--queue=closed", "--queue-timeout=500");
    expect(closed.code).toBe(1);
    expect(closed.stderr).toMatch(/ipcluster: Slurm job \d+ waited 0.5 s in the queue: PartitionDown\n$/);
    await nothingLeft();
  });

  it("that start, wait for ever or are about to answer are given up by Ctrl-C, and their jobs are gone", async () => {
    const moments = [
      ["submitted Slurm job", "main"],
      [": pending (PartitionDown)", "closed"],
      [": running on node", "main"],
    ] as const;
    const ends = moments.map(async ([moment, partition], at) => {
      const start = sandbox.start("start", "-n", "2", "--engines=slurm", `--queue=${partition}`, `--cluster-id=q${at}`);
      await start.says(moment);
      start.child.kill("SIGINT");
      return start.ended;
    });
    for (const { code, stderr } of await Promise.all(ends)) {
      // What answers at the very moment is a cluster that ran.
      expect(stderr).toMatch(/ipcluster: (?:interrupted by SIGINT; everything was stopped|stopped)\n$/);
      expect([130, 0]).toContain(code);
    }
    await nothingLeft();
  });

  it("serve a program inside its own job, which keeps its output and ends with its exit status", async () => {
    const program = join(sandbox.dir, "squares.ts");
    writeFileSync(
      program,
      `import { Client } from ${JSON.stringify(fileURLToPath(new URL("../../dist/index.js", import.meta.url)))};
const rc: Client = await Client.connect();
const squares: number[] = await rc.loadBalancedView().map((x: number) => x * x, [1, 2, 3]);
const nodes = new Set(await rc.directView().apply(() => process.env["SLURMD_NODENAME"]));
console.log(JSON.stringify({ squares, nodes: [...nodes].sort(), argument: process.argv[2] }));
await rc.close();
process.exitCode = 3;
`,
    );
    // Five engines do not fit on one node of four processors.
    const { code, stdout, stderr } = await sandbox.run("submit", "--engines=slurm", "-n", "5", "--wait", program, "--", "a b");
    expect(stdout).toContain('{"squares":[1,4,9],"nodes":["node1","node2"],"argument":"a b"}\n');
    expect(stderr).toMatch(/ipcluster: Slurm job \d+ ended with exit status 3\n$/);
    expect(code).toBe(3);
    expect(readdirSync(sandbox.dir).filter((name) => /^squares-\d+\.log$/.test(name))).toHaveLength(1);
    await nothingLeft();
  });

  it("serve a program whose script was submitted by hand, with Python's beside them where there are some", async () => {
    const program = join(sandbox.dir, "count.sh");
    writeFileSync(program, "echo cluster $IPP_CLUSTER_ID in $IPP_PROFILE_DIR\n");
    const engines = PYTHON === undefined ? ["-n", "2"] : ["-n", "1", "--python-engines=1", `--python=${PYTHON}`];
    const { stdout: script } = await sandbox.run("submit", "--engines=slurm", ...engines, "--time-limit=5m", "--dry-run", program);
    writeFileSync(join(sandbox.dir, "job.sh"), script);
    const { status, stdout } = spawnSync("sbatch", ["--wait", "--parsable", "job.sh"], { cwd: sandbox.dir, env: sandbox.env, encoding: "utf8" });
    expect(status).toBe(0);
    const id = stdout.trim();
    const output = readFileSync(join(sandbox.dir, `count-${id}.log`), "utf8");
    expect(output).toContain(`cluster job-${id} in ${sandbox.profileDir()}\n`);
    expect(output).toContain("ready: all engines answer engines=2 ");
    await nothingLeft();
  });

  it("that end at once are told with exit status, node and last words", async () => {
    await mkdir(sandbox.profileDir(), { recursive: true });
    writeFileSync(join(sandbox.profileDir(), "ipcluster_config.json"), JSON.stringify({ engine: { args: ["--nonsense"] } }));
    const { code, stderr } = await sandbox.run("start", "-n", "2", "--engines=slurm");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /ipcluster: engine \d of 2 on node\d ended with exit status 2 before it was ready: unknown option "--nonsense"; see `ipengine --help` \(log: .*-\d\.log\)\n$/,
    );
    await nothingLeft();
  });
});
