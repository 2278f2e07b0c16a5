// The agent: what of the ssh launcher runs on the other host. It is sent there over the ssh connection and lives by it: it starts
// processes in groups of their own, passes their output and ends on, and when the connection ends, or nothing was heard over
// it for too long, it stops them all. So nothing is left on a host, whatever became of the launcher. It is one file that imports
// Node's own modules only, and no newer ones than this package's least Node has.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { accessSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { homedir, hostname } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import type { AgentCalls, FromAgent, RemoteProcess, TcpTarget, ToAgent } from "./agent-messages.ts";

const MARK = "@tsparallel ";
const POLL_MS = 20;
const KILL_MS = 5000;
/** Output of a process may come this long after its end: others may hold its streams. */
const OUTPUT_MS = 300;

type Asks<Name extends keyof AgentCalls> = AgentCalls[Name]["asks"];
type Answers<Name extends keyof AgentCalls> = AgentCalls[Name]["answers"];

const children = new Map<number, ChildProcess & { readonly pid: number }>();
let graceMs = 5000;
let contactMs = 60_000;
let lastWordAt = performance.now();
let ending: Promise<readonly number[]> | undefined;

/** Begins: takes what was read already, then lines of standard input. */
export function run(rest: string): void {
  process.title = "tsparallel-agent";
  let buffer = "";
  const takeLines = (text: string): void => {
    lastWordAt = performance.now();
    // Only what has come is looked at, since a file's content is one line in many pieces.
    const last = text.lastIndexOf("\n");
    const lines = last < 0 ? [] : `${buffer}${text.slice(0, last)}`.split("\n");
    buffer = last < 0 ? buffer + text : text.slice(last + 1);
    for (const line of lines) if (line !== "") take(JSON.parse(line) as ToAgent);
  };
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", takeLines);
  const leave = (): void => void end(graceMs).finally(() => process.exit(0));
  process.stdin.on("end", leave).on("error", leave);
  process.stdout.on("error", leave);
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.on(signal, leave);
  setInterval(() => {
    if (performance.now() - lastWordAt > contactMs) leave();
  }, 1000).unref();
  // The other end says something at once, so that standard input counts as open.
  const from = (process.env["SSH_CONNECTION"] ?? "").split(" ")[0] ?? "";
  say({ type: "hello", host: hostname(), home: homedir(), from, pid: process.pid, started: startedOf(process.pid) ?? "" });
  takeLines(rest);
  process.stdin.resume();
}

let isHeld = false;

function say(message: FromAgent): void {
  const isWritten = process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);
  if (isWritten || isHeld) return;
  // The connection is slower than the output: its writers wait.
  isHeld = true;
  for (const child of children.values()) for (const stream of [child.stdout, child.stderr]) stream?.pause();
  process.stdout.once("drain", () => {
    isHeld = false;
    for (const child of children.values()) for (const stream of [child.stdout, child.stderr]) stream?.resume();
  });
}

const ANSWERS: { readonly [Name in keyof AgentCalls]: (asks: Asks<Name>) => Promise<Answers<Name>> | Answers<Name> } = {
  check,
  start,
  remove: ({ paths }) => {
    for (const path of paths) rmSync(path, { force: true });
    return {};
  },
  signal: ({ signal }) => {
    for (const { pid } of children.values()) signalGroup(pid, signal);
    return {};
  },
  stop: async ({ graceMs: ms }) => ({ left: await end(ms) }),
  find: ({ processes }) => ({ alive: alive(processes) }),
  signalOthers: ({ processes, signal }) => {
    for (const pid of alive(processes)) signalGroup(pid, signal);
    return {};
  },
  stopOthers: async ({ agent, processes, graceMs: ms }) => {
    // The agent stops what it started; where it is gone, they are stopped directly.
    if (alive([agent]).length > 0) signalOne(agent.pid, "SIGTERM");
    return { left: await endAll(() => alive([...processes, agent]), ms) };
  },
  put: ({ path, content, mode }) => {
    const file = resolve(homedir(), path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, Buffer.from(content, "base64"), { mode });
    return {};
  },
  get: async ({ path, waitMs, bytesMax }) => {
    const file = resolve(homedir(), path);
    await until(() => existsSync(file), waitMs);
    if (statSync(file).size > bytesMax) throw new Error(`${path} is larger than ${bytesMax / 1024 / 1024} MiB`);
    return { content: readFileSync(file).toString("base64") };
  },
};

function take(message: ToAgent): void {
  if (message.type === "alive") return;
  if (message.type === "kill") {
    for (const { pid } of children.values()) signalGroup(pid, "SIGKILL");
    process.exit(0);
  }
  const { id, type } = message;
  const answer = ANSWERS[type] as (asks: unknown) => unknown;
  void Promise.resolve()
    .then(() => answer(message))
    .then((value) => say({ type: "answer", id, value }))
    .catch((error: unknown) => say({ type: "refusal", id, why: error instanceof Error ? error.message : String(error) }))
    .then(() => {
      if (type === "stop") process.stdout.end(() => process.exit(0));
    });
}

async function check({ script, program, targets, connectMs, profileDir }: Asks<"check">): Promise<Answers<"check">> {
  const nowMs = Date.now();
  const found = { ...findScript(script, program), hasProfile: existsSync(profileDir) };
  const refusals: string[] = [];
  // All at once, since each may take its whole time; the first in their order counts.
  const attempts = targets.map((target) => refusalOf(target, connectMs));
  for (const attempt of attempts) {
    const refusal = await attempt;
    if (refusal === undefined) return { ...found, reached: refusals.length, refusals, nowMs };
    refusals.push(refusal);
  }
  return { ...found, reached: -1, refusals, nowMs };
}

/** Where this package's program lies here: as on the launcher's machine, by the search path, or beside this Node. */
function findScript(script: string, program: string): { readonly script: string; readonly version: string } {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, program));
  const beside = join(dirname(process.execPath), "..", "lib", "node_modules", "tsparallel", "dist", "cli", "bin", `${program}.js`);
  for (const candidate of [script, ...onPath, join(dirname(process.execPath), program), beside]) {
    try {
      accessSync(candidate);
      const path = realpathSync(candidate);
      // What else is called so (ipyparallel's ipengine) is a program of Python's.
      if (!path.endsWith(".js")) continue;
      const manifest = JSON.parse(readFileSync(join(dirname(path), "..", "..", "..", "package.json"), "utf8")) as { version?: string };
      return { script: path, version: manifest.version ?? "" };
    } catch {
      // Not there, or not this package's: the next one.
    }
  }
  return { script: "", version: "" };
}

/** Why a place does not accept a connection; `undefined`: it does. */
function refusalOf({ host, port }: TcpTarget, connectMs: number): Promise<string | undefined> {
  return new Promise((done) => {
    const socket = createConnection({ host, port, timeout: connectMs });
    const finish = (why: string | undefined): void => {
      socket.destroy();
      done(why);
    };
    socket.once("connect", () => finish(undefined));
    socket.once("timeout", () => finish("ETIMEDOUT"));
    socket.once("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  });
}

async function start(asks: Asks<"start">): Promise<Answers<"start">> {
  graceMs = asks.graceMs;
  contactMs = asks.contactMs;
  const place: Record<string, string | undefined> = {
    IPP_PARENT_PID: String(process.pid),
    IPP_PROFILE_DIR: existsSync(asks.profileDir) ? asks.profileDir : undefined,
  };
  const own = [process.execPath, "--no-force-async-hooks-checks", asks.script];
  const started = asks.processes.map(async ({ index, command, env }) => {
    const [program = "", ...args] = command[0] === "" ? [...own, ...command.slice(1)] : command;
    const child = spawn(program, args, { detached: true, stdio: ["ignore", "pipe", "pipe"], cwd: homedir(), env: { ...process.env, ...place, ...env } });
    try {
      await new Promise<void>((done, fail) => child.once("spawn", done).once("error", fail));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { index, failure: `cannot start ${program}: ${code === "ENOENT" ? "no such program" : message}` };
    }
    const known = child as ChildProcess & { readonly pid: number };
    children.set(index, known);
    follow(index, known);
    return { index, pid: known.pid, started: startedOf(known.pid) ?? "" };
  });
  return { processes: await Promise.all(started) };
}

function follow(index: number, child: ChildProcess & { readonly pid: number }): void {
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => say({ type: "output", index, text }));
  child.once("exit", (exitCode, signal) => {
    // What it left in its group has no owner any more.
    signalGroup(child.pid, "SIGKILL");
    let isTold = false;
    const tell = (): void => {
      if (isTold) return;
      isTold = true;
      children.delete(index);
      say({ type: "ended", index, exitCode, signal });
    };
    child.once("close", tell);
    setTimeout(tell, OUTPUT_MS);
  });
}

/** Stops everything started here; resolves with the ids of what survived even SIGKILL. */
function end(ms: number): Promise<readonly number[]> {
  ending ??= endAll(() => [...children.values()].map(({ pid }) => pid), ms);
  return ending;
}

async function endAll(living: () => readonly number[], ms: number): Promise<readonly number[]> {
  for (const pid of living()) if (pid !== process.pid) signalGroup(pid, "SIGTERM");
  if (await until(() => living().length === 0, ms)) return [];
  for (const pid of living()) signalGroup(pid, "SIGKILL");
  await until(() => living().length === 0, KILL_MS);
  return living();
}

async function until(isDone: () => boolean, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (!isDone()) {
    if (performance.now() >= deadline) return false;
    await new Promise((next) => setTimeout(next, POLL_MS));
  }
  return true;
}

function signalGroup(pid: number, signal: string): void {
  signalOne(-pid, signal);
}

function signalOne(pid: number, signal: string): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in the meantime, or its group consists of zombies.
  }
}

function alive(processes: readonly RemoteProcess[]): number[] {
  return processes.filter(({ pid, started }) => startedOf(pid) === started).map(({ pid }) => pid);
}

/** When a living process started; `undefined` when there is none. A zombie counts as none. */
function startedOf(pid: number): string | undefined {
  try {
    if (process.platform !== "linux") return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : `${fields[19]}@${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8)}`;
  } catch {
    // No such process.
    return undefined;
  }
}
