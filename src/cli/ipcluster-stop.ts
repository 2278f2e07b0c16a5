// `ipcluster stop` and `ipcluster clean`.

import { InvalidStateError } from "../base/index.ts";
import { cleanProfile, clusterName, stopCluster, surveyClusters } from "../cluster/index.ts";
import { listProfiles, type ProfileDir } from "../config/index.ts";
import { clusterRequest, clusterValues, commandLogger, requestedId } from "./cluster-flags.ts";
import { EXIT_ALREADY_RUNNING, EXIT_ALREADY_STOPPED } from "./ipcluster-exit-codes.ts";
import { ExitError, type Command } from "./program.ts";
import { profileChoice } from "./schema-options.ts";

/** Runs `ipcluster stop [ids…]`. */
export async function stopCommand(ids: readonly string[], command: Command): Promise<void> {
  const request = clusterRequest(command);
  const values = await clusterValues(request);
  const logger = commandLogger(values.logLevel);
  const wanted = command.opts<{ all?: boolean }>().all === true ? await runningIds(request.profile) : ids.length > 0 ? ids : [requestedId(request)];
  if (wanted.length === 0) logger.info("no cluster runs in the profile", { profile: request.profile.name });
  const missing: string[] = [];
  for (const id of wanted) {
    const name = clusterName(request.profile, id);
    const outcome = await stopCluster(request.profile, id, values.stopTimeoutMs);
    if (outcome === "stopped") logger.info(`stopped ${name}`);
    else missing.push(sentenceFor(outcome, name));
  }
  if (missing.length > 0) throw new ExitError(EXIT_ALREADY_STOPPED, missing.join("; "));
}

function sentenceFor(outcome: "stale" | "foreign" | "none", name: string): string {
  switch (outcome) {
    case "stale":
      return `${name} had ended already; the files it left were removed`;
    case "foreign":
      return `${name} was not started by ipcluster; end its ipcontroller where that was started`;
    case "none":
      return `${name} does not run`;
  }
}

async function runningIds(profile: ProfileDir): Promise<string[]> {
  return (await surveyClusters([profile])).map((cluster) => cluster.clusterId);
}

/** Runs `ipcluster clean`. */
export async function cleanCommand(command: Command): Promise<void> {
  const request = clusterRequest(command);
  const values = await clusterValues(request);
  const logger = commandLogger(values.logLevel);
  const { all = false, force = false } = command.opts<{ all?: boolean; force?: boolean }>();
  const profiles = all ? await listProfiles(profileChoice(command)) : [request.profile];
  for (const profile of profiles) {
    try {
      const { filesRemoved, clustersStopped } = await cleanProfile(profile, { force, graceMs: values.stopTimeoutMs });
      logger.info("cleaned", { profile: profile.name, filesRemoved: filesRemoved.length, clustersStopped: clustersStopped.length });
    } catch (cause) {
      if (cause instanceof InvalidStateError) throw new ExitError(EXIT_ALREADY_RUNNING, cause.message, { cause });
      throw cause;
    }
  }
}
