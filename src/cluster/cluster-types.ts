// What the Cluster class takes and gives.

import type { ConfigValues } from "../config/index.ts";
import type { EngineLanguage } from "../core/index.ts";
import type { Logger } from "../log/index.ts";

/** Where a cluster stands. */
export type Phase = "starting" | "running" | "stopping" | "stopped";

/** Why a cluster is gone. */
export interface ClusterEnd {
  /** `stopped`: by `stop`; `shutdown`: the controller was told to end; `failed`: the controller ended by itself. */
  readonly reason: "stopped" | "shutdown" | "failed";
  /** What happened, in words. */
  readonly message: string;
}

/** How to add engines. */
export interface AddEnginesOptions {
  /** Gives up, and stops the engines that were added. */
  readonly signal?: AbortSignal | undefined;
  /** What they run, default `typescript`. Python engines are started by the option `python.command`. */
  readonly language?: EngineLanguage | undefined;
}

/** How to change the number of engines. */
export interface ScaleOptions {
  /** How long an engine that is to go may take to end what it has, in milliseconds; what is left then goes back to the queue. Default: as long as it takes. */
  readonly drainTimeoutMs?: number | undefined;
  /** Gives up; engines that were not told to end yet get tasks again. */
  readonly signal?: AbortSignal | undefined;
}

/** How to start engines again. */
export interface RestartOptions {
  /** Gives up the start of the new ones, and stops them. */
  readonly signal?: AbortSignal | undefined;
}

/** What a plan is run with. */
export interface RunOptions {
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
  /** True when this process does nothing but look after the cluster. */
  readonly isDedicated: boolean;
}

/** How to take up a cluster that runs. */
export interface FromFileOptions {
  readonly logger?: Logger;
  /** Option values by full name, for engines added here. */
  readonly given?: ConfigValues;
}
