// Signals to the processes of one job. A job leads its own process group, so one signal reaches its pipelines and
// children; those that left the group (`setsid`) are found by the marker in their environment, where /proc exists.

import { readdir, readFile } from "node:fs/promises";
import { constants } from "node:os";

/** Environment variable that marks the processes of a job. */
export const MARKER_VARIABLE = "TSPARALLEL_JOB";

const SWEEPS_MAX = 5;

/** Sends a signal to a process group; a group that is gone is no error. */
export function signalGroup(pgid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pgid, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
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
  for (let round = 0; round < SWEEPS_MAX; round += 1) {
    const found = await findMarked(wanted);
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

async function findMarked(wanted: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    // A process that ended meanwhile, or another user's, has no readable environment; a zombie's is empty.
    const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
    if (environment.includes(wanted)) found.push(Number(name));
  }
  return found;
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
