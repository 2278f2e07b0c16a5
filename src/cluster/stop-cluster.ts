// Stops a cluster from another process than the one that started it, also when that one is gone.

import { setTimeout as sleep } from "node:timers/promises";
import type { ProfileDir } from "../config/index.ts";
import { isAlive } from "../launch/index.ts";
import { clusterFilePath, isSameRun, readClusterFile, updateClusterFile, type ClusterFile } from "./cluster-file.ts";
import { isRunning } from "./cluster-life.ts";
import { removeClusterFiles, stopRemains, traceController } from "./stale-files.ts";
import { removeConnectionFiles } from "../config/index.ts";

/**
 * What there was to stop: a running cluster (now stopped), files of one that was gone (now removed), a controller that
 * no cluster file knows (left alone), nothing.
 */
export type StopOutcome = "stopped" | "stale" | "foreign" | "none";

const POLL_MS = 20;
/** Beyond the two grace periods that the starter itself allows for. */
const STARTER_MARGIN_MS = 10_000;

/**
 * Stops everything of a cluster and removes its files.
 *
 * @param graceMs how long a process may take after SIGTERM
 * @throws LaunchError when a process survives even SIGKILL; ConfigError when the cluster file cannot be read
 */
export async function stopCluster(profile: ProfileDir, clusterId: string, graceMs: number): Promise<StopOutcome> {
  const file = await readClusterFile(clusterFilePath(profile, clusterId));
  if (file === undefined) return stopUnknown(profile, clusterId);
  const wasRunning = await isRunning(file);
  const hasStarter = await endStarter(file, graceMs);
  // The starter may have started something between our look and its end; where it removed the file, nothing is left.
  const last = await readClusterFile(clusterFilePath(profile, clusterId));
  if (hasStarter && last === undefined) return "stopped";
  try {
    const left = await stopRemains(last !== undefined && isSameRun(last, file) ? last : file, graceMs);
    return wasRunning || left > 0 ? "stopped" : "stale";
  } finally {
    await updateClusterFile(clusterFilePath(profile, clusterId), async (now) => {
      if (now === undefined || !isSameRun(now, file)) return now;
      await removeConnectionFiles(profile, clusterId);
      return undefined;
    });
  }
}

/** Without a cluster file there may still be connection files. */
async function stopUnknown(profile: ProfileDir, clusterId: string): Promise<StopOutcome> {
  const { state } = await traceController(profile, clusterId);
  if (state === "answers") return "foreign";
  if (state === "none") return "none";
  await removeClusterFiles(profile, clusterId);
  return "stale";
}

/**
 * A process that does nothing but look after the cluster is asked to stop it, which is the orderly way.
 *
 * @returns whether there was one, and it ended by itself
 */
async function endStarter(file: ClusterFile, graceMs: number): Promise<boolean> {
  const { starter } = file;
  if (starter === undefined || !starter.is_dedicated || starter.pid === process.pid || !isAlive(starter)) return false;
  process.kill(starter.pid, "SIGTERM");
  const deadline = performance.now() + 2 * graceMs + STARTER_MARGIN_MS;
  while (isAlive(starter)) {
    if (performance.now() >= deadline) {
      process.kill(starter.pid, "SIGKILL"); // it hangs; what it leaves is stopped after this
      return false;
    }
    await sleep(POLL_MS);
  }
  return true;
}
