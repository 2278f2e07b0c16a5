// What users pass to views, checked before anything is done with it.

import { InvalidArgumentError } from "../base/index.ts";
import type { Targets } from "../core/index.ts";

/** Refuses what a view cannot take as a target. */
export function checkTargets(targets: unknown): asserts targets is Targets {
  const isId = (value: unknown): boolean => Number.isInteger(value);
  if (targets === "all" || isId(targets) || (Array.isArray(targets) && targets.every(isId))) return;
  throw new InvalidArgumentError(`targets must be an engine id, a list of ids, or "all", and is ${JSON.stringify(targets)}`);
}

/** Refuses a label that is no JSON value: it travels in the request's metadata. */
export function checkLabel(label: unknown): void {
  try {
    JSON.stringify(label);
  } catch (cause) {
    throw new InvalidArgumentError(`a label must be a JSON value: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
