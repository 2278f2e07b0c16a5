// What Grid Engine 8.1.9 answers, recorded, and what we read in it.

import { describe, expect, it } from "vitest";
import { GRID_ENGINE } from "../../../../src/launch/batch/gridengine.ts";
import { renderScript } from "../../../../src/launch/batch/script.ts";

const said = (stdout: string, stderr = "", exitCode = 0): { stdout: string; stderr: string; exitCode: number } => ({ stdout, stderr, exitCode });

function row(job: number, state: string, queue: string, task: string): string {
  return `    <job_list state="running">
      <JB_job_number>${job}</JB_job_number>
      <JAT_prio>0.50000</JAT_prio>
      <JB_name>ipengine</JB_name>
      <JB_owner>root</JB_owner>
      <state>${state}</state>
      <JAT_start_time>2026-11-21T18:35:48</JAT_start_time>
      <queue_name>${queue}</queue_name>
      <slots>1</slots>
${task === "" ? "" : `      <tasks>${task}</tasks>\n`}    </job_list>\n`;
}

const listing = (...rows: readonly string[]): string =>
  `<?xml version='1.0'?>\n<job_info  xmlns:xsd="…">\n  <queue_info>\n${rows.join("")}  </queue_info>\n  <job_info>\n  </job_info>\n</job_info>\n`;

function record(task: string, failed: string, exitStatus: string): string {
  return `==============================================================
qname        all.q               
hostname     gehost              
jobnumber    2                   
taskid       ${task}                   
failed       ${failed}
exit_status  ${exitStatus}
ru_wallclock 0s
`;
}

describe("what qsub, qstat and qacct say", () => {
  it("the job's id is read of an array and of a single job", () => {
    expect(GRID_ENGINE.readJobId(said("2.1-3:1\n"))).toBe("2");
    expect(GRID_ENGINE.readJobId(said("3\n"))).toBe("3");
    expect(GRID_ENGINE.readJobId(said('Unable to run job: unknown queue "nope"\n'))).toBeUndefined();
  });

  it("tasks are read with their states, and other jobs are left out", () => {
    const text = listing(
      row(5, "r", "all.q@gehost", "1"),
      row(5, "dr", "all.q@gehost", "2"),
      row(5, "t", "all.q@gehost", "3"),
      row(5, "qw", "", "4"),
      row(6, "r", "q@h", "1"),
    );
    expect([...(GRID_ENGINE.status.read(said(text), "5") ?? [])]).toEqual([
      [1, { phase: "running", host: "gehost" }],
      [2, { phase: "running", host: "gehost" }],
      [3, { phase: "pending", reason: "on its way to a host", isHopeless: false }],
      [4, { phase: "pending", reason: "waiting in the queue", isHopeless: false }],
    ]);
    expect(GRID_ENGINE.status.read(said(text), "7")).toEqual(new Map());
    expect(GRID_ENGINE.status.read(said("", "error: commlib error: can't connect to service\n", 1), "5")).toBeUndefined();
  });

  it("a task in error state will never start, and the reason is told", () => {
    expect(GRID_ENGINE.status.read(said(listing(row(6, "Eqw", "", "1"))), "6")?.get(1)).toEqual({ phase: "pending", reason: "error state", isHopeless: true });
    const reason = (text: string): string | undefined => GRID_ENGINE.reason?.read(said(text));
    expect(
      reason(
        'job_number: 6\nerror reason          1:      11/21/2026 18:36:07 [0:83]: error: can\'t open output file "/nonexist/x": No such file or directory\nscheduling info:            Job is in error state\n',
      ),
    ).toBe('can\'t open output file "/nonexist/x": No such file or directory');
    expect(
      reason('scheduling info:            queue instance "all.q@gehost" dropped because it is full\n                            All queues dropped\n'),
    ).toBe('queue instance "all.q@gehost" dropped because it is full');
    expect(reason("scheduling info:            There are no messages available\n")).toBe("");
  });

  it("ends are read from the accounting: exit status, signal, or what the system did", () => {
    const text =
      record("1", "0    ", "2                   ") +
      record("2", "100 : assumedly after job", "137                  (Killed)") +
      record("3", "37  : qmaster enforced h_rt, h_cpu, or h_vmem limit", "137                  (Killed)") +
      record("4", "0    ", "255                  ");
    expect([...(GRID_ENGINE.history?.read(said(text), "2") ?? [])]).toEqual([
      [1, { phase: "ended", exitCode: 2, signal: null, host: "gehost", reason: "" }],
      [2, { phase: "ended", exitCode: null, signal: "SIGKILL", host: "gehost", reason: "" }],
      [3, { phase: "ended", exitCode: null, signal: null, host: "gehost", reason: "qmaster enforced h_rt, h_cpu, or h_vmem limit" }],
      [4, { phase: "ended", exitCode: 255, signal: null, host: "gehost", reason: "" }],
    ]);
    expect(GRID_ENGINE.history?.read(said("", "error: job id 77 not found\n", 1), "77")).toBeUndefined();
  });
});

it("a Grid Engine script is an array whose tasks number the engines", () => {
  const script = renderScript(GRID_ENGINE, {
    role: "engines",
    n: 3,
    shape: "array",
    jobName: "ipengine",
    profileDir: "/home/me/p",
    clusterId: "x y",
    outputBase: "/home/me/p/log/ipengine-1",
    program: ["node", "ipengine.js"],
    identPrefix: "00112233-445566778899aabb",
    options: { queue: "all.q", account: undefined, timeLimitS: 3600, extraLines: [], template: undefined, scheduler: undefined },
  });
  expect(script).toContain(
    "#!/bin/sh\n#$ -N ipengine\n#$ -t 1-3\n#$ -q all.q\n#$ -l h_rt=01:00:00\n#$ -o /home/me/p/log/ipengine-1-$TASK_ID.log\n#$ -S /bin/sh\n#$ -cwd\n#$ -V\n#$ -j y\n",
  );
  expect(script).toContain("IPP_CLUSTER_ID='x y'\n");
  expect(script).toMatch(/exec node ipengine\.js --ident=00112233-445566778899aabb"\$\(printf %08d "\$SGE_TASK_ID"\)"\n$/);
});
