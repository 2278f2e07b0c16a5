// PBS as OpenPBS documents it: the job begins in the home directory, in a bare environment unless `-V` says otherwise; an array
// has two subjobs at least; finished jobs are told by `qstat -x` only.

import { readFileSync } from "node:fs";
import { homedir, hostname, userInfo } from "node:os";
import { resolve } from "node:path";
import { cancel, find, Refusal, signal, submit } from "./jobs.mjs";
import { directives, options, range } from "./options.mjs";

const RULES = { taking: ["N", "q", "A", "l", "o", "e", "j", "J", "S", "W", "P"], flags: ["V"], name: "qsub" };
const QUEUES = ["workq", "full"];
const SERVER = "standin";

function bare() {
  return { HOME: homedir(), USER: userInfo().username, SHELL: "/bin/sh", PATH: "/usr/local/bin:/usr/bin:/bin" };
}

function qsub(args) {
  const { found, operands } = options(args, RULES);
  const script = readFileSync(operands[0], "utf8");
  const all = { ...directives(script, "#PBS", RULES), ...found };
  if (all.q !== undefined && !QUEUES.includes(all.q)) throw new Refusal("qsub: Unknown queue", 171);
  if (all.N !== undefined && !/^[A-Za-z][\w.+-]{0,229}$/.test(all.N)) throw new Refusal("qsub: illegal -N value", 2);
  const numbers = all.J === undefined ? [0] : range(all.J, "qsub");
  if (all.J !== undefined && numbers.length < 2) throw new Refusal("qsub: illegal -J value", 2);
  const isArray = all.J !== undefined;
  const tasks = numbers.map((number) => ({
    number,
    argv: [all.S ?? "/bin/sh", "-s"],
    stdin: script,
    cwd: homedir(),
    env: { ...(all.V ? process.env : bare()), PBS_O_WORKDIR: process.cwd(), ...(isArray ? { PBS_ARRAY_INDEX: String(number) } : {}) },
    idVariable: "PBS_JOBID",
    idEnd: `${isArray ? `[${number}]` : ""}.${SERVER}`,
    output: resolve((all.o ?? "out").replaceAll("^array_index^", String(number))),
  }));
  const id = submit({ family: "pbs", queue: all.q ?? "workq", isArray, name: all.N, tasks });
  return `${id}${isArray ? "[]" : ""}.${SERVER}\n`;
}

function wanted(text, name) {
  const job = find("pbs", /^(\d+)(?:\[\])?(?:\.\w+)?$/.exec(text)?.[1] ?? "");
  if (job === undefined) throw new Refusal(`${name}: Unknown Job Id ${text}`, 153);
  return job;
}

function open(text, name) {
  const job = wanted(text, name);
  if (!job.isOpen) throw new Refusal(`${name}: Job has finished ${text}`, 35);
  return job;
}

const EXIT_OF_SIGNAL = { SIGTERM: 271, SIGKILL: 265, SIGINT: 258 };

function record(job, id, task) {
  const lines = [`Job Id: ${id}.${SERVER}`, `    Job_Name = ${job.name}`];
  if (task.state === "queued") lines.push("    job_state = Q", "    comment = Not Running: Insufficient amount of resource:", "\t ncpus (R: 1 A: 0 T: 0)");
  else if (task.state === "running") lines.push("    job_state = R", `    exec_host = ${hostname()}/0`);
  else lines.push("    job_state = F", `    exec_host = ${hostname()}/0`, `    Exit_status = ${task.signal ? EXIT_OF_SIGNAL[task.signal] : task.code}`);
  return `${lines.join("\n")}\n\n`;
}

function qstat(args) {
  const { found, operands } = options(args, { taking: [], flags: ["f", "t", "x"], name: "qstat" });
  if (!found.f) throw new Refusal("qstat: only -f is known here", 2);
  const job = found.x ? wanted(operands[0], "qstat") : wanted(operands[0], "qstat");
  if (!found.x && !job.isOpen) throw new Refusal(`qstat: ${operands[0]} Job has finished, use -x or -H to obtain historical job information`, 35);
  const parent = job.isArray ? `Job Id: ${job.id}[].${SERVER}\n    job_state = B\n\n` : "";
  return parent + job.tasks.map((task) => record(job, job.isArray ? `${job.id}[${task.number}]` : job.id, task)).join("");
}

export const commands = {
  qsub,
  qstat,
  qdel(args) {
    cancel(open(args[0], "qdel"));
  },
  qsig(args) {
    const { found, operands } = options(args, { taking: ["s"], name: "qsig" });
    signal(open(operands[0], "qsig"), found.s ?? "SIGTERM");
  },
};
