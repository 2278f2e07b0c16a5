// Targets as users pass them, checked before anything is done with them.

import { InvalidArgumentError } from "../base/index.ts";
import type { Targets } from "../core/index.ts";

/** Refuses what a view cannot take as a target. */
export function checkTargets(targets: unknown): asserts targets is Targets {
  const isId = (value: unknown): boolean => Number.isInteger(value);
  if (targets === "all" || isId(targets) || (Array.isArray(targets) && targets.every(isId))) return;
  throw new InvalidArgumentError(`targets must be an engine id, a list of ids, or "all", and is ${JSON.stringify(targets)}`);
}
