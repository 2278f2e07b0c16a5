// HTCondor: `condor_submit`, `condor_rm`, `condor_q`, and `condor_history` for what has ended. Engines are the processes of one
// cluster of jobs. `condor_q -l` shows a job's environment to every user, so keys do not travel in it.

import type { BatchJobRequest, BatchRole, BatchSystem, CommandOutput, JobListing, TaskStatus } from "./batch-system.ts";
import { WHOLE_JOB } from "./batch-system.ts";
import { ConfigError } from "../../base/index.ts";

const COMMON = `universe = vanilla
executable = /bin/sh
transfer_executable = false
should_transfer_files = IF_NEEDED
when_to_transfer_output = ON_EXIT
getenv = true
`;
const CONTROLLER = `# The controller of a cluster; engines and clients find it by the files that it writes into the profile.
${COMMON}arguments = {program_and_args}
queue
`;
const ENGINES = `# Engines of a cluster, one for each process. They find their controller by the connection file in the profile.
${COMMON}arguments = {program_and_args}
queue {n}
`;

function outputPattern({ outputBase, role }: Pick<BatchJobRequest, "outputBase" | "role">): string {
  return role === "engines" ? `${outputBase}-$(ProcId).log` : `${outputBase}.log`;
}

/**
 * A shell command as `arguments`: all of it in double quotes, the command in single ones, both doubled inside. `$(` begins a macro
 * there, so what a shell would run in its place goes into backticks.
 */
function quote(command: string): string {
  const plain = command
    .replaceAll(/\$\((printf [^()]*)\)/g, "`$1`")
    .replaceAll("'", "''")
    .replaceAll('"', '""');
  return `"-c 'exec ${plain} 2>&1' sh $(ProcId)"`;
}

const IDLE = "1";
const HELD = "5";
const ENDED = new Set(["3", "4"]);

const known = (text: string | undefined): string => (text === undefined || text === "undefined" ? "" : text);

function hostOf(slot: string | undefined): string {
  return known(slot).replace(/^[^@]*@/, "");
}

function readTask([state = "", host, hold]: readonly string[]): TaskStatus {
  if (state === IDLE) return { phase: "pending", reason: "idle: no machine has taken it yet" };
  if (state === HELD) return { phase: "pending", reason: known(hold) === "" ? "held" : `held: ${known(hold)}`, isHopeless: true };
  if (ENDED.has(state)) return { phase: "ended", exitCode: null, signal: null, host: hostOf(host), reason: state === "3" ? "removed" : "" };
  return { phase: "running", host: hostOf(host) };
}

function readPast([state = "", host, code, bySignal, signal, why]: readonly string[]): TaskStatus {
  const base = { phase: "ended", host: hostOf(host) } as const;
  if (state === "3") return { ...base, exitCode: null, signal: null, reason: known(why) === "" ? "removed" : known(why) };
  if (known(bySignal) === "true") return { ...base, exitCode: null, signal: `signal ${known(signal)}`, reason: "" };
  return { ...base, exitCode: known(code) === "" ? null : Number(code), signal: null, reason: "" };
}

function reader(read: (facts: readonly string[]) => TaskStatus): (output: CommandOutput) => JobListing | undefined {
  return (output) => {
    if (output.exitCode !== 0) return undefined;
    const tasks = new Map<number, TaskStatus>();
    for (const line of output.stdout.split("\n").filter((text) => text.trim() !== "")) {
      const [process = "", ...facts] = line.split("\t");
      const status = read(facts);
      tasks.set(Number(process), status);
      // A single job is its process 0.
      if (Number(process) === 0) tasks.set(WHOLE_JOB, status);
    }
    return tasks;
  };
}

/** HTCondor. */
export const HTCONDOR: BatchSystem = {
  name: "htcondor",
  title: "HTCondor",
  shapes: ["array"],
  showsEnvironment: true,
  firstTask: 0,
  scriptSuffix: "condor",
  template: (role: BatchRole) => (role === "controller" ? CONTROLLER : ENGINES),
  directives(request) {
    const { options, jobName } = request;
    if (options.queue !== undefined)
      throw new ConfigError("HTCondor has no queues; choose machines by a line of the description: --batch-line='requirements = …'");
    return [
      { variable: "job_name", lines: [`batch_name = ${jobName}`] },
      { variable: "account", lines: options.account === undefined ? [] : [`accounting_group = ${options.account}`] },
      { variable: "time_limit", lines: options.timeLimitS === undefined ? [] : [`allowed_job_duration = ${options.timeLimitS}`] },
      { variable: "output_file", lines: [`output = ${outputPattern(request)}`] },
    ];
  },
  timeLimit: String,
  outputPattern,
  taskNumber: () => '"$1"',
  quote,
  submit: (scriptPath) => ({ argv: ["condor_submit", "-terse", scriptPath] }),
  readJobId: (output) => /^(\d+)\.\d+/m.exec(output.stdout)?.[1],
  cancel: (jobId) => ({ argv: ["condor_rm", jobId] }),
  status: { command: (jobId) => ({ argv: ["condor_q", jobId, "-af:t", "ProcId", "JobStatus", "RemoteHost", "HoldReason"] }), read: reader(readTask) },
  history: {
    command: (jobId) => ({
      argv: ["condor_history", jobId, "-af:t", "ProcId", "JobStatus", "LastRemoteHost", "ExitCode", "ExitBySignal", "ExitSignal", "RemoveReason"],
    }),
    read: reader(readPast),
  },
};
