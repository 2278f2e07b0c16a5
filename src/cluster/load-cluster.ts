// Finds a running cluster by its file.

import { basename, dirname } from "node:path";
import { NotRunningError } from "../base/index.ts";
import { resolveClusterId, resolveProfile, type ConfigValues, type ProfileChoice, type ProfileDir } from "../config/index.ts";
import type { LaunchedController, LaunchedEngines } from "../launch/index.ts";
import { clusterFilePath, readClusterFile, type ClusterFile } from "./cluster-file.ts";
import { findController, findSets } from "./cluster-life.ts";
import { planGiven, type ClusterPlan } from "./cluster-plan.ts";

/** Which cluster: the path of its file, or profile and id. */
export type ClusterSource = string | (ProfileChoice & { readonly clusterId?: string });

/** A cluster that was found. */
export interface LoadedCluster {
  readonly file: ClusterFile;
  readonly plan: ClusterPlan;
  readonly controller: LaunchedController;
  readonly sets: readonly LaunchedEngines[];
}

/** Profile and id that a source means. */
export function placeOf(source: ClusterSource): { readonly profile: ProfileDir; readonly clusterId: string } {
  if (typeof source !== "string") return { profile: resolveProfile(source), clusterId: resolveClusterId(source.clusterId, source.env) };
  // `<profile>/security/cluster-<id>.json`
  const clusterId = /^cluster-(.*)\.json$/.exec(basename(source))?.[1];
  if (clusterId === undefined) throw new NotRunningError(`${source} is not a cluster file; those are called cluster-<id>.json`);
  return { profile: resolveProfile({ profileDir: dirname(dirname(source)) }), clusterId };
}

/** `the cluster "x" of profile "default"`, for messages. */
export function clusterName(profile: ProfileDir, clusterId: string): string {
  return clusterId === "" ? `the cluster of profile "${profile.name}"` : `the cluster "${clusterId}" of profile "${profile.name}"`;
}

/**
 * Finds a cluster's processes.
 *
 * @param given option values by full name, for what is added to it
 * @throws NotRunningError when there is no such file, or its controller is gone
 */
export async function loadCluster(source: ClusterSource, given: ConfigValues): Promise<LoadedCluster> {
  const { profile, clusterId } = placeOf(source);
  const file = await readClusterFile(clusterFilePath(profile, clusterId));
  const name = clusterName(profile, clusterId);
  if (file === undefined) throw new NotRunningError(`${name} does not run; start it with \`ipcluster start\``);
  const controller = await findController(file);
  if (controller === undefined) throw new NotRunningError(`${name} does not run any more; remove its files with \`ipcluster clean\``);
  const plan = await planGiven(profile, { engines: file.engines.class, ...given, clusterId, "controller.launcher": file.controller?.class ?? "local" }, false);
  return { file, plan, controller, sets: await findSets(file) };
}
