// Log files of earlier runs of a cluster, and all files of earlier clusters whose ids were made up for one run, so that a
// profile does not grow with every start.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ProfileDir } from "../config/index.ts";

/**
 * Whether a file in a log directory was written for the cluster of this id: by its controller, its engines or `ipcluster`.
 *
 * Names are `<program>-[<id>-]<pid>.log` and `ipengine-[<id>-]<set>[-<suffix>][-<index>].log`, and
 * the scripts of batch jobs are called after the job's log; a set is a time in seconds,
 * which keeps a short numeric id apart from it.
 */
export function isLogOf(clusterId: string, name: string): boolean {
  const program = /^(ipcluster|ipcontroller|ipengine)-(.*)\.(?:log|sbatch|pbs|sge|lsf|condor)$/.exec(name);
  if (program === null) return false;
  const [, kind, rest = ""] = program;
  const prefix = clusterId === "" ? "" : `${clusterId}-`;
  if (!rest.startsWith(prefix)) return false;
  return (kind === "ipengine" ? /^\d{9,}(?:-\d+){0,2}$/ : /^\d+(?:-start)?$/).test(rest.slice(prefix.length));
}

/**
 * Removes the logs of a cluster, and with `all` what its controller kept beside them. A file that cannot be removed is left where it is.
 *
 * @param which `earlier`: those that this process, or what it started, writes stay
 */
export async function cleanLogs(profile: ProfileDir, clusterId: string, which: "earlier" | "all" = "earlier"): Promise<number> {
  const own = which === "all" ? undefined : `-${process.pid}.log`;
  const names = (await readdir(profile.logDir)).filter((name) => isLogOf(clusterId, name) && (own === undefined || !name.endsWith(own)));
  // The controller's table of engines, for a restart under the same name.
  if (which === "all") names.push(`engines${clusterId}.json`);
  const outcomes = await Promise.allSettled(names.map((name) => rm(join(profile.logDir, name), { force: true })));
  return outcomes.filter((outcome) => outcome.status === "fulfilled").length;
}

/** Clusters of made-up ids that may be asked about after their end: their logs, engine table and task store stay. */
const KEPT_CLUSTERS = 10;

/** What `Cluster.start` makes up when it is given no id, and ipyparallel too. */
const MADE_UP = "\\d{9,}-[a-z0-9]{4}";
const FILES_OF_MADE_UP = [
  // A set of engines of the cluster without an id may have a number where the letters are.
  new RegExp(`^(?:ipcluster|ipcontroller|ipengine)-(?!\\d+-\\d+-)(${MADE_UP})-.*\\.(?:log|sbatch|pbs|sge|lsf|condor)$`),
  new RegExp(`^engines(${MADE_UP})\\.json$`),
  new RegExp(`^tasks-(${MADE_UP})\\.db(?:-wal|-shm)?$`),
];

/** The made-up id of the cluster that a file in a log or store directory belongs to. */
export function madeUpIdOf(name: string): string | undefined {
  for (const pattern of FILES_OF_MADE_UP) {
    const id = pattern.exec(name)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}

/**
 * Removes what clusters of made-up ids left in a profile, but for the last ten and those that run or may run: nobody can start
 * them again by chance, so nothing else would ever remove it.
 *
 * @returns how many files were removed
 */
export async function cleanMadeUp(profile: ProfileDir): Promise<number> {
  const security = await readdir(profile.securityDir);
  const files = await Promise.all([profile.logDir, profile.dbDir].map(async (dir) => (await readdir(dir)).map((name) => ({ name, path: join(dir, name) }))));
  const owned = files.flat().flatMap(({ name, path }) => {
    const id = madeUpIdOf(name);
    return id === undefined ? [] : [{ id, path }];
  });
  const byTime = [...new Set(owned.map(({ id }) => id))].toSorted((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
  const old = new Set(byTime.slice(KEPT_CLUSTERS).filter((id) => !security.some((name) => name.includes(id))));
  const outcomes = await Promise.allSettled(owned.filter(({ id }) => old.has(id)).map(({ path }) => rm(path, { force: true })));
  return outcomes.filter((outcome) => outcome.status === "fulfilled").length;
}
