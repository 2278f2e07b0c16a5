// `ipcluster engines` and `ipcluster wait`: engines for a cluster that runs already, and waiting until it is complete.

import { availableParallelism } from "node:os";
import { NotRunningError, TimeoutError } from "../base/index.ts";
import { Cluster, HubLink, clusterFilePath, clusterName, readClusterFile, type ClusterFile } from "../cluster/index.ts";
import { connectionFilePath, readConnectionFile, type ClusterValues, type ProfileDir } from "../config/index.ts";
import { clusterRequest, clusterValues, commandLogger, requestedId, sameClusterFlags, type ClusterRequest } from "./cluster-flags.ts";
import { EXIT_NO_CLUSTER } from "./ipcluster-exit-codes.ts";
import { Interruption } from "./interruption.ts";
import { EXIT_USAGE } from "./exit-error.ts";
import { ExitError, type Command } from "./program.ts";
import type { RunParts } from "./run-cluster.ts";

const HOLD_MS = 60_000;

interface EnginesFlags {
  readonly scale?: number;
  readonly drainTimeout?: number;
  readonly daemonize?: true;
  readonly supervised?: true;
}

/**
 * Runs `ipcluster engines`: adds engines, stays, and stops them at Ctrl-C; with `--daemonize` in the background. With `--scale` it may
 * remove some instead, and ends then.
 */
export async function enginesCommand(command: Command): Promise<void> {
  const request = clusterRequest(command);
  const flags = command.opts<EnginesFlags>();
  refuseBoth(flags.scale, request.given["n"]);
  const values = await clusterValues(request);
  const change = async (parts: RunParts): Promise<void> => changeEngines(request, values, flags, parts);
  if (flags.supervised === true) {
    const { inBackground } = await import("./ipcluster-daemon.ts");
    await inBackground({ values }, change);
  } else if (flags.daemonize === true) {
    const [{ profile }, clusterId] = [request, requestedId(request)];
    await clusterFileOf(profile, clusterId); // before a log is written for it
    const { daemonize } = await import("./ipcluster-daemon.ts");
    await daemonize({ profile, clusterId, values }, `change their number with: ipcluster engines${sameClusterFlags(profile, clusterId)} --scale=N`);
  } else {
    const logger = commandLogger(values.logLevel);
    using interruption = new Interruption(logger);
    await change({ logger, interruption, onReady: () => undefined });
  }
}

async function changeEngines(
  request: ClusterRequest,
  values: ClusterValues,
  { scale, drainTimeout: drainTimeoutMs }: EnginesFlags,
  { logger, interruption: { signal }, onReady }: RunParts,
): Promise<void> {
  const hold = setInterval(() => undefined, HOLD_MS); // the engines' processes alone do not keep this one alive
  try {
    const cluster = await findOrExplain(request.profile, requestedId(request), async (source) => Cluster.fromFile(source, { logger, given: request.given }));
    try {
      const n = values.n ?? availableParallelism();
      const added = scale === undefined ? n : await cluster.scale(scale, { signal, drainTimeoutMs });
      if (scale === undefined) await cluster.addEngines(n, { signal });
      const elapsed = `${(performance.now() / 1000).toFixed(1)} s`;
      if (added <= 0) {
        const sentence = added === 0 ? "there are as many engines already" : "engines were removed";
        logger.info(sentence, { engines: scale, removed: -added, elapsed });
        return onReady(`${sentence}: ${scale ?? n}`);
      }
      logger.info("ready: all added engines answer", { engines: added, elapsed });
      onReady(`ready: ${added} more engine${added === 1 ? "" : "s"} answered after ${elapsed}`);
      const interrupted = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      await Promise.race([cluster.closed, interrupted]);
    } finally {
      await cluster.leave();
    }
  } finally {
    clearInterval(hold);
  }
}

function refuseBoth(scale: number | undefined, n: unknown): void {
  if (scale !== undefined && n !== undefined) throw new ExitError(EXIT_USAGE, "-n adds engines and --scale brings their number to one; give one of them");
  if (n === 0) throw new ExitError(EXIT_USAGE, "-n 0 adds no engine; say how many, or bring their number to one with --scale");
}

/** Runs `ipcluster wait`: returns when so many engines answer. */
export async function waitCommand(command: Command): Promise<void> {
  const request = clusterRequest(command);
  const values = await clusterValues(request);
  const { profile } = request;
  const clusterId = requestedId(request);
  const file = await clusterFileOf(profile, clusterId);
  const n = values.n ?? file.cluster.n ?? 1;
  const timeoutMs = command.opts<{ timeout: number }>().timeout * 1000;
  const signal = AbortSignal.timeout(timeoutMs);
  let answering = 0;
  const late = (): TimeoutError =>
    new TimeoutError(`${answering} of ${n} engines answered within ${timeoutMs / 1000} s; \`ipcluster logs\` shows what the others say`);
  const info = await readConnectionFile("client", connectionFilePath(profile, "client", clusterId), { waitMs: timeoutMs });
  const link = new HubLink(info);
  try {
    if (!(await link.waitForEngines((engines) => (answering = engines.size) >= n, signal))) throw late();
  } finally {
    await link.close();
  }
  commandLogger(values.logLevel).info("ready: engines answer", { engines: n });
}

async function clusterFileOf(profile: ProfileDir, clusterId: string): Promise<ClusterFile> {
  const file = await readClusterFile(clusterFilePath(profile, clusterId));
  if (file !== undefined) return file;
  throw new ExitError(EXIT_NO_CLUSTER, `${clusterName(profile, clusterId)} does not run; start it with \`ipcluster start\``);
}

async function findOrExplain(
  profile: { readonly path: string },
  clusterId: string,
  find: (source: { profileDir: string; clusterId: string }) => Promise<Cluster>,
): Promise<Cluster> {
  try {
    return await find({ profileDir: profile.path, clusterId });
  } catch (cause) {
    if (cause instanceof NotRunningError) throw new ExitError(EXIT_NO_CLUSTER, cause.message, { cause });
    throw cause;
  }
}
