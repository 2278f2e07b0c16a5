// Looks at whole profiles: which clusters there are, and cleaning up after those that are gone.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, InvalidStateError } from "../base/index.ts";
import { fileFailure, type ProfileDir } from "../config/index.ts";
import { findClusterFiles, readClusterFile, type ClusterFile } from "./cluster-file.ts";
import { isRunningBy, lifeOf } from "./cluster-life.ts";
import { stopCluster } from "./stop-cluster.ts";
import { traceController } from "./stale-files.ts";

/** One cluster file, and what it tells. */
export interface ClusterSummary {
  readonly profile: ProfileDir;
  readonly path: string;
  readonly clusterId: string;
  /** Absent when the file cannot be read; `problem` tells why. */
  readonly file: ClusterFile | undefined;
  readonly problem: string;
  readonly isRunning: boolean;
  /** Engines that run. */
  readonly engines: number;
}

/** The clusters of some profiles, running or not. */
export async function surveyClusters(profiles: readonly ProfileDir[]): Promise<ClusterSummary[]> {
  const lists = await Promise.all(profiles.map(async (profile) => (await findClusterFiles(profile)).map((path) => summary(profile, path))));
  return (await Promise.all(lists.flat())).filter((found) => found !== undefined);
}

async function summary(profile: ProfileDir, path: string): Promise<ClusterSummary | undefined> {
  const clusterId = /cluster-(.*)\.json$/.exec(path)?.[1] ?? "";
  try {
    const file = await readClusterFile(path);
    if (file === undefined) return undefined; // stopped since the directory was read
    const life = await lifeOf(file);
    return { profile, path, clusterId: file.cluster.cluster_id, file, problem: "", isRunning: isRunningBy(file, life), engines: life.engines };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    return { profile, path, clusterId, file: undefined, problem: cause.message, isRunning: false, engines: 0 };
  }
}

/** What `cleanProfile` did. */
export interface Cleaned {
  readonly filesRemoved: readonly string[];
  /** Ids of clusters that were stopped first. */
  readonly clustersStopped: readonly string[];
}

/**
 * Removes cluster files, connection files and logs of a profile.
 *
 * @param options.force stop what runs, instead of refusing
 * @throws InvalidStateError when a cluster or controller of the profile runs; ConfigError when a file cannot be removed
 */
export async function cleanProfile(profile: ProfileDir, options: { readonly force: boolean; readonly graceMs: number }): Promise<Cleaned> {
  const clusters = await surveyClusters([profile]);
  const busy = clusters.filter((cluster) => cluster.isRunning || cluster.engines > 0);
  if (busy.length > 0 && !options.force) {
    const ids = busy.map((cluster) => `"${cluster.clusterId}"`).join(", ");
    throw new InvalidStateError(`clusters run in profile "${profile.name}" (id ${ids}); stop them first, or give --force to stop and clean`);
  }
  for (const cluster of busy) await stopCluster(profile, cluster.clusterId, options.graceMs);
  if (!options.force) await refuseForeign(profile);
  const security = (await filesOf(profile.securityDir)).filter((path) =>
    /(?:cluster-|launched-|ipcontroller-).*\.json(?:\.lock|\..*\.tmp)?$|ipcontroller-(?:client|engine)\.json$/.test(path),
  );
  const filesRemoved = [...security, ...(await filesOf(profile.logDir))];
  await Promise.all(filesRemoved.map(remove));
  return { filesRemoved, clustersStopped: busy.map((cluster) => cluster.clusterId) };
}

/** Connection files may belong to a controller that was started by hand. */
async function refuseForeign(profile: ProfileDir): Promise<void> {
  const files = (await filesOf(profile.securityDir)).map((path) => /ipcontroller-(?:(.*)-)?client\.json$/.exec(path)).filter((match) => match !== null);
  for (const match of files) {
    const { state } = await traceController(profile, match[1] ?? "");
    if (state === "answers") throw new InvalidStateError(`a controller answers at the address in ${match.input}; stop it first, or give --force`);
  }
}

async function filesOf(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(directory, entry.name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new ConfigError(`cannot read ${directory}: ${fileFailure(cause)}`, { cause });
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (cause) {
    throw new ConfigError(`cannot remove ${path}: ${fileFailure(cause)}`, { cause });
  }
}
