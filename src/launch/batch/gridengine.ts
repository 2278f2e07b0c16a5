// Grid Engine (Sun's, and its descendants): `qsub`, `qdel`, `qstat -xml`, and `qacct` for what has ended. Engines are the
// tasks of a job array. `qstat -j` shows a job's environment to every user, so keys do not travel in it.

import { ConfigError } from "../../base/index.ts";
import type { BatchJobRequest, BatchRole, BatchSystem, CommandOutput, JobListing, TaskStatus } from "./batch-system.ts";
import { WHOLE_JOB } from "./batch-system.ts";
import { signalName } from "./signal-name.ts";
import { hoursMinutesSeconds } from "./time-limit.ts";

const HEAD = `#!/bin/sh
#$ -S /bin/sh
#$ -cwd
#$ -V
#$ -j y
`;
const PLACE = `export IPP_PROFILE_DIR={profile_dir} IPP_CLUSTER_ID={cluster_id}
exec {program_and_args}
`;
const CONTROLLER = `${HEAD}
# The controller of a cluster; engines and clients find it by the files that it writes into the profile.
${PLACE}`;
const ENGINES = `${HEAD}
# Engines of a cluster, one for each task of the array. They find their controller by the connection file in the profile.
${PLACE}`;

const PROGRAM = `${HEAD}
# Controller, engines and a program inside one job: it ends with the program, and with its exit status. The engines are started by mpiexec.
exec {program_and_args}
`;

function outputPattern({ outputBase, role }: Pick<BatchJobRequest, "outputBase" | "role">): string {
  if (role === "program") return `${outputBase}-$JOB_ID.log`;
  return role === "engines" ? `${outputBase}-$TASK_ID.log` : `${outputBase}.log`;
}

const JOB = /<job_list\b[^>]*>([\s\S]*?)<\/job_list>/g;

function element(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
}

/** What the letters of a state mean for a job that waits. */
function reasonOf(state: string): string {
  if (state.includes("E")) return "error state";
  if (state.includes("h")) return "held";
  if (state.includes("t")) return "on its way to a host";
  return "waiting in the queue";
}

function readTask(xml: string): TaskStatus {
  const state = element(xml, "state");
  // A task that is being deleted or is suspended is there still; one on its way to a host (t) has not begun.
  if (/[rRsST]/.test(state) && !state.includes("w")) return { phase: "running", host: element(xml, "queue_name").replace(/^.*@/, "") };
  return { phase: "pending", reason: reasonOf(state), isHopeless: state.includes("E") };
}

function readListing(output: CommandOutput, jobId: string): JobListing | undefined {
  if (output.exitCode !== 0 || !output.stdout.includes("</job_info>")) return undefined;
  const tasks = new Map<number, TaskStatus>();
  for (const [, xml = ""] of output.stdout.matchAll(JOB)) {
    if (element(xml, "JB_job_number") !== jobId) continue;
    const number = element(xml, "tasks");
    tasks.set(number === "" ? WHOLE_JOB : Number(number), readTask(xml));
  }
  return tasks;
}

function field(record: string, name: string): string {
  return new RegExp(`^${name} +(.*?) *$`, "m").exec(record)?.[1] ?? "";
}

/** Of `failed`: the program was ended by a signal, which is no failure of the system's. */
const ENDED_BY_SIGNAL = "100";
/** An exit status above this is this and the signal's number. */
const SIGNAL_BASE = 128;

function readRecord(record: string): TaskStatus {
  const [code = "0", why = ""] = field(record, "failed").split(/ *: */);
  const status = Number.parseInt(field(record, "exit_status"), 10);
  const host = field(record, "hostname");
  if (code !== "0" && code !== ENDED_BY_SIGNAL) return { phase: "ended", exitCode: null, signal: null, host, reason: why };
  const signal = code === ENDED_BY_SIGNAL && status > SIGNAL_BASE ? (signalName(status - SIGNAL_BASE) ?? `signal ${status - SIGNAL_BASE}`) : null;
  return { phase: "ended", exitCode: signal === null ? status : null, signal, host, reason: "" };
}

function readHistory(output: CommandOutput): JobListing | undefined {
  // Accounting is written with a delay, and not everywhere.
  if (output.exitCode !== 0) return undefined;
  const records = output.stdout.split(/^=+$/m).filter((record) => record.trim() !== "");
  return new Map(
    records.map((record) => {
      const task = field(record, "taskid");
      return [task === "undefined" || task === "" ? WHOLE_JOB : Number(task), readRecord(record)];
    }),
  );
}

/** The first thing that `qstat -j` says about why a job does not run. */
function readReason({ stdout }: CommandOutput): string {
  const error = /^error reason +\S+ +(?:\S+ \S+ \[[^\]]*\]: )?(?:error: )?(.*?) *$/m.exec(stdout)?.[1];
  const info = /^scheduling info: +(.*?) *$/m.exec(stdout)?.[1] ?? "";
  return error ?? (info === "There are no messages available" ? "" : info);
}

const TEMPLATES: Readonly<Record<BatchRole, string>> = { controller: CONTROLLER, engines: ENGINES, program: PROGRAM };

/** One job gets several slots by a parallel environment only, and what these are called is each site's own matter. */
function refuseWithoutPlaces({ role, n, options }: BatchJobRequest): void {
  if (role !== "program" || n === 1 || options.extraLines.some((line) => /^#\$ +-pe /.test(line))) return;
  throw new ConfigError(
    `for ${n} engines in one job Grid Engine needs the name of a parallel environment (qconf -spl shows them): --batch-line='#$ -pe NAME ${n}'`,
  );
}

/** Grid Engine. */
export const GRID_ENGINE: BatchSystem = {
  name: "sge",
  title: "Grid Engine",
  shapes: ["array"],
  showsEnvironment: true,
  firstTask: 1,
  scriptSuffix: "sge",
  template: (role) => TEMPLATES[role],
  directives(request) {
    const { options, n, role, jobName } = request;
    refuseWithoutPlaces(request);
    return [
      { variable: "job_name", lines: [`#$ -N ${jobName}`] },
      { variable: "n", lines: role === "engines" ? [`#$ -t 1-${n}`] : [] },
      { variable: "queue", lines: options.queue === undefined ? [] : [`#$ -q ${options.queue}`] },
      { variable: "account", lines: options.account === undefined ? [] : [`#$ -A ${options.account}`] },
      { variable: "time_limit", lines: options.timeLimitS === undefined ? [] : [`#$ -l h_rt=${this.timeLimit(options.timeLimitS)}`] },
      { variable: "output_file", lines: [`#$ -o ${outputPattern(request)}`] },
    ];
  },
  timeLimit: hoursMinutesSeconds,
  outputPattern,
  taskNumber: () => '"$SGE_TASK_ID"',
  innerLauncher: "mpi",
  jobIdVariable: "JOB_ID",
  submit: (scriptPath) => ({ argv: ["qsub", "-terse", scriptPath] }),
  readJobId: (output) => /^(\d+)(?:\.\d+-\d+:\d+)?$/m.exec(output.stdout)?.[1],
  cancel: (jobId) => ({ argv: ["qdel", jobId] }),
  status: { command: () => ({ argv: ["qstat", "-xml", "-g", "d"] }), read: readListing },
  history: { command: (jobId) => ({ argv: ["qacct", "-j", jobId] }), read: readHistory },
  reason: { command: (jobId) => ({ argv: ["qstat", "-j", jobId] }), read: readReason },
};
