// A lock among processes of one machine: a file with the holder's pid. A holder that is gone does not hold it any more.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 300;

/** Somebody else holds the lock, and went on holding it. */
export class LockedError extends Error {}

/**
 * Does some work while no other process does work under the same file.
 *
 * @template T
 * @param {string} file
 * @param {number} waitMs how long to wait for another one; 0: not at all
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws LockedError
 */
export async function withLock(file, waitMs, work) {
  const giveUpAt = Date.now() + waitMs;
  mkdirSync(dirname(file), { recursive: true });
  while (!take(file)) {
    const pid = holderOf(file);
    if (pid !== undefined && Date.now() >= giveUpAt) throw new LockedError(`process ${pid} is at it already: wait for it, or remove ${file}`);
    if (pid !== undefined) await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  }
}

/** The live holder; `undefined` when there is none any more, and then neither is the file. */
function holderOf(file) {
  let pid = 0;
  try {
    pid = Number(readFileSync(file, "utf8"));
    // 0: just made and not yet written.
    if (pid !== 0) process.kill(pid, 0);
    return pid;
  } catch (error) {
    if (error.code === "EPERM") return pid;
    rmSync(file, { force: true });
    return undefined;
  }
}
