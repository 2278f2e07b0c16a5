// What users pass to views, checked before anything is done with it.

import { describeIds, InvalidArgumentError } from "../base/index.ts";
import { didYouMean } from "../config/index.ts";
import { type Targets } from "../core/client/index.ts";
import type { Dict } from "../wire/index.ts";
import type { EngineKinds } from "./engine-call.ts";

/** Refuses options that are none, and those that are not there: a misspelt one would do nothing, and nobody would notice. `what` takes them. */
export function checkNames(what: string, options: object, known: Readonly<Record<string, true>>): void {
  if (typeof options !== "object" || options === null)
    throw new InvalidArgumentError(`${what} takes an object of options (${Object.keys(known).join(", ")}), and got ${String(options)}`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const names = Object.keys(known);
    throw new InvalidArgumentError(`${what} has no option "${name}"${didYouMean(name, names) || `; there are ${names.join(", ")}`}`);
  }
}

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

/** Refuses what is no time. */
export function checkTimeLimit(timeLimitMs: number | undefined): void {
  if (timeLimitMs !== undefined && !(timeLimitMs > 0)) throw new InvalidArgumentError(`timeLimitMs must be more than 0, and is ${timeLimitMs}`);
}

/** What tells engines of ours how long a request may run; Python's keep no such limit, so they are refused. */
export function timeLimitMetadata(timeLimitMs: number | undefined, { pythons }: Pick<EngineKinds, "pythons">): Dict {
  if (timeLimitMs === undefined || timeLimitMs === Infinity) return {};
  if (pythons.length === 0) return { time_limit_ms: timeLimitMs };
  throw new InvalidArgumentError(
    `timeLimitMs cannot be kept on the Python engines of this view (${describeIds(pythons.map(({ id }) => id))}); leave it out, or choose engines by targets { language: "typescript" }`,
  );
}
