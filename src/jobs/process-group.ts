// Signals to the processes of one job. A job leads its own process group, so one signal reaches its pipelines and
// children; those that left the group (`setsid`) are found by the marker in their environment, where /proc exists.

import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { constants } from "node:os";

/** Environment variable that marks the processes of a job. */
export const MARKER_VARIABLE = "TSPARALLEL_JOB";

const SWEEPS_MAX = 5;

/** Sends a signal to a process group; false when there is no such group (any more, or yet). */
export function signalGroup(pgid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch (error) {
    if (!isGone(error)) throw error;
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

// EPERM: all that is left changed its user (sudo); it cannot be reached by us.
function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ESRCH" || code === "EPERM";
}

/** Kills every process that carries the marker, also outside the group. Linux only; elsewhere it does nothing. */
export async function sweepMarked(marker: string): Promise<void> {
  const wanted = `${MARKER_VARIABLE}=${marker}\0`;
  await killAll(() => findProcesses("environ", (environment) => environment.includes(wanted)));
}

/** Kills every process of a session: all that a server and its jobs left, but for those that began a session of their own. Linux only. */
export async function killSession(sessionId: number): Promise<void> {
  await killAll(() => findProcesses("stat", (stat) => Number(/\) \S \d+ \d+ (\d+) /.exec(stat)?.[1]) === sessionId));
}

async function killAll(find: () => Promise<number[]>): Promise<void> {
  for (let round = 0; round < SWEEPS_MAX; round += 1) {
    const found = await find();
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
  }
}

async function findProcesses(file: "environ" | "stat", matches: (content: string) => boolean): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    // A process that ended meanwhile, or another user's, cannot be read; a zombie has no environment.
    if (matches(await readFile(`/proc/${name}/${file}`, "latin1").catch(() => ""))) found.push(Number(name));
  }
  return found;
}

/** Whether the kernel lists a process's children. */
export const LISTS_CHILDREN: boolean = findChildren(process.pid) !== undefined;

/** Children of a process's main thread; `undefined` when the process is gone or the system does not list them. */
export function findChildren(pid: number): readonly number[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  } catch {
    // No such process, or no such file here: the caller knows what that means.
    return undefined;
  }
}

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** Name of the signal that a shell reports as `code`, or `null`. */
export function signalOfCode(code: number | null): string | null {
  return code === null || code <= 128 ? null : (SIGNAL_NAMES.get(code - 128) ?? null);
}

/** The code a shell reports for a signal. */
export function codeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
