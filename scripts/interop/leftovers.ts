// Ends the processes a run left behind. The suite's launchers give each process a session of its own, so that no process
// group holds them all; what they do inherit is the environment, in which each run is marked.

import { readdirSync, readFileSync } from "node:fs";

/** Name of the variable that marks a run's processes. */
export const MARK = "TSPARALLEL_INTEROP_RUN";

/** Pids of the live processes of a run, where the system tells them (Linux); else none. */
export function findMarked(run: string): readonly number[] {
  const mark = `${MARK}=${run}`;
  return processIds().filter((pid) => pid !== process.pid && environmentOf(pid).includes(mark));
}

/** Kills what is left of a run; returns how many there were. */
export function killMarked(run: string): number {
  const pids = findMarked(run);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself in between.
    }
  }
  return pids.length;
}

function processIds(): readonly number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    // No such directory on this system.
    return [];
  }
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    // Ended in between, or somebody else's.
    return [];
  }
}
