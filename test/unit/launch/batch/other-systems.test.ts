// PBS, LSF, HTCondor and Windows HPC: scripts, and answers in the form that their documents show.

import { describe, expect, it } from "vitest";
import { WHOLE_JOB, type BatchJobRequest } from "../../../../src/launch/batch/batch-system.ts";
import { HTCONDOR } from "../../../../src/launch/batch/htcondor.ts";
import { LSF } from "../../../../src/launch/batch/lsf.ts";
import { PBS } from "../../../../src/launch/batch/pbs.ts";
import { renderScript } from "../../../../src/launch/batch/script.ts";
import { WINDOWS_HPC } from "../../../../src/launch/batch/winhpc.ts";

const said = (stdout: string, stderr = "", exitCode = 0): { stdout: string; stderr: string; exitCode: number } => ({ stdout, stderr, exitCode });

const JOB: BatchJobRequest = {
  role: "engines",
  n: 2,
  shape: "array",
  jobName: "ipengine",
  profileDir: "/home/me/p",
  clusterId: "",
  outputBase: "/home/me/p/log/ipengine-1",
  program: ["node", "ipengine.js", "-c", 'it\'s "here"'],
  identPrefix: "00112233-445566778899aabb",
  options: { queue: "q1", account: "physics", timeLimitS: 5400, extraLines: [], template: undefined, scheduler: undefined },
};

describe("PBS", () => {
  it("has an array from two engines on", () => {
    expect(renderScript(PBS, JOB)).toContain(
      "#!/bin/sh\n#PBS -N ipengine\n#PBS -J 1-2\n#PBS -q q1\n#PBS -A physics\n#PBS -l walltime=01:30:00\n#PBS -o /home/me/p/log/ipengine-1-^array_index^.log\n#PBS -S /bin/sh\n",
    );
    const one = renderScript(PBS, { ...JOB, n: 1 });
    expect(one).not.toContain("#PBS -J");
    expect(one).toContain("#PBS -o /home/me/p/log/ipengine-1-1.log\n");
  });

  it("has one job with a place for each engine for a program, whose output it names after the job", () => {
    const script = renderScript(PBS, { ...JOB, role: "program", shape: "tasks", jobName: "a", outputBase: "/w/a", identPrefix: undefined, wrapped: ["a.ts"] });
    expect(script).toContain("#PBS -l select=2\n");
    expect(script).toContain('exec >/w/a-"$PBS_JOBID".log 2>&1\n');
    expect(script).toContain(`--cluster-id=job-"$PBS_JOBID" -- a.ts\n`);
  });

  it("tells ids, states, reasons and ends", () => {
    expect(PBS.readJobId(said("12[].server.example\n"))).toBe("12[].server.example");
    expect(PBS.readJobId(said("13.server\n"))).toBe("13.server");
    const text = `Job Id: 12[].s
    job_state = B

Job Id: 12[1].s
    job_state = R
    exec_host = node7/0*2

Job Id: 12[2].s
    job_state = Q
    comment = Not Running: Insufficient amount of resource:
\t ncpus (R: 1 A: 0 T: 0)

Job Id: 12[3].s
    job_state = F
    Exit_status = 265

Job Id: 12[4].s
    job_state = F
    Exit_status = 2

Job Id: 12[5].s
    job_state = F
    Exit_status = -3
`;
    expect([...(PBS.status.read(said(text), "12[].s") ?? [])]).toEqual([
      [1, { phase: "running", host: "node7" }],
      [2, { phase: "pending", reason: "Insufficient amount of resource: ncpus (R: 1 A: 0 T: 0)" }],
      [3, { phase: "ended", exitCode: null, signal: "SIGKILL", host: "", reason: "" }],
      [4, { phase: "ended", exitCode: 2, signal: null, host: "", reason: "" }],
      [5, { phase: "ended", exitCode: null, signal: null, host: "", reason: "PBS exit status -3" }],
    ]);
    const single = PBS.status.read(said("Job Id: 13.s\n    job_state = H\n"), "13.s");
    expect(single?.get(WHOLE_JOB)).toEqual({ phase: "pending", reason: "held" });
    expect(PBS.status.read(said("", "qstat: Unknown Job Id 12[].s\n", 153), "12[].s")).toEqual(new Map());
    expect(PBS.status.read(said("", "Connection refused\n", 1), "12[].s")).toBeUndefined();
  });
});

describe("LSF", () => {
  it("has name and array in one directive, and minutes without seconds", () => {
    expect(renderScript(LSF, JOB)).toContain(
      '#!/bin/sh\n#BSUB -J "ipengine[1-2]"\n#BSUB -q q1\n#BSUB -P physics\n#BSUB -W 1:30\n#BSUB -o /home/me/p/log/ipengine-1-%I.log\n',
    );
  });

  it("tells ids, states, reasons and ends", () => {
    expect(LSF.readJobId(said("Job <12> is submitted to default queue <normal>.\n"))).toBe("12");
    const rows = [
      "12|1|RUN|-|4*node7:node8|-|-",
      "12|2|PEND|-|-|New job is waiting for scheduling;|-",
      "12|3|EXIT|137|node7|-|TERM_RUNLIMIT: job killed",
      "12|4|EXIT|3|node7|-|-",
      "12|5|DONE|-|node7|-|-",
    ];
    expect([...(LSF.status.read(said(`${rows.join("\n")}\n`), "12") ?? [])]).toEqual([
      [1, { phase: "running", host: "node7" }],
      [2, { phase: "pending", reason: "New job is waiting for scheduling;" }],
      [3, { phase: "ended", exitCode: null, signal: "SIGKILL", host: "node7", reason: "TERM_RUNLIMIT: job killed" }],
      [4, { phase: "ended", exitCode: 3, signal: null, host: "node7", reason: "" }],
      [5, { phase: "ended", exitCode: 0, signal: null, host: "node7", reason: "" }],
    ]);
    expect(LSF.status.read(said("", "Job <99> is not found\n", 255), "99")).toEqual(new Map());
  });
});

describe("HTCondor", () => {
  const job = { ...JOB, options: { ...JOB.options, queue: undefined } };

  it("has the command in one argument, quoted for its own syntax, without what it would take for a macro", () => {
    const text = renderScript(HTCONDOR, job);
    expect(text).toContain("allowed_job_duration = 5400\n");
    expect(text).toContain(
      `arguments = "-c 'exec node ipengine.js -c ''it''\\''''s ""here""'' --ident=00112233-445566778899aabb""\`printf %08d ""$1""\`"" 2>&1' sh $(ProcId)"\nqueue 2\n`,
    );
    expect(() => renderScript(HTCONDOR, JOB)).toThrow(/HTCondor has no queues; choose machines by a line/);
  });

  it("tells ids, states, reasons and ends", () => {
    expect(HTCONDOR.readJobId(said("12.0 - 12.3\n"))).toBe("12");
    expect([
      ...(HTCONDOR.status.read(said("1\t2\tslot1@node7\tundefined\n2\t1\tundefined\tundefined\n3\t5\tundefined\tError: cannot write\n"), "12") ?? []),
    ]).toEqual([
      [1, { phase: "running", host: "node7" }],
      [2, { phase: "pending", reason: "idle: no machine has taken it yet" }],
      [3, { phase: "pending", reason: "held: Error: cannot write", isHopeless: true }],
    ]);
    const past =
      "1\t4\tslot1@node7\t2\tfalse\tundefined\tundefined\n2\t4\tslot1@node7\tundefined\ttrue\t9\tundefined\n3\t3\tundefined\tundefined\tundefined\tundefined\tvia condor_rm\n";
    expect([...(HTCONDOR.history?.read(said(past), "12") ?? [])]).toEqual([
      [1, { phase: "ended", exitCode: 2, signal: null, host: "node7", reason: "" }],
      [2, { phase: "ended", exitCode: null, signal: "signal 9", host: "node7", reason: "" }],
      [3, { phase: "ended", exitCode: null, signal: null, host: "", reason: "via condor_rm" }],
    ]);
  });
});

describe("Windows HPC", () => {
  it("has a task with its own command line for each engine, and UNC paths as they are", () => {
    const xml = renderScript(WINDOWS_HPC, {
      ...JOB,
      shape: "tasks",
      profileDir: "\\\\server\\share\\my profile",
      outputBase: "\\\\server\\share\\my profile\\log\\ipengine-1",
      program: ["C:\\Program Files\\node.exe", "a&b"],
    });
    expect(xml).toContain('<Job xmlns="http://schemas.microsoft.com/HPCS2008/scheduler/" Version="2.000" Name="ipengine"');
    expect(xml).toContain('Project="physics" JobTemplate="q1" RuntimeSeconds="5400">');
    expect(xml.match(/<Task /g)).toHaveLength(2);
    expect(xml).toContain(
      'CommandLine="&quot;C:\\Program Files\\node.exe&quot; a&amp;b --ident=00112233-445566778899aabb00000001" WorkDirectory="\\\\server\\share\\my profile"',
    );
    expect(xml).toContain("<Variable><Name>IPP_PROFILE_DIR</Name><Value>\\\\server\\share\\my profile</Value></Variable>");
  });

  it("tells ids, states, reasons and ends, and is asked at the head node", () => {
    expect(WINDOWS_HPC.readJobId(said("Job has been submitted. ID: 12.\n"))).toBe("12");
    const read = (state: string, more = ""): unknown =>
      WINDOWS_HPC.status.read(said(`Job ID                          : 12\nState                           : ${state}\n${more}`), "12")?.get(WHOLE_JOB);
    expect(read("Queued", "Pending Reason                  : Not enough resources\n")).toEqual({ phase: "pending", reason: "Not enough resources" });
    expect(read("Running")).toEqual({ phase: "running", host: "" });
    expect(read("Canceled")).toEqual({ phase: "ended", exitCode: null, signal: null, host: "", reason: "canceled" });
    expect(read("Finished")).toEqual({ phase: "ended", exitCode: 0, signal: null, host: "", reason: "" });
    const options = { ...JOB.options, scheduler: "HEAD" };
    expect(WINDOWS_HPC.submit("\\\\s\\p\\ipengineset_job.xml", "", options).argv).toEqual([
      "job",
      "submit",
      "/jobfile:\\\\s\\p\\ipengineset_job.xml",
      "/scheduler:HEAD",
    ]);
    expect(WINDOWS_HPC.cancel("12", options).argv).toEqual(["job", "cancel", "12", "/scheduler:HEAD"]);
  });
});
