// LSF: `bsub` with the script as its input, `bkill`, `bjobs -o`. Engines are the elements of a job array.

import type { BatchJobRequest, BatchRole, BatchSystem, CommandOutput, JobListing, TaskStatus } from "./batch-system.ts";
import { WHOLE_JOB } from "./batch-system.ts";
import { signalName } from "./signal-name.ts";
import { hoursMinutes } from "./time-limit.ts";

const PLACE = `export IPP_PROFILE_DIR={profile_dir} IPP_CLUSTER_ID={cluster_id}
exec {program_and_args}
`;
const CONTROLLER = `#!/bin/sh
#BSUB -rn

# The controller of a cluster; engines and clients find it by the files that it writes into the profile.
${PLACE}`;
const ENGINES = `#!/bin/sh
#BSUB -rn

# Engines of a cluster, one for each element of the array. They find their controller by IPP_CONNECTION_INFO, which
# \`ipcluster\` puts into the environment that it submits this script with; without it, by the connection file in the profile.
${PLACE}`;

const PROGRAM = `#!/bin/sh
#BSUB -rn

# Controller, engines and a program inside one job: it ends with the program, and with its exit status. The engines are started by mpiexec.
exec {program_and_args}
`;

const TEMPLATES: Readonly<Record<BatchRole, string>> = { controller: CONTROLLER, engines: ENGINES, program: PROGRAM };

function outputPattern({ outputBase, role }: Pick<BatchJobRequest, "outputBase" | "role">): string {
  // A percent sign begins one of LSF's own marks.
  const base = outputBase.replaceAll("%", "%%");
  if (role === "program") return `${base}-%J.log`;
  return role === "engines" ? `${base}-%I.log` : `${base}.log`;
}

const FIELDS = "jobid jobindex stat exit_code exec_host pend_reason exit_reason delimiter='|'";
const PENDING = new Set(["PEND", "PSUSP", "WAIT"]);
const ENDED = new Set(["DONE", "EXIT"]);
const SIGNAL_BASE = 128;

const known = (text: string | undefined): string => (text === undefined || text === "-" ? "" : text);

function readTask([stat = "", code, hosts, pending, exitReason]: readonly string[]): TaskStatus {
  const host = known(hosts)
    .replace(/:.*$/, "")
    .replace(/^\d+\*/, "");
  if (PENDING.has(stat)) return { phase: "pending", reason: known(pending) || (stat === "PSUSP" ? "suspended by its owner or an administrator" : "queued") };
  if (!ENDED.has(stat)) return { phase: "running", host };
  const status = stat === "DONE" ? 0 : known(code) === "" ? null : Number(code);
  const signal = status !== null && status > SIGNAL_BASE ? (signalName(status - SIGNAL_BASE) ?? null) : null;
  return { phase: "ended", exitCode: signal === null ? status : null, signal, host, reason: known(exitReason) };
}

function readListing(output: CommandOutput, jobId: string): JobListing | undefined {
  if (/is not found/.test(output.stderr)) return new Map();
  if (output.exitCode !== 0) return undefined;
  const tasks = new Map<number, TaskStatus>();
  for (const line of output.stdout.split("\n")) {
    const [id = "", index = "", ...facts] = line.split("|").map((field) => field.trim());
    if (id === jobId) tasks.set(Number(index) === 0 ? WHOLE_JOB : Number(index), readTask(facts));
  }
  return tasks;
}

/** LSF. */
export const LSF: BatchSystem = {
  name: "lsf",
  title: "LSF",
  shapes: ["array"],
  showsEnvironment: false,
  firstTask: 1,
  scriptSuffix: "lsf",
  template: (role) => TEMPLATES[role],
  directives(request) {
    const { options, n, role, jobName } = request;
    const name = role === "engines" ? `${jobName}[1-${n}]` : jobName;
    return [
      // Name and array are one directive.
      { variable: "n", lines: [`#BSUB -J "${name}"`, ...(role === "program" ? [`#BSUB -n ${n}`] : [])] },
      { variable: "queue", lines: options.queue === undefined ? [] : [`#BSUB -q ${options.queue}`] },
      { variable: "account", lines: options.account === undefined ? [] : [`#BSUB -P ${options.account}`] },
      { variable: "time_limit", lines: options.timeLimitS === undefined ? [] : [`#BSUB -W ${this.timeLimit(options.timeLimitS)}`] },
      { variable: "output_file", lines: [`#BSUB -o ${outputPattern(request)}`] },
    ];
  },
  timeLimit: hoursMinutes,
  outputPattern,
  taskNumber: () => '"$LSB_JOBINDEX"',
  // Output goes to the files while the job runs, not at its end.
  submitEnvironment: { LSB_STDOUT_DIRECT: "Y" },
  innerLauncher: "mpi",
  jobIdVariable: "LSB_JOBID",
  submit: (_scriptPath, script) => ({ argv: ["bsub"], stdin: script }),
  readJobId: (output) => /^Job <(\d+)>/m.exec(output.stdout)?.[1],
  cancel: (jobId) => ({ argv: ["bkill", jobId] }),
  status: { command: (jobId) => ({ argv: ["bjobs", "-a", "-noheader", "-o", FIELDS, jobId] }), read: readListing },
  signal: (jobId, signal) => ({ argv: ["bkill", "-s", signal.slice(3), jobId] }),
};
