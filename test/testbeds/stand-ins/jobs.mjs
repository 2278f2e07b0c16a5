// What the stand-ins for batch systems share: a queue in a directory. Each job has a process that runs its tasks, each task in a
// process group of its own, apart from whoever submitted it. A task's output is kept aside and delivered when it has
// ended, as spooling systems do.

import { spawn } from "node:child_process";
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const STATE = process.env.STAND_INS;
const QUEUE_MS = 150;
const KILL_MS = 1500;
const JOBS = fileURLToPath(import.meta.url);

/** An answer of a command that refuses. */
export class Refusal extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

const jobDir = (id) => join(STATE, "jobs", String(id));

function write(path, value) {
  writeFileSync(`${path}.tmp`, JSON.stringify(value));
  renameSync(`${path}.tmp`, path);
}

const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined);

/** Queues a job: `family`, `tasks` ({ number, argv, cwd, env, idVariable, idEnd, stdin, output, isDirect }), `queue`. Tasks of the queue "full" wait for ever. */
export function submit(job) {
  mkdirSync(join(STATE, "jobs"), { recursive: true });
  for (let id = readdirSync(join(STATE, "jobs")).length + 1; ; id += 1) {
    try {
      mkdirSync(jobDir(id));
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      continue;
    }
    write(join(jobDir(id), "job.json"), { ...job, id });
    for (const { number } of job.tasks) setTask(id, number, { state: "queued" });
    const log = openSync(join(jobDir(id), "runner.log"), "a");
    const runner = spawn(process.execPath, [JOBS, String(id)], { detached: true, stdio: ["ignore", log, log], cwd: "/" });
    closeSync(log);
    write(join(jobDir(id), "runner.json"), { pid: runner.pid });
    runner.unref();
    return id;
  }
}

const taskPath = (id, number) => join(jobDir(id), `task-${number}.json`);
const setTask = (id, number, change) => write(taskPath(id, number), { ...read(taskPath(id, number)), ...change });

/** The job of an id and family with its tasks' states; `undefined` when there is none. */
export function find(family, id) {
  const job = /^\d+$/.test(id) ? read(join(jobDir(id), "job.json")) : undefined;
  if (job?.family !== family) return undefined;
  const tasks = job.tasks.map((task) => ({ ...task, ...read(taskPath(id, task.number)) }));
  return { ...job, tasks, isOpen: tasks.some((task) => task.state !== "ended") };
}

/** Ends a job. */
export function cancel({ id }) {
  writeFileSync(join(jobDir(id), "cancelled"), "");
}

/** Sends a signal to the tasks that run. */
export function signal({ tasks }, name) {
  for (const task of tasks) if (task.state === "running") killGroup(task.pid, name);
}

function killGroup(pid, name) {
  try {
    process.kill(-pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // it ended in the meantime
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function runTask(job, task, isCancelled) {
  const { id } = job;
  await sleep(QUEUE_MS);
  while (job.queue === "full" && !isCancelled()) await sleep(50);
  if (isCancelled()) return setTask(id, task.number, { state: "ended", isRemoved: true });
  mkdirSync(dirname(task.output), { recursive: true });
  const file = task.output.replaceAll("%J", String(id));
  const spool = task.isDirect ? file : join(jobDir(id), `output-${task.number}`);
  const output = openSync(spool, "a");
  const child = spawn(task.argv[0], task.argv.slice(1), {
    cwd: task.cwd,
    env: task.idVariable === undefined ? task.env : { ...task.env, [task.idVariable]: `${id}${task.idEnd ?? ""}` },
    detached: true,
    stdio: [task.stdin === undefined ? "ignore" : "pipe", output, output],
  });
  closeSync(output);
  child.stdin?.end(task.stdin);
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: 127, signal: null, error: error.message }));
    child.once("exit", (code, name) => resolve({ code, signal: name }));
  });
  if (child.pid !== undefined) setTask(id, task.number, { state: "running", pid: child.pid });
  const watch = setInterval(() => {
    if (!isCancelled()) return;
    clearInterval(watch);
    killGroup(child.pid, "SIGTERM");
    setTimeout(() => killGroup(child.pid, "SIGKILL"), KILL_MS).unref();
  }, 50);
  const end = await ended;
  clearInterval(watch);
  if (!task.isDirect) appendFileSync(file, readFileSync(spool));
  setTask(id, task.number, { state: "ended", isRemoved: isCancelled(), ...end });
}

/** Ends all jobs at once, by the ids of their processes. */
export function endAll() {
  if (!existsSync(join(STATE, "jobs"))) return;
  for (const id of readdirSync(join(STATE, "jobs"))) {
    const job = read(join(jobDir(id), "job.json"));
    const states = job?.tasks.map((task) => read(taskPath(id, task.number))) ?? [];
    if (states.every((task) => task?.state === "ended")) continue;
    for (const task of states) if (task?.state === "running") killGroup(task.pid, "SIGKILL");
    killGroup(read(join(jobDir(id), "runner.json"))?.pid ?? 0, "SIGKILL");
  }
}

if (process.argv[1] === JOBS) {
  const job = read(join(jobDir(process.argv[2]), "job.json"));
  const isCancelled = () => existsSync(join(jobDir(job.id), "cancelled"));
  await Promise.all(job.tasks.map((task) => runTask(job, task, isCancelled)));
}
