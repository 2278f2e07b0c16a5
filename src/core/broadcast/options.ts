// The broadcast scheduler's defaults, and what it refuses.

import { InvalidArgumentError } from "../../base/index.ts";
import type { BroadcastSchedulerOptions } from "./events.ts";

/** Fills in defaults and refuses what cannot work. */
export function resolveBroadcastOptions(options: BroadcastSchedulerOptions): Required<BroadcastSchedulerOptions> {
  const config = {
    pendingMax: options.pendingMax ?? 10_000,
    heldBytesMax: options.heldBytesMax ?? 1024 ** 3,
    departedGraceMs: options.departedGraceMs ?? 5000,
  };
  for (const name of ["pendingMax", "heldBytesMax"] as const) {
    if (!Number.isSafeInteger(config[name]) || config[name] < 1)
      throw new InvalidArgumentError(`${name} is ${config[name]}, and must be a whole number of at least 1`);
  }
  if (!(config.departedGraceMs >= 0 && Number.isFinite(config.departedGraceMs))) {
    throw new InvalidArgumentError(`departedGraceMs is ${config.departedGraceMs}, and must be a finite number of milliseconds of at least 0`);
  }
  return config;
}
