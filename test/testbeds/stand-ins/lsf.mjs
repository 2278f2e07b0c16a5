// LSF as its reference describes it: the script comes by standard input, `#BSUB` lines begin a line, the job has the
// submitter's directory and environment, and output goes to the file at the end unless LSB_STDOUT_DIRECT is set.

import { hostname } from "node:os";
import { resolve } from "node:path";
import { cancel, find, Refusal, signal, submit } from "./jobs.mjs";
import { directives, options, range } from "./options.mjs";

const RULES = { taking: ["J", "q", "P", "W", "o", "e", "n", "R", "M"], flags: ["rn"], name: "bsub" };
const QUEUES = ["normal", "full"];

function bsub(args, stdin) {
  const { found, operands } = options(args, RULES);
  if (operands.length > 0) throw new Refusal("bsub: commands on the command line are not known here", 255);
  const script = stdin();
  if (script.trim() === "") throw new Refusal("Empty job. Job not submitted.", 255);
  const all = { ...directives(script, "#BSUB", RULES), ...found };
  if (all.q !== undefined && !QUEUES.includes(all.q)) throw new Refusal(`${all.q}: No such queue. Job not submitted.`, 255);
  const array = /^(.*)\[(.*)\]$/.exec(all.J ?? "");
  const numbers = array === null ? [0] : range(array[2], "bsub");
  const tasks = numbers.map((number) => ({
    number,
    argv: ["/bin/sh", "-s"],
    stdin: script,
    cwd: process.cwd(),
    env: { ...process.env, LSB_JOBINDEX: String(number) },
    idVariable: "LSB_JOBID",
    output: resolve((all.o ?? "out").replaceAll("%I", String(number)).replaceAll("%%", "%")),
    isDirect: process.env.LSB_STDOUT_DIRECT === "Y",
  }));
  const id = submit({ family: "lsf", queue: all.q ?? "normal", tasks });
  return all.q === undefined ? `Job <${id}> is submitted to default queue <normal>.\n` : `Job <${id}> is submitted to queue <${all.q}>.\n`;
}

function wanted(id, words) {
  const job = find("lsf", id);
  if (job === undefined) throw new Refusal(`Job <${id}>${words}`, 255);
  return job;
}

function fieldsOf(job, task) {
  const stat = task.state === "queued" ? "PEND" : task.state === "running" ? "RUN" : task.code === 0 && !task.isRemoved ? "DONE" : "EXIT";
  const code = task.signal === "SIGKILL" ? 137 : task.signal === "SIGTERM" ? 143 : task.code;
  return {
    jobid: job.id,
    jobindex: task.number,
    stat,
    exit_code: stat === "EXIT" ? (code ?? "-") : "-",
    exec_host: stat === "PEND" ? "-" : hostname(),
    pend_reason: stat === "PEND" ? "Job's requirements for reserving resource (slots) not satisfied;" : "-",
    exit_reason: task.isRemoved ? "TERM_OWNER: job killed by owner" : "-",
  };
}

function bjobs(args) {
  const { found, operands } = options(args, { taking: ["o"], flags: ["a", "noheader"], name: "bjobs" });
  const job = wanted(operands[0], " is not found");
  const format = /^(.*?) delimiter='(.)'$/.exec(found.o ?? "");
  if (format === null || !found.noheader) throw new Refusal("bjobs: only -noheader -o \"… delimiter='|'\" is known here", 255);
  const rows = job.tasks.filter((task) => found.a || task.state !== "ended").map((task) => fieldsOf(job, task));
  return rows
    .map(
      (row) =>
        `${format[1]
          .split(" ")
          .map((name) => row[name])
          .join(format[2])}\n`,
    )
    .join("");
}

function bkill(args) {
  const { found, operands } = options(args, { taking: ["s"], name: "bkill" });
  const job = wanted(operands[0], ": No matching job found");
  if (!job.isOpen) throw new Refusal(`Job <${operands[0]}>: Job has already finished`, 255);
  if (found.s === undefined) {
    cancel(job);
    return `Job <${operands[0]}> is being terminated\n`;
  }
  signal(job, `SIG${found.s}`);
  return `Job <${operands[0]}> is being signaled\n`;
}

export const commands = { bsub, bjobs, bkill };
