// Log files of earlier runs of a cluster, so that a profile's log directory does not grow with every start.

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
 * Removes the logs of a cluster. A file that cannot be removed is left where it is.
 *
 * @param which `earlier`: those that this process, or what it started, writes stay
 */
export async function cleanLogs(profile: ProfileDir, clusterId: string, which: "earlier" | "all" = "earlier"): Promise<number> {
  const own = which === "all" ? undefined : `-${process.pid}.log`;
  const names = (await readdir(profile.logDir)).filter((name) => isLogOf(clusterId, name) && (own === undefined || !name.endsWith(own)));
  const outcomes = await Promise.allSettled(names.map((name) => rm(join(profile.logDir, name), { force: true })));
  return outcomes.filter((outcome) => outcome.status === "fulfilled").length;
}
