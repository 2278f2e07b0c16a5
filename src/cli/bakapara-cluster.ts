// The cluster that bakapara works on: a running one, or a private one of its own.

import { isParallelError } from "../base/index.ts";
import { EXIT_CANNOT_RUN } from "../bakapara/index.ts";
import { Client } from "../client/index.ts";
import { Cluster } from "../cluster/index.ts";
import type { Logger } from "../log/index.ts";
import type { BakaparaRequest } from "./bakapara-options.ts";
import { ExitError } from "./program.ts";

/** A connected cluster. */
export interface Workplace extends AsyncDisposable {
  readonly client: Client;
  /** Resolves, with the reason, when the cluster or the connection is gone; never rejects. */
  readonly lost: Promise<string>;
}

// Engines of a cluster that was just started may still be on their way.
const ENGINES_WAIT_MS = 10_000;
// A connection may fail for a moment. A controller that was restarted has lost its queue: nothing is gained by waiting for it.
const RECONNECT_MS = 2000;

/** Finds or starts the cluster. @throws ExitError in one sentence, with how to start one */
export function openWorkplace(request: BakaparaRequest, logger: Logger, signal: AbortSignal): Promise<Workplace> {
  return request.local === undefined ? connectRunning(request, logger, signal) : startLocal(request.local, logger, signal);
}

async function connectRunning(request: BakaparaRequest, logger: Logger, signal: AbortSignal): Promise<Workplace> {
  const { profile, profileDir, clusterId, file } = request;
  let client: Client;
  try {
    client = await Client.connect({ profile, profileDir, clusterId, file, logger, signal, reconnectMs: RECONNECT_MS });
  } catch (cause) {
    if (!isParallelError(cause)) throw cause;
    throw new ExitError(EXIT_CANNOT_RUN, `no cluster to run jobs on: ${cause.message}; or run them on this machine alone, with \`bakapara --local\``, {
      cause,
    });
  }
  try {
    await client.waitForEngines(1, { timeoutMs: ENGINES_WAIT_MS, signal });
  } catch (cause) {
    await client.close();
    signal.throwIfAborted();
    throw new ExitError(EXIT_CANNOT_RUN, "the cluster has no engines; start some with `ipcluster engines -n 4`, or use `bakapara --local`", { cause });
  }
  return { client, lost: client.closed, [Symbol.asyncDispose]: () => client.close() };
}

async function startLocal(n: number | "cores", logger: Logger, signal: AbortSignal): Promise<Workplace> {
  const cluster = await Cluster.start({ private: true, logger, signal, ...(n === "cores" ? {} : { n }) });
  try {
    const client = await cluster.connect({ logger, signal });
    const lost = Promise.race([client.closed, cluster.closed.then((end) => end.message)]);
    return {
      client,
      lost,
      async [Symbol.asyncDispose]() {
        await client.close();
        await cluster.stop();
      },
    };
  } catch (cause) {
    await cluster.stop();
    throw cause;
  }
}
