// What users pass to views, checked before anything is done with it.

import { InvalidArgumentError } from "../base/index.ts";
import type { Targets } from "../core/index.ts";

/** Refuses what a view cannot take as a target. */
export function checkTargets(targets: unknown): asserts targets is Targets {
  const isId = (value: unknown): boolean => Number.isInteger(value);
  if (targets === "all" || isId(targets) || (Array.isArray(targets) && targets.every(isId)) || isSelector(targets)) return;
  throw new InvalidArgumentError(
    `targets must be an engine id, a list of ids, "all", or properties like { language: "python" }, and is ${JSON.stringify(targets)}`,
  );
}

function isSelector(targets: unknown): boolean {
  if (typeof targets !== "object" || targets === null || Array.isArray(targets)) return false;
  const values = Object.values(targets);
  return values.length > 0 && values.every((value) => ["string", "number", "boolean"].includes(typeof value));
}

/** Refuses a label that is no JSON value: it travels in the request's metadata. */
export function checkLabel(label: unknown): void {
  try {
    JSON.stringify(label);
  } catch (cause) {
    throw new InvalidArgumentError(`a label must be a JSON value: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
