// `ipcluster start`: in the foreground, in the background, or only what would be done.

import { planGiven, previewCluster, type ClusterPlan } from "../cluster/index.ts";
import type { Logger } from "../log/index.ts";
import { clusterRequest, commandLogger, sameClusterFlags, type ClusterRequest } from "./cluster-flags.ts";
import { newProfileRemark, refuseIdlePython } from "./doubtful-flags.ts";
import { Interruption } from "./interruption.ts";
import type { Command } from "./program.ts";
import { runCluster } from "./run-cluster.ts";
import { profileChoice } from "./schema-options.ts";

/** Runs `ipcluster start`; `controllerArgs` stood after `--`. */
export async function startCommand(command: Command, controllerArgs: readonly string[]): Promise<void> {
  const request = clusterRequest(command);
  const plan = await planStart(request, controllerArgs);
  refuseIdlePython(request, plan);
  const { supervised = false, dryRun = false } = command.opts<{ supervised?: boolean; dryRun?: boolean }>();
  if (dryRun) {
    process.stdout.write(await previewCluster(plan));
  } else if (supervised) {
    const { supervise } = await import("./ipcluster-daemon.ts");
    await supervise(plan);
  } else if (plan.values.daemonize) {
    await remarkNewProfile(plan, command);
    const { daemonize } = await import("./ipcluster-daemon.ts");
    await daemonize(plan, `stop it with: ipcluster stop${sameClusterFlags(plan.profile, plan.clusterId)}`);
  } else {
    await remarkNewProfile(plan, command);
    await runInForeground(plan);
  }
}

async function remarkNewProfile({ profile, values }: ClusterPlan, command: Command): Promise<void> {
  const remark = await newProfileRemark(profile, profileChoice(command));
  if (remark !== undefined) commandLogger(values.logLevel).warn(remark);
}

async function planStart(request: ClusterRequest, controllerArgs: readonly string[]): Promise<ClusterPlan> {
  const plan = await planGiven(request.profile, request.given, false);
  if (controllerArgs.length === 0) return plan;
  return planGiven(request.profile, { ...request.given, "controller.args": [...plan.values["controller.args"], ...controllerArgs] }, false);
}

async function runInForeground(plan: ClusterPlan): Promise<void> {
  const logger = await foregroundLogger(plan);
  using interruption = new Interruption(logger); // Before it is announced: Ctrl-C may come with the announcement.
  logger.info("running in the foreground; Ctrl-C stops everything");
  await runCluster(plan, { logger, interruption, onReady: () => undefined });
}

async function foregroundLogger(plan: ClusterPlan): Promise<Logger> {
  if (!plan.values.logToFile) return commandLogger(plan.values.logLevel);
  const { loggerWithFile } = await import("./ipcluster-daemon.ts");
  return loggerWithFile(plan);
}
