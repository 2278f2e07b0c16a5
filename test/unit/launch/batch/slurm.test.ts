// What Slurm 22.05 answers, recorded, and what we read in it.

import { describe, expect, it } from "vitest";
import { WHOLE_JOB } from "../../../../src/launch/batch/batch-system.ts";
import { numbersOf, SLURM } from "../../../../src/launch/batch/slurm.ts";

const said = (stdout: string, stderr = "", exitCode = 0): { stdout: string; stderr: string; exitCode: number } => ({ stdout, stderr, exitCode });
const line = (facts: string): string =>
  `JobId=8 ${facts} Dependency=(null) Requeue=0 Restarts=0 BatchFlag=1 Reboot=0 RunTime=00:00:20 TimeLimit=UNLIMITED NodeList=node2 BatchHost=node2 NumNodes=1 Power= \n`;

describe("what sbatch and scontrol say", () => {
  it("the job's id is read with and without a cluster's name", () => {
    expect(SLURM.readJobId(said("7\n"))).toBe("7");
    expect(SLURM.readJobId(said("7;bed\n"))).toBe("7");
    expect(SLURM.readJobId(said("sbatch: queued\n"))).toBeUndefined();
  });

  it("a pending job has the scheduler's reason", () => {
    const read = (reason: string) =>
      SLURM.status.read(said(`JobId=4 JobName=wrap JobState=PENDING Reason=${reason} Dependency=(null) NodeList= NumNodes=25\n`), "4");
    expect(read("Resources")?.get(WHOLE_JOB)).toEqual({ phase: "pending", reason: "Resources", isHopeless: false });
    expect(read("PartitionConfig")?.get(WHOLE_JOB)).toEqual({ phase: "pending", reason: "PartitionConfig", isHopeless: true });
    expect(read("None")?.get(WHOLE_JOB)).toEqual({ phase: "pending", reason: "not looked at yet", isHopeless: false });
  });

  it("an array has a line for each task that began and one for those that wait", () => {
    const listing = SLURM.status.read(
      said(
        line("ArrayJobId=3 ArrayTaskId=0 JobName=wrap JobState=COMPLETED Reason=None ExitCode=0:0") +
          line("ArrayJobId=3 ArrayTaskId=1 JobName=wrap JobState=RUNNING Reason=None ExitCode=0:0") +
          "JobId=3 ArrayJobId=3 ArrayTaskId=2-3%4 JobName=wrap JobState=PENDING Reason=Priority ExitCode=0:0 NodeList= \n",
      ),
      "3",
    );
    expect([...(listing ?? [])]).toEqual([
      [0, { phase: "ended", exitCode: 0, signal: null, host: "node2", reason: "" }],
      [1, { phase: "running", host: "node2" }],
      [2, { phase: "pending", reason: "Priority", isHopeless: false }],
      [3, { phase: "pending", reason: "Priority", isHopeless: false }],
    ]);
  });

  it.each([
    ["JobState=FAILED Reason=NonZeroExitCode ExitCode=2:0", { exitCode: 2, signal: null, reason: "" }],
    ["JobState=FAILED Reason=None ExitCode=0:9", { exitCode: null, signal: "signal 9", reason: "" }],
    ["JobState=TIMEOUT Reason=TimeLimit ExitCode=0:15", { exitCode: null, signal: "signal 15", reason: "TIMEOUT" }],
    ["JobState=CANCELLED Reason=None ExitCode=0:0", { exitCode: null, signal: null, reason: "CANCELLED" }],
    ["JobState=NODE_FAIL Reason=NodeDown ExitCode=0:0", { exitCode: null, signal: null, reason: "NODE_FAIL" }],
  ])("the end of a job is read: %s", (facts, end) => {
    expect(SLURM.status.read(said(line(facts)), "8")?.get(WHOLE_JOB)).toEqual({ phase: "ended", host: "node2", ...end });
  });

  it("a job that is not known any more is gone, and no answer is none", () => {
    expect(SLURM.status.read(said("", "slurm_load_jobs error: Invalid job id specified\n", 1), "99")).toEqual(new Map());
    expect(SLURM.status.read(said("", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n", 1), "99")).toBeUndefined();
  });

  it("a cancelled job that is still being ended counts as running", () => {
    expect(SLURM.status.read(said(line("JobState=COMPLETING Reason=None ExitCode=0:0")), "8")?.get(WHOLE_JOB)).toEqual({ phase: "running", host: "node2" });
  });
});

describe("what srun says of single tasks", () => {
  it("which ended, where and how", () => {
    const output = [
      "srun: error: node1: task 1: Exited with exit code 1",
      "srun: error: node2: tasks 2-3,5: Exited with exit code 2",
      "srun: error: node1: task 0: Killed",
      "srun: error: node1: task 4: Segmentation fault (core dumped)",
      "srun: Job step aborted: Waiting up to 4 seconds for job step to finish.",
    ].join("\n");
    expect(SLURM.readTaskEnds?.(output)).toEqual([
      { task: 1, host: "node1", exitCode: 1, signal: null },
      { task: 2, host: "node2", exitCode: 2, signal: null },
      { task: 3, host: "node2", exitCode: 2, signal: null },
      { task: 5, host: "node2", exitCode: 2, signal: null },
      { task: 0, host: "node1", exitCode: null, signal: "SIGKILL" },
      { task: 4, host: "node1", exitCode: null, signal: "SIGSEGV" },
    ]);
  });

  it("ranges of numbers are read with steps", () => {
    expect(numbersOf("0-8:4,10")).toEqual([0, 4, 8, 10]);
    expect(numbersOf("x")).toEqual([]);
  });
});

describe("commands", () => {
  it("an array's tasks are signalled as batch scripts, a job's steps by themselves", () => {
    expect(SLURM.signal?.("7", "SIGINT", "array").argv).toEqual(["scancel", "--signal=INT", "--batch", "7"]);
    expect(SLURM.signal?.("7", "SIGINT", "tasks").argv).toEqual(["scancel", "--signal=INT", "7"]);
  });
});
