// Files of clusters that are gone: recognised by processes that do not live and ports that do not answer.

import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { ConfigError, InvalidStateError } from "../base/index.ts";
import { connectionFilePath, readConnectionFile, removeConnectionFiles, resolveInterface, type ProfileDir } from "../config/index.ts";
import { findLauncher, isAlive, type ProcessIdentity } from "../launch/index.ts";
import type { Logger } from "../log/index.ts";
import type { ClientConnectionInfo } from "../wire/index.ts";
import { clusterFilePath, type ClusterFile } from "./cluster-file.ts";
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

/** Processes of a cluster file that still run. */
export function livingProcesses(file: ClusterFile): ProcessIdentity[] {
  const engines = Object.values(file.engines.sets).flatMap((set) => Object.values(set.engines));
  const all = file.controller === undefined ? engines : [file.controller.state, ...engines];
  return all.filter((process) => isAlive(process));
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
    const left = await stopRemains(stale, plan.values.stopTimeoutMs);
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

/**
 * Stops the processes of a cluster file that still run, engines first.
 *
 * @returns how many there were
 */
export async function stopRemains(file: ClusterFile, graceMs: number): Promise<number> {
  const before = livingProcesses(file).length;
  const engines = findLauncher(file.engines.class);
  const sets = Object.entries(file.engines.sets).flatMap(([id, state]) => engines?.findEngines(id, state) ?? []);
  await Promise.all(sets.map((set) => set.stop(graceMs)));
  if (file.controller !== undefined) await findLauncher(file.controller.class)?.findController(file.controller.state)?.stop(graceMs);
  return before;
}

/** Removes the files of a cluster that does not run: cluster file and connection files. */
export async function removeClusterFiles(profile: ProfileDir, clusterId: string): Promise<void> {
  await removeConnectionFiles(profile, clusterId);
  await rm(clusterFilePath(profile, clusterId), { force: true });
}
