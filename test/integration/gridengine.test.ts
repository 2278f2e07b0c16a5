// The launcher for Grid Engine against a real one.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "tsparallel";
import { Sandbox } from "../support/ipcluster.ts";
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
    await until(() => sandbox.processes().length === 0, { timeoutMs: 10_000 });
    expect(bed.output("qstat")).toBe("");
    expect(sandbox.securityFiles()).toEqual([]);
    expect(readdirSync(join(sandbox.profileDir(), "log")).filter((name) => name.endsWith(".sge"))).toEqual([]);
  };

  it("answer as tasks of an array, keep the key from other users, and are stopped when the terminal that started them died", async () => {
    const starter = sandbox.start("start", "-n", "2", "--engines=sge", "--queue=all.q", "--time-limit=10m");
    await starter.says("connect with");
    const cluster = await Cluster.fromFile(join(sandbox.profileDir(), "security", "cluster-.json"));
    const rc = await cluster.connect();
    expect(new Set(await rc.directView().apply(() => process.env["SGE_TASK_ID"]))).toEqual(new Set(["1", "2"]));
    await rc.close();
    // Whoever asks sees the environment that a job was submitted with.
    const id = /submitted Grid Engine job (\d+)/.exec(starter.stderr)?.[1] ?? "";
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
