// Files of clusters that are gone: recognised by processes that do not live and ports that do not answer.

import { existsSync } from "node:fs";
import { createConnection } from "node:net";
import { ConfigError, InvalidStateError, LaunchError } from "../base/index.ts";
import { connectionFilePath, readConnectionFile, removeConnectionFiles, resolveInterface, type ProfileDir } from "../config/index.ts";
import type { Logger } from "../log/index.ts";
import type { ClientConnectionInfo } from "../wire/index.ts";
import { clusterFilePath, removeClusterFile, type ClusterFile } from "./cluster-file.ts";
import { findController, findSets } from "./cluster-life.ts";
import type { ClusterPlan } from "./cluster-plan.ts";
import { HubLink } from "./hub-link.ts";

const CONNECT_MS = 1000;
const ANSWER_MS = 1500;

/** What connection files say about a controller. */
export type ControllerTrace =
  | { readonly state: "none" }
  /** The files are there, and nobody answers at their address. */
  | { readonly state: "stale" }
  /** A controller answers; it may have been started by hand or on another machine. */
  | { readonly state: "answers" };

/** Finds out whether a controller answers at the address of a cluster's connection files. */
export async function traceController(profile: ProfileDir, clusterId: string): Promise<ControllerTrace> {
  const path = connectionFilePath(profile, "client", clusterId);
  if (!existsSync(path)) return { state: "none" };
  let info: ClientConnectionInfo;
  try {
    info = await readConnectionFile("client", path, { waitMs: 0 });
  } catch (cause) {
    // A file that nobody can read leads to no controller.
    if (cause instanceof ConfigError) return { state: "stale" };
    throw cause;
  }
  return { state: (await answers(info)) ? "answers" : "stale" };
}

/** Whether a controller with this key answers. */
async function answers(info: ClientConnectionInfo): Promise<boolean> {
  if (!(await listens(resolveInterface(info), info.registration))) return false;
  const link = new HubLink(info);
  try {
    return (await link.engines(ANSWER_MS)) !== undefined;
  } finally {
    await link.close();
  }
}

function listens(address: string, port: number): Promise<boolean> {
  const host = address.replace(/^[a-z]+:\/\//, "").replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: CONNECT_MS });
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}

/**
 * Makes room for a new cluster: stops what is left of an earlier one whose controller is gone, and removes its files.
 *
 * @param stale the earlier cluster's file, if there was one
 * @throws InvalidStateError when a controller answers that no cluster file knows
 */
export async function clearStale(plan: ClusterPlan, stale: ClusterFile | undefined, logger: Logger): Promise<void> {
  const { profile, clusterId } = plan;
  if (stale !== undefined) {
    const left = await stopLeftovers(stale, plan.values.stopTimeoutMs, logger);
    logger.warn("removed the files of a cluster that is gone", { file: clusterFilePath(profile, clusterId), processesStopped: left });
  }
  if (plan.isReusing) return;
  const trace = await traceController(profile, clusterId);
  if (trace.state === "answers") {
    throw new InvalidStateError(
      `a controller that was not started by ipcluster answers at the address in ${connectionFilePath(profile, "client", clusterId)}; stop it, or choose another id with --cluster-id`,
    );
  }
  if (trace.state === "stale" && stale === undefined)
    logger.warn("removed the connection files of a controller that is gone", { directory: profile.securityDir });
  await removeConnectionFiles(profile, clusterId);
}

/** What cannot be stopped any more (a host that is gone for good) must not keep a new cluster from starting. */
async function stopLeftovers(file: ClusterFile, graceMs: number, logger: Logger): Promise<number> {
  try {
    return await stopRemains(file, graceMs);
  } catch (cause) {
    if (!(cause instanceof LaunchError)) throw cause;
    logger.warn("something of an earlier cluster may be left", { why: cause.message });
    return 0;
  }
}

/**
 * Stops what of a cluster file still runs, engines first.
 *
 * @returns how many processes there were
 * @throws LaunchError when something could not be stopped, after everything else was
 */
export async function stopRemains(file: ClusterFile, graceMs: number): Promise<number> {
  const sets = await findSets(file);
  const engines = sets.flatMap((set) => set.engines.filter((engine) => engine.isRunning)).length;
  const outcomes = await Promise.allSettled(sets.map((set) => set.stop(graceMs)));
  const controller = await findController(file);
  outcomes.push(...(await Promise.allSettled([controller?.stop(graceMs)])));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return engines + (controller === undefined ? 0 : 1);
}

/** Removes the files of a cluster that does not run: cluster file and connection files. */
export async function removeClusterFiles(profile: ProfileDir, clusterId: string): Promise<void> {
  await removeConnectionFiles(profile, clusterId);
  await removeClusterFile(clusterFilePath(profile, clusterId));
}
