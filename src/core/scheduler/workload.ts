// How much work there is, and who has it: what decides how many engines there should be, and which of them may go.

import type { EngineUuid, Millis } from "../../base/index.ts";
import type { EnginePool } from "./engine-pool.ts";

/** What one engine has. */
export interface EngineWorkload {
  readonly engine: EngineUuid;
  /** Tasks sent to it and not answered. */
  readonly tasks: number;
  /** How long it has had none, in milliseconds; 0 while it has some. */
  readonly idleMs: number;
  /** It is to go, and gets nothing more. */
  readonly isDraining: boolean;
}

/** What a scheduler has to do. */
export interface Workload {
  /** Tasks that could run now but for room on an engine. */
  readonly waiting: number;
  readonly engines: readonly EngineWorkload[];
}

/** Tells the workload. */
export function workloadOf(pool: EnginePool, waiting: number, now: Millis): Workload {
  const engines = [...pool].map((engine) => ({
    engine: engine.uuid,
    tasks: engine.load,
    idleMs: engine.load > 0 ? 0 : Math.max(0, now - engine.busySince),
    isDraining: engine.isDraining,
  }));
  return { waiting, engines };
}
