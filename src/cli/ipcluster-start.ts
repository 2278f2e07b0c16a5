// `ipcluster start` in the foreground: starts, says when all engines answer, waits, stops everything at the end.

import { InvalidStateError } from "../base/index.ts";
import { Cluster, planGiven, previewCluster, type ClusterPlan } from "../cluster/index.ts";
import type { Logger } from "../log/index.ts";
import { clusterRequest, commandLogger, sameClusterFlags, type ClusterRequest } from "./cluster-flags.ts";
import { EXIT_ALREADY_RUNNING } from "./ipcluster-exit-codes.ts";
import { Interruption } from "./interruption.ts";
import { ExitError, type Command } from "./program.ts";

/** Node ends when nothing is pending; the cluster's processes do not count, so a timer holds it. */
const HOLD_MS = 60_000;

/** Runs `ipcluster start`; `controllerArgs` stood after `--`. */
export async function startCommand(command: Command, controllerArgs: readonly string[]): Promise<void> {
  const request = clusterRequest(command);
  const plan = await planStart(request, controllerArgs);
  const { supervised = false, dryRun = false } = command.opts<{ supervised?: boolean; dryRun?: boolean }>();
  if (dryRun) {
    process.stdout.write(await previewCluster(plan));
  } else if (supervised) {
    const { supervise } = await import("./ipcluster-daemon.ts");
    await supervise(plan);
  } else if (plan.values.daemonize) {
    const { daemonize } = await import("./ipcluster-daemon.ts");
    await daemonize(plan);
  } else {
    await runInForeground(plan);
  }
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

/** What a run needs besides the plan. */
export interface RunParts {
  readonly logger: Logger;
  readonly interruption: Interruption;
  /** Called with the sentence that says that all engines answer. */
  readonly onReady: (sentence: string) => void;
}

/**
 * Starts a cluster and stays until it ends or a signal comes.
 *
 * @throws ExitError 10 when it runs already; whatever a failed start throws; ExitError 1 when the controller fails later
 */
export async function runCluster(plan: ClusterPlan, parts: RunParts): Promise<void> {
  const { logger, interruption } = parts;
  const { signal } = interruption;
  const hold = setInterval(() => undefined, HOLD_MS);
  try {
    const cluster = await startOrExplain(plan, parts);
    const elapsed = `${(performance.now() / 1000).toFixed(1)} s`;
    const wanted = plan.n + plan.values["python.n"];
    const n = cluster.engineCount;
    if (n < wanted) logger.warn("ready: fewer engines than wanted answer", { engines: n, wanted, elapsed });
    else logger.info("ready: all engines answer", { engines: n, elapsed });
    logger.info(`connect with: ${connectHint(plan)}`);
    parts.onReady(`ready: ${n}${n < wanted ? ` of ${wanted}` : ""} engine${n === 1 ? "" : "s"} answered after ${elapsed}`);
    const interrupted = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
    const end = await Promise.race([cluster.closed, interrupted]);
    await cluster.stop();
    if (end?.reason === "failed") throw new ExitError(1, `${end.message}; everything was stopped`);
  } finally {
    clearInterval(hold);
  }
}

async function startOrExplain(plan: ClusterPlan, parts: RunParts): Promise<Cluster> {
  try {
    return await Cluster.run(plan, { logger: parts.logger, signal: parts.interruption.signal, isDedicated: true });
  } catch (cause) {
    if (cause instanceof InvalidStateError) throw new ExitError(EXIT_ALREADY_RUNNING, cause.message, { cause });
    throw cause;
  }
}

/** How to go on, for TypeScript and for the shell. */
function connectHint({ profile, clusterId }: ClusterPlan): string {
  const choice = [
    profile.name === "default" ? [] : profile.name === profile.path ? [`profileDir: "${profile.path}"`] : [`profile: "${profile.name}"`],
    clusterId === "" ? [] : [`clusterId: "${clusterId}"`],
  ].flat();
  const argument = choice.length === 0 ? "" : `{ ${choice.join(", ")} }`;
  return `await Client.connect(${argument}), or bakapara${sameClusterFlags(profile, clusterId)} < jobs.jsonl`;
}
