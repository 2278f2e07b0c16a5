// Slurm: `sbatch`, `scancel`, `scontrol show job`. One job whose tasks `srun` starts, or a job array.

import type { BatchJobRequest, BatchRole, BatchSystem, CommandOutput, JobListing, TaskEnd, TaskStatus } from "./batch-system.ts";
import { WHOLE_JOB } from "./batch-system.ts";
import { hoursMinutesSeconds } from "./time-limit.ts";

const HEAD = `#!/bin/sh
#SBATCH --export=ALL
#SBATCH --no-requeue
`;
const PLACE = `export IPP_PROFILE_DIR={profile_dir} IPP_CLUSTER_ID={cluster_id}
`;
const CONTROLLER = `${HEAD}
# The controller of a cluster; engines and clients find it by the files that it writes into the profile.
${PLACE}exec {program_and_args}
`;
const TASKS = `${HEAD}
# Engines of a cluster, one for each task. They find their controller by IPP_CONNECTION_INFO, which \`ipcluster\` puts into
# the environment that it submits this script with; without it, by the connection file in the profile.
${PLACE}exec srun --kill-on-bad-exit=0 --wait=0 --output={task_output_file} {program_and_args}
`;
const ARRAY = `${HEAD}
# Engines of a cluster, one for each task of the array. They find their controller by IPP_CONNECTION_INFO, which
# \`ipcluster\` puts into the environment that it submits this script with; without it, by the connection file in the profile.
${PLACE}exec {program_and_args}
`;
const PROGRAM = `${HEAD}
# Controller, engines and a program inside one allocation: it ends with the program, and with its exit status.
exec {program_and_args}
`;

const TEMPLATES: Readonly<Record<BatchRole, string>> = { controller: CONTROLLER, engines: TASKS, program: PROGRAM };

function outputPattern({ outputBase, role, shape }: Pick<BatchJobRequest, "outputBase" | "role" | "shape">): string {
  // A percent sign begins one of Slurm's own marks.
  const base = outputBase.replaceAll("%", "%%");
  if (role === "program") return `${base}-%j.log`;
  return role === "engines" && shape === "array" ? `${base}-%a.log` : `${base}.log`;
}

/** How Slurm calls states in which a job uses its nodes. COMPLETING: processes are being ended still. */
const RUNNING = new Set(["RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT", "SIGNALING", "STOPPED", "SUSPENDED", "RESIZING"]);
const PENDING = new Set(["PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"]);

/** Reasons that waiting does not cure. */
const HOPELESS = /^(?:PartitionNodeLimit|PartitionTimeLimit|PartitionConfig|BadConstraints|DependencyNeverSatisfied|InvalidAccount|InvalidQOS)$/;

function field(line: string, name: string): string {
  const value = new RegExp(`(?:^| )${name}=(\\S*)`).exec(line)?.[1] ?? "";
  return value === "(null)" || value === "None" ? "" : value;
}

function readTask(line: string): TaskStatus {
  const state = field(line, "JobState");
  const reason = field(line, "Reason");
  if (PENDING.has(state)) return { phase: "pending", reason: reason === "" ? "not looked at yet" : reason, isHopeless: HOPELESS.test(reason) };
  const host = field(line, "NodeList");
  if (RUNNING.has(state)) return { phase: "running", host };
  const [code = "", signal = ""] = field(line, "ExitCode").split(":");
  const isOwnDoing = state === "COMPLETED" || state === "FAILED";
  return {
    phase: "ended",
    // What Slurm itself ended has its word for it, and a status that says nothing.
    exitCode: !isOwnDoing || Number(signal) > 0 || code === "" ? null : Number(code),
    signal: Number(signal) > 0 ? `signal ${signal}` : null,
    host,
    reason: isOwnDoing ? "" : state,
  };
}

/** Numbers of `0-2,5`, with `%4` (how many at once) behind it. */
export function numbersOf(range: string): number[] {
  return range
    .replace(/%\d+$/, "")
    .split(",")
    .flatMap((part) => {
      const match = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part);
      if (match === null) return [];
      const [first, last, step] = [Number(match[1]), Number(match[2] ?? match[1]), Number(match[3] ?? 1)];
      return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
    });
}

function readListing(output: CommandOutput): JobListing | undefined {
  if (/Invalid job id/.test(output.stderr)) return new Map();
  if (output.exitCode !== 0) return undefined;
  const tasks = new Map<number, TaskStatus>();
  for (const line of output.stdout.split("\n").filter((one) => one.startsWith("JobId="))) {
    const range = field(line, "ArrayTaskId");
    for (const task of range === "" ? [WHOLE_JOB] : numbersOf(range)) tasks.set(task, readTask(line));
  }
  return tasks;
}

/** `srun: error: node2: tasks 1-2: Exited with exit code 2`, `… task 0: Killed`. */
const TASK_END = /^srun: error: (\S+?): tasks? ([\d,-]+): (?:Exited with exit code (\d+)|(\w[\w ]*?)(?: \(core dumped\))?)$/gm;
const SIGNAL_WORDS = new Map([
  ["Killed", "SIGKILL"],
  ["Terminated", "SIGTERM"],
  ["Aborted", "SIGABRT"],
  ["Segmentation fault", "SIGSEGV"],
  ["Interrupt", "SIGINT"],
  ["Out Of Memory", "SIGKILL"],
]);

/** Ends of single tasks, as srun tells of them. */
export function readTaskEnds(jobOutput: string): TaskEnd[] {
  return [...jobOutput.matchAll(TASK_END)].flatMap(([, host = "", range = "", code, word]) =>
    numbersOf(range).map((task): TaskEnd => {
      const exitCode = code === undefined ? null : Number(code);
      return { task, host, exitCode, signal: word === undefined ? null : (SIGNAL_WORDS.get(word) ?? word) };
    }),
  );
}

/** Slurm. */
export const SLURM: BatchSystem = {
  name: "slurm",
  title: "Slurm",
  shapes: ["tasks", "array"],
  showsEnvironment: false,
  firstTask: 0,
  scriptSuffix: "sbatch",
  template: (role, shape) => (role === "engines" && shape === "array" ? ARRAY : TEMPLATES[role]),
  directives(request) {
    const { options, n, role, shape, jobName } = request;
    const isArray = role === "engines" && shape === "array";
    return [
      { variable: "job_name", lines: [`#SBATCH --job-name=${jobName}`] },
      { variable: "n", lines: [isArray ? `#SBATCH --array=0-${n - 1}` : `#SBATCH --ntasks=${role === "controller" ? 1 : n}`] },
      { variable: "queue", lines: options.queue === undefined ? [] : [`#SBATCH --partition=${options.queue}`] },
      { variable: "account", lines: options.account === undefined ? [] : [`#SBATCH --account=${options.account}`] },
      { variable: "time_limit", lines: options.timeLimitS === undefined ? [] : [`#SBATCH --time=${this.timeLimit(options.timeLimitS)}`] },
      { variable: "output_file", lines: [`#SBATCH --output=${outputPattern(request)}`] },
    ];
  },
  timeLimit: hoursMinutesSeconds,
  outputPattern,
  taskNumber: (shape) => (shape === "array" ? '"$SLURM_ARRAY_TASK_ID"' : '"$SLURM_PROCID"'),
  innerLauncher: "srun",
  jobIdVariable: "SLURM_JOB_ID",
  submit: (scriptPath) => ({ argv: ["sbatch", "--parsable", scriptPath] }),
  readJobId: (output) => /^(\d+)(?:;\S+)?$/m.exec(output.stdout)?.[1],
  cancel: (jobId) => ({ argv: ["scancel", jobId] }),
  status: { command: (jobId) => ({ argv: ["scontrol", "--oneliner", "show", "job", jobId] }), read: readListing },
  // An array's tasks are batch scripts themselves, which are left out unless asked for.
  signal: (jobId, signal, shape) => ({ argv: ["scancel", `--signal=${signal.slice(3)}`, ...(shape === "array" ? ["--batch"] : []), jobId] }),
  readTaskEnds,
};
