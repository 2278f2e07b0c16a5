// The launcher for Grid Engine against a real one.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "tsparallel";
import { Sandbox } from "../support/ipcluster.ts";
import { TSPARALLEL } from "../support/kernel-process.ts";
import { HAS_MPI, MPI_ENV, rankProgram } from "../support/mpi.ts";
import { EXAMPLE_NOTEBOOKS, outputsOf } from "../support/notebooks.ts";
import { hasBed, TestBed } from "../support/testbed.ts";
import { until } from "../support/until.ts";

describe.skipIf(!hasBed("gridengine"))("engines on Grid Engine", () => {
  let bed: TestBed;
  let sandbox: Sandbox;

  beforeAll(() => {
    bed = TestBed.start("gridengine");
    process.env["PATH"] = bed.path;
  });
  afterAll(() => bed.stop());
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.dispose());

  const nothingLeft = async (): Promise<void> => {
    await sandbox.nothingRuns();
    expect(bed.output("qstat")).toBe("");
    expect(sandbox.securityFiles()).toEqual([]);
    expect(readdirSync(join(sandbox.profileDir(), "log")).filter((name) => name.endsWith(".sge"))).toEqual([]);
  };

  it("answer as tasks of an array to a controller that is a job too, keep the key from other users, and are stopped when the terminal that started them died", async () => {
    // The name of the cell's host is known inside of it only.
    const starter = sandbox.start("start", "-n", "2", "--engines=sge", "--controller=sge", "--location=127.0.0.1", "--queue=all.q", "--time-limit=10m");
    await starter.says("connect with");
    const cluster = await Cluster.fromFile(join(sandbox.profileDir(), "security", "cluster-.json"));
    const rc = await cluster.connect();
    expect(new Set(await rc.directView().apply(() => process.env["SGE_TASK_ID"]))).toEqual(new Set(["1", "2"]));
    await rc.close();
    // Whoever asks sees the environment that a job was submitted with.
    const id = [...starter.stderr.matchAll(/submitted Grid Engine job (\d+)/g)].at(-1)?.[1] ?? "";
    const shown = bed.output("qstat", "-j", id);
    const { key } = JSON.parse(readFileSync(join(sandbox.profileDir(), "security", "ipcontroller-client.json"), "utf8")) as { key: string };
    expect(shown).toContain("IPP_PROFILE_DIR");
    expect(shown).not.toContain("IPP_CONNECTION_INFO");
    expect(shown).not.toContain(key);
    starter.child.kill("SIGKILL");
    await starter.ended;
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });

  it("whose wall time is over are told in its words, and what they ran goes back to the queue for others", async () => {
    const lines: string[] = [];
    const write = (message: string, fields: object = {}): void => void lines.push(`${message} ${Object.values(fields).join(" ")}`);
    const logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    await using cluster = await Cluster.start({ n: 1, engines: "sge", ipythonDir: sandbox.dir, clusterId: "", batch: { timeLimit: "4s" }, logger });
    const rc = await cluster.connect();
    const first = Number((await rc.directView().apply(() => process.env["JOB_ID"])).at(0));
    const task = rc
      .loadBalancedView()
      .with({ retries: 1 })
      .apply((limited: number) => (Number(process.env["JOB_ID"]) === limited ? new Promise<number>(() => undefined) : limited + 1), first);
    const lost = rc.loadBalancedView().apply(() => undefined); // waits behind it
    await until(() => lines.some((line) => /^engine ended unexpectedly .* was ended by Grid Engine: .*h_rt/.test(line)));
    const others = await Cluster.fromFile(cluster.file, { given: { "batch.timeLimit": "10m" } });
    await others.addEngines(1);
    expect(await task).toBe(first + 1);
    expect(await lost).toBeUndefined();
    await others.leave();
  });

  it.skipIf(!HAS_MPI)("serve a program inside one job, which keeps its output and ends with its exit status", async () => {
    const program = rankProgram(sandbox);
    const { code, stdout } = await sandbox.run("submit", "--engines=sge", "-n", "1", "--wait", program);
    expect(stdout).toContain("ranks 0\n");
    expect(code).toBe(3);
    const more = await sandbox.run("submit", "--engines=sge", "-n", "2", program);
    expect(more.stderr).toBe(
      "ipcluster: for 2 engines in one job Grid Engine needs the name of a parallel environment (qconf -spl shows them): --batch-line='#$ -pe NAME 2'\n",
    );
    await nothingLeft();
  });

  it.skipIf(!HAS_MPI)("serve a notebook inside one job, whose results it leaves in a file", async () => {
    Object.assign(sandbox.env, MPI_ENV);
    const out = join(sandbox.dir, "out.ipynb");
    const words = ["notebook", "submit", "--engines=sge", "-n", "1", "--param=points=1000", "-o", out, "--wait", join(EXAMPLE_NOTEBOOKS, "darts.ipynb")];
    const { code, stdout, stderr } = await sandbox.startProgram([TSPARALLEL, ...words]).ended;
    expect(code, stdout + stderr).toBe(0);
    expect(outputsOf(out).at(-1)).toBe("1 of 1 engines took part, on gehost\n");
    expect(readdirSync(sandbox.dir).filter((name) => /^darts-\d+\.log$/.test(name))).toHaveLength(1);
    await nothingLeft();
  });

  it("that cannot be started say why in its words, and leave nothing", async () => {
    const noQueue = await sandbox.run("start", "-n", "1", "--engines=sge", "--queue=nowhere");
    expect(noQueue.code).toBe(1);
    expect(noQueue.stderr).toMatch(/ipcluster: Grid Engine refused the job: .*job requests unknown queue "nowhere".*\n$/);
    const noPlace = await sandbox.run("start", "-n", "1", "--engines=sge", "--batch-line=#$ -o /nonexistent/x");
    expect(noPlace.code).toBe(1);
    // It is told before the task was sent to a host, or after it came back from there.
    expect(noPlace.stderr).toMatch(
      /ipcluster: (?:Grid Engine will not start job \d+|engine 1 of 1 was set aside by Grid Engine before it was ready): can't open output file "\/nonexistent\/x": No such file or directory.*\n$/,
    );
    await nothingLeft();
  });
});
