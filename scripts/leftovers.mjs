// Ends the processes that a run of tests left behind. Programs start others in groups and sessions of their own, so that no
// process group holds them all; what they do inherit is the environment, in which each run is marked.

import { readdirSync, readFileSync } from "node:fs";

/** Name of the variable that marks a run's processes. */
export const MARK = "TSPARALLEL_TEST_RUN";

/**
 * Pids of the live processes of a run, where the system tells them (Linux); else none.
 *
 * @param {string} run the mark's value
 * @returns {number[]}
 */
export function findMarked(run) {
  const mark = `${MARK}=${run}`;
  return processIds().filter((pid) => pid !== process.pid && read(pid, "environ").includes(mark));
}

/**
 * Kills what is left of a run.
 *
 * @param {string} run the mark's value
 * @returns {string[]} the command of each
 */
export function killMarked(run) {
  const pids = findMarked(run);
  const commands = pids.map((pid) => `${pid} ${read(pid, "cmdline").join(" ").trim()}`);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself in between.
    }
  }
  return commands;
}

function processIds() {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    // No such directory on this system.
    return [];
  }
}

/**
 * @param {number} pid
 * @param {"environ" | "cmdline"} file
 */
function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
  } catch {
    // Ended in between, or somebody else's.
    return [];
  }
}
