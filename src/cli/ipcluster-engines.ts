// `ipcluster engines` and `ipcluster wait`: engines for a cluster that runs already, and waiting until it is complete.

import { availableParallelism } from "node:os";
import { NotRunningError, TimeoutError } from "../base/index.ts";
import { Cluster, HubLink, clusterFilePath, clusterName, readClusterFile } from "../cluster/index.ts";
import { connectionFilePath, readConnectionFile } from "../config/index.ts";
import { clusterRequest, clusterValues, commandLogger, requestedId } from "./cluster-flags.ts";
import { EXIT_NO_CLUSTER } from "./ipcluster-exit-codes.ts";
import { Interruption } from "./interruption.ts";
import { EXIT_USAGE } from "./exit-error.ts";
import { ExitError, type Command } from "./program.ts";

const HOLD_MS = 60_000;

/** Runs `ipcluster engines`: adds engines, stays, and stops them at Ctrl-C. With `--scale` it may remove some instead, and ends then. */
export async function enginesCommand(command: Command): Promise<void> {
  const request = clusterRequest(command);
  const { scale, drainTimeout: drainTimeoutMs } = command.opts<{ scale?: number; drainTimeout?: number }>();
  refuseBoth(scale, request.given["n"]);
  const values = await clusterValues(request);
  const logger = commandLogger(values.logLevel);
  using interruption = new Interruption(logger);
  const hold = setInterval(() => undefined, HOLD_MS); // the engines' processes alone do not keep this one alive
  try {
    const cluster = await findOrExplain(request.profile, requestedId(request), async (source) => Cluster.fromFile(source, { logger, given: request.given }));
    try {
      const { signal } = interruption;
      const n = values.n ?? availableParallelism();
      const added = scale === undefined ? n : await cluster.scale(scale, { signal, drainTimeoutMs });
      if (scale === undefined) await cluster.addEngines(n, { signal });
      const elapsed = `${(performance.now() / 1000).toFixed(1)} s`;
      if (added <= 0)
        return logger.info(added === 0 ? "there are as many engines already" : "engines were removed", { engines: scale, removed: -added, elapsed });
      logger.info("ready: all added engines answer", { engines: added, elapsed });
      const interrupted = new Promise((resolve) => interruption.signal.addEventListener("abort", resolve, { once: true }));
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
  const file = await readClusterFile(clusterFilePath(profile, clusterId));
  if (file === undefined) throw new ExitError(EXIT_NO_CLUSTER, `${clusterName(profile, clusterId)} does not run; start it with \`ipcluster start\``);
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
