// PBS (OpenPBS and PBS Professional): `qsub`, `qdel`, `qsig`, `qstat -f`. Engines are the subjobs of a job array. `qstat -f` shows a
// job's environment to other users, so keys do not travel in it.

import type { BatchJobRequest, BatchRole, BatchSystem, CommandOutput, JobListing, TaskStatus } from "./batch-system.ts";
import { WHOLE_JOB } from "./batch-system.ts";
import { signalName } from "./signal-name.ts";
import { hoursMinutesSeconds } from "./time-limit.ts";

const HEAD = `#!/bin/sh
#PBS -S /bin/sh
#PBS -V
#PBS -j oe
`;
const PLACE = `cd "$PBS_O_WORKDIR" || exit
export IPP_PROFILE_DIR={profile_dir} IPP_CLUSTER_ID={cluster_id}
exec {program_and_args}
`;
const CONTROLLER = `${HEAD}
# The controller of a cluster; engines and clients find it by the files that it writes into the profile.
${PLACE}`;
const ENGINES = `${HEAD}
# Engines of a cluster, one for each subjob. They find their controller by the connection file in the profile.
${PLACE}`;

const PROGRAM = `${HEAD}#PBS -o /dev/null

# Controller, engines and a program inside one job: it ends with the program, and with its exit status. The engines are started by mpiexec.
cd "$PBS_O_WORKDIR" || exit
exec >{output_file} 2>&1
exec {program_and_args}
`;

/** An array of one is none: PBS wants two at least. */
const isArray = ({ role, n }: Pick<BatchJobRequest, "role" | "n">): boolean => role === "engines" && n > 1;

function outputPattern(request: Pick<BatchJobRequest, "outputBase" | "role" | "n">): string {
  if (request.role === "controller") return `${request.outputBase}.log`;
  // A word of the script: PBS has no mark for a job's id.
  if (request.role === "program") return `${request.outputBase}-"$PBS_JOBID".log`;
  return isArray(request) ? `${request.outputBase}-^array_index^.log` : `${request.outputBase}-1.log`;
}

const TEMPLATES: Readonly<Record<BatchRole, string>> = { controller: CONTROLLER, engines: ENGINES, program: PROGRAM };

/** Attributes of one job out of `qstat -f`; long values go on in lines that begin with a tab. */
function attribute(record: string, name: string): string {
  return new RegExp(`^ *${name} = (.*)$`, "im").exec(record)?.[1]?.trim() ?? "";
}

const PENDING = /^[QHWTM]$/;
const ENDED = /^[FXC]$/;
/** An exit status above this is this and a signal's number. */
const SIGNAL_BASE = 256;

function readTask(record: string): TaskStatus {
  const state = attribute(record, "job_state");
  const host = attribute(record, "exec_host").split("/")[0] ?? "";
  if (PENDING.test(state)) return { phase: "pending", reason: attribute(record, "comment").replace(/^Not Running: /, "") || pendingWord(state) };
  if (!ENDED.test(state)) return { phase: "running", host };
  const text = attribute(record, "Exit_status");
  const status = text === "" ? null : Number(text);
  if (status !== null && status < 0) return { phase: "ended", exitCode: null, signal: null, host, reason: `PBS exit status ${status}` };
  const signal = status !== null && status > SIGNAL_BASE ? (signalName(status - SIGNAL_BASE) ?? `signal ${status - SIGNAL_BASE}`) : null;
  return { phase: "ended", exitCode: signal === null ? status : null, signal, host, reason: "" };
}

function pendingWord(state: string): string {
  return state === "H" ? "held" : state === "W" ? "waiting for its start time" : "queued";
}

function readListing(output: CommandOutput): JobListing | undefined {
  if (/Unknown Job Id|has finished/i.test(output.stderr)) return new Map();
  if (output.exitCode !== 0) return undefined;
  const tasks = new Map<number, TaskStatus>();
  for (const record of output.stdout.replaceAll(/\n\t/g, "").split(/^(?=Job Id: )/m)) {
    const id = /^Job Id: *\d+(?:\[(\d*)\])?/.exec(record);
    if (id === null || id[1] === "") continue; // what stands before, or the array itself
    const status = readTask(record);
    if (id[1] !== undefined) tasks.set(Number(id[1]), status);
    // A single job is also an array of one.
    else tasks.set(WHOLE_JOB, status).set(1, status);
  }
  return tasks;
}

/** PBS. */
export const PBS: BatchSystem = {
  name: "pbs",
  title: "PBS",
  shapes: ["array"],
  showsEnvironment: true,
  firstTask: 1,
  scriptSuffix: "pbs",
  template: (role) => TEMPLATES[role],
  directives(request) {
    const { options, n, role, jobName } = request;
    const places = role === "program" ? [`#PBS -l select=${n}`] : isArray(request) ? [`#PBS -J 1-${n}`] : [];
    return [
      { variable: "job_name", lines: [`#PBS -N ${jobName}`] },
      { variable: "n", lines: places },
      { variable: "queue", lines: options.queue === undefined ? [] : [`#PBS -q ${options.queue}`] },
      { variable: "account", lines: options.account === undefined ? [] : [`#PBS -A ${options.account}`] },
      { variable: "time_limit", lines: options.timeLimitS === undefined ? [] : [`#PBS -l walltime=${this.timeLimit(options.timeLimitS)}`] },
      { variable: "output_file", lines: [`#PBS -o ${outputPattern(request)}`] },
    ];
  },
  timeLimit: hoursMinutesSeconds,
  outputPattern,
  // Torque, which templates of one's own may be for, has another name for it.
  taskNumber: () => '"${PBS_ARRAY_INDEX:-${PBS_ARRAYID:-1}}"',
  innerLauncher: "mpi",
  jobIdVariable: "PBS_JOBID",
  submit: (scriptPath) => ({ argv: ["qsub", scriptPath] }),
  readJobId: (output) => /^(\d+(?:\[\])?(?:\.\S+)?)$/m.exec(output.stdout)?.[1],
  cancel: (jobId) => ({ argv: ["qdel", jobId] }),
  status: { command: (jobId) => ({ argv: ["qstat", "-f", "-t", jobId] }), read: readListing },
  history: { command: (jobId) => ({ argv: ["qstat", "-x", "-f", "-t", jobId] }), read: readListing },
  signal: (jobId, signal) => ({ argv: ["qsig", "-s", signal, jobId] }),
};
