// Runs the bakapara command as users do, and reads what it writes.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { until } from "../support/until.ts";

export const BAKAPARA: string = fileURLToPath(new URL("../../dist/cli/bin/bakapara.js", import.meta.url));

/** One result line. */
export interface ResultLine {
  readonly [key: string]: unknown;
  readonly result: Readonly<Record<string, unknown>>;
}

/** How a command ended. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** How a command is started. */
export interface StartOptions {
  readonly cwd?: string;
  /** Written to standard input, which is then closed; `undefined` with `keepsInput`: written to later. */
  readonly input?: string | Buffer;
  readonly keepsInput?: boolean;
  /** A file descriptor in place of a pipe. */
  readonly stdin?: number;
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the command. */
export function start(args: readonly string[], options: StartOptions = {}): Running {
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), BAKAPARA, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [options.stdin ?? "pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // The command may end before it has read its input.
  child.stdin?.on("error", () => undefined);
  if (options.input !== undefined) child.stdin?.write(options.input);
  if (options.keepsInput !== true) child.stdin?.end();
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

/** Runs the command to its end. */
export function run(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return start(args, options).ended;
}

/** Starts the command on a terminal (Linux); what it writes to either stream is its `stdout`. */
export function startOnTerminal(args: readonly string[]): Pick<Running, "ended" | "stdout"> {
  const words = [process.execPath, BAKAPARA, ...args].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  const child = spawn("script", ["--quiet", "--return", "--command", words.join(" "), "/dev/null"], { stdio: ["ignore", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr: "" }));
  });
  return { ended, stdout: () => stdout };
}

/** Presses Ctrl-C again until it counts: a second one that comes too soon is taken for an echo of the first. */
export async function pressUntilKilling(running: Running): Promise<void> {
  await until(
    () => {
      if (running.stderr().includes("the running jobs are killed")) return true;
      running.child.kill("SIGINT");
      return false;
    },
    { everyMs: 50 },
  );
}

/** Jobs as input text. */
export function lines(jobs: readonly unknown[]): string {
  return jobs.map((job) => `${JSON.stringify(job)}\n`).join("");
}

/** Output text as results; the last line may be still under way, and counts when it has ended. */
export function results(text: string): ResultLine[] {
  return text
    .split("\n")
    .slice(0, -1)
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ResultLine);
}

/** A file's results. */
export function resultsIn(path: string): ResultLine[] {
  return results(readFileSync(path, "utf8"));
}

/** Processes whose command line is exactly this. */
export function pidsOf(commandLine: string): number[] {
  const { stdout } = spawnSync("pgrep", ["-f", "-x", commandLine], { encoding: "utf8" });
  return stdout.split("\n").filter(Boolean).map(Number);
}
