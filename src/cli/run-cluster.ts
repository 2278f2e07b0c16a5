// A cluster for as long as this process lives: starts, says when all engines answer, waits, stops everything at the end.

import { InvalidStateError } from "../base/index.ts";
import { Cluster, type ClusterPlan } from "../cluster/index.ts";
import type { Logger } from "../log/index.ts";
import { sameClusterFlags } from "./cluster-flags.ts";
import type { Interruption } from "./interruption.ts";
import { EXIT_ALREADY_RUNNING } from "./ipcluster-exit-codes.ts";
import { ExitError } from "./program.ts";

/** Node ends when nothing is pending; the cluster's processes do not count, so a timer holds it. */
const HOLD_MS = 60_000;

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
