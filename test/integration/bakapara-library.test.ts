// Bakapara for programs, on a running cluster.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Bakapara, type Job } from "tsparallel/bakapara";
import { until } from "../support/until.ts";
import { TestCluster } from "../support/with-cluster.ts";
import { pidsOf } from "./bakapara-support.ts";

let cluster: TestCluster;
let bp: Bakapara;
let scratch = "";
beforeAll(async () => {
  cluster = await TestCluster.start({ engines: 2 });
  bp = await Bakapara.connect({ profileDir: cluster.profileDir });
  scratch = mkdtempSync(join(tmpdir(), "tsparallel-bakapara-"));
});
afterAll(async () => {
  await bp.close();
  await cluster.stop();
  rmSync(scratch, { recursive: true, force: true });
});

it("before the first run nothing is ready, and asking for success is an error", async () => {
  expect([bp.length, bp.ready()]).toEqual([2, false]);
  expect(() => bp.successful()).toThrow(/before the end of a run/);
  expect(await bp.wait()).toBe(true);
});

it("run is true, and false while another run is going; results are written into the jobs", async () => {
  const jobs: Job[] = Array.from({ length: 10 }, (_, i) => ({ cmd: `sleep 0.1; exit ${i}` }));
  expect(bp.run(jobs)).toBe(true);
  expect(bp.run([{ cmd: "true" }])).toBe(false);
  expect([bp.ready(), jobs[0]?.result]).toEqual([false, undefined]);
  expect(await bp.wait({ timeoutMs: 1 })).toBe(false);
  expect(await bp.wait()).toBe(true);
  expect(jobs.map((job) => job.result?.code)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([bp.ready(), bp.successful()]).toEqual([true, true]);
});

it("status shows how far it is, and at the end how long it took", async () => {
  let shown = "";
  const stream = { write: (text: string) => (shown += text) };
  bp.run(Array.from({ length: 4 }, () => ({ cmd: "sleep 0.3" })));
  await bp.status({ intervalMs: 50, stream });
  expect(shown).toMatch(/^(\d\/4 tasks finished after 0:00:0\d\.\d{6}\n)+4 tasks completed in 0:00:0\d\.\d{6}\n$/);
});

it("a job that could not be run makes a run unsuccessful; a wrong job is told in its result", async () => {
  const jobs = [{ cmd: "true" }, { cmd: "true", cd: "/no/such" }, { cmd: 5 }] as unknown as Job[];
  bp.run(jobs);
  await bp.wait();
  expect(jobs.map((job) => job.result?.error ?? null)).toEqual([null, expect.stringContaining("`cd`"), "`cmd` must be a text"]);
  expect(bp.successful()).toBe(false);
  let shown = "";
  await bp.status({ stream: { write: (text: string) => (shown += text) } });
  expect(shown).toMatch(/^1 of 3 tasks completed in 0:00:0\d\.\d{6}; the results of the others say why\n$/);
});

it("targets keep jobs to some engines", async () => {
  const jobs: Job[] = Array.from({ length: 8 }, () => ({ cmd: "sleep 0.05" }));
  bp.run(jobs, [1]);
  await bp.wait();
  expect(new Set(jobs.map((job) => job.result?.engine_id))).toEqual(new Set([1]));
});

it("abort lets the running end and runs no others; each job has a result", async () => {
  const mark = join(scratch, "mark");
  const jobs: Job[] = Array.from({ length: 30 }, (_, i) => ({ cmd: `echo ${i} >> ${mark}; sleep 0.4; echo end >> ${mark}` }));
  bp.run(jobs);
  await until(() => jobs.some((job) => job.result !== undefined));
  await bp.abort();
  await bp.wait();
  const ran = jobs.filter((job) => job.result?.code === 0).length;
  const text = readFileSync(mark, "utf8").trim().split("\n");
  expect(text.filter((line) => line === "end")).toHaveLength(ran);
  expect(text).toHaveLength(2 * ran);
  expect(ran).toBeLessThan(15);
  expect(jobs.filter((job) => job.result?.error === "the job was not run: the run was stopped before")).toHaveLength(30 - ran);
});

it("interrupt kills what runs, with its children", async () => {
  const jobs: Job[] = Array.from({ length: 6 }, () => ({ cmd: `sleep 92.${process.pid} & sleep 92.${process.pid}` }));
  bp.run(jobs);
  await until(() => pidsOf(`sleep 92.${process.pid}`).length === 4);
  await bp.interrupt();
  await bp.wait();
  await until(() => pidsOf(`sleep 92.${process.pid}`).length === 0);
  expect(jobs.map((job) => job.result?.status)).toEqual(Array.from({ length: 6 }, () => "error"));
  // The same engines run the next jobs.
  const next: Job[] = [{ cmd: "true" }, { cmd: "true" }];
  bp.run(next);
  await bp.wait();
  expect(next.map((job) => job.result?.code)).toEqual([0, 0]);
});

it("shutdown ends the engines", async () => {
  const other = await Bakapara.connect({ profileDir: cluster.profileDir });
  expect(other.length).toBe(2);
  await other.shutdown();
  await until(() => bp.length === 0);
  await other.close();
});
