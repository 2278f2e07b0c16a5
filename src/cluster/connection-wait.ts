// Waits until a controller has written both connection files, or for the reason why it does not.

import { ConfigError, TimeoutError } from "../base/index.ts";
import { connectionFilePath, readConnectionFile, type ConnectionRole } from "../config/index.ts";
import type { LaunchedController } from "../launch/index.ts";
import type { ClientConnectionInfo, EngineConnectionInfo } from "../wire/index.ts";
import type { ClusterPlan } from "./cluster-plan.ts";
import { endedEarly } from "./failures.ts";

/** Content of the two files. */
export interface ConnectionFiles {
  readonly client: ClientConnectionInfo;
  readonly engine: EngineConnectionInfo;
}

/**
 * The connection files of a controller that was just started.
 *
 * @throws ProcessExitedError when it ends before, with its last words; TimeoutError; the signal's reason
 */
export async function waitForConnectionFiles(plan: ClusterPlan, controller: LaunchedController, signal: AbortSignal | undefined): Promise<ConnectionFiles> {
  const waitMs = plan.values.connectionTimeoutMs;
  const stop = new AbortController();
  const options = { waitMs, signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]) };
  const path = (role: ConnectionRole): string => connectionFilePath(plan.profile, role, plan.clusterId);
  const read = async (): Promise<ConnectionFiles> => {
    if (controller.begun !== undefined) await Promise.race([controller.begun, aborted(options.signal)]);
    const client = await readConnectionFile("client", path("client"), options);
    return { client, engine: await readConnectionFile("engine", path("engine"), options) };
  };
  const ended = controller.exited.then((exit) => Promise.reject(endedEarly("the controller", exit, controller.log)));
  ended.catch(() => undefined); // loses the race in the good case, and rejects when the cluster is stopped
  try {
    return await Promise.race([read(), ended]);
  } catch (cause) {
    if (!(cause instanceof ConfigError) || !controller.isRunning) throw cause;
    throw new TimeoutError(`the controller wrote no usable connection files within ${waitMs / 1000} s: ${cause.message}; see its log ${controller.log}`, {
      cause,
    });
  } finally {
    stop.abort();
  }
}

/** Rejects when a signal is aborted; a rejection that nobody waits for any more is no failure. */
function aborted(signal: AbortSignal): Promise<never> {
  const rejected = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  rejected.catch(() => undefined);
  return rejected;
}
