// Which engines a view means.

import { describeIds, InvalidArgumentError, NoEnginesRegistered, type EngineId } from "../../base/index.ts";
import type { EngineFacts } from "./engine-directory.ts";

/** Engines that an error message names. */
const SHOWN_MAX = 8;

/** Engines by what they told of themselves: those whose properties all have these values, like `{ language: "python" }`. */
export type EngineSelector = Readonly<Record<string, string | number | boolean>>;

/** Engines as users name them: an id, a negative number counted from the end, a list of these, all, or by their properties. */
export type Targets = number | readonly number[] | "all" | EngineSelector;

/** Whether the targets are found anew at each call, because engines that join later may belong to them. */
export function isOpenTargets(targets: Targets): targets is "all" | EngineSelector {
  return targets === "all" || (typeof targets === "object" && !Array.isArray(targets));
}

/** Looks up the engines of `targets` among those known now. Throws when one is missing or there is none at all. */
export function resolveTargets(engines: ReadonlyMap<EngineId, EngineFacts>, targets: Targets): readonly EngineFacts[] {
  if (engines.size === 0) throw new NoEnginesRegistered("there is no engine; start some with `ipcluster engines -n N`, or await waitForEngines(n)");
  if (targets === "all") return [...engines.values()];
  if (isOpenTargets(targets)) return selectEngines(engines, targets);
  const wanted = typeof targets === "number" ? [targets] : targets;
  if (wanted.length === 0) throw new InvalidArgumentError("a view needs at least one engine, and its targets are empty");
  return wanted.map((id) => resolveOne(engines, id));
}

function selectEngines(engines: ReadonlyMap<EngineId, EngineFacts>, selector: EngineSelector): readonly EngineFacts[] {
  const wanted = Object.entries(selector);
  const found = [...engines.values()].filter(({ properties }) => wanted.every(([name, value]) => properties[name] === value));
  if (found.length > 0) return found;
  const text = wanted.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(" and ");
  const there = [...engines.values()].map(({ id, properties }) => `${id}: ${wanted.map(([name]) => JSON.stringify(properties[name]) ?? "none").join(", ")}`);
  throw new NoEnginesRegistered(`no engine has ${text}; there are ${there.slice(0, SHOWN_MAX).join("; ")}`);
}

function resolveOne(engines: ReadonlyMap<EngineId, EngineFacts>, wanted: number): EngineFacts {
  const engine = wanted < 0 ? [...engines.values()].at(wanted) : engines.get(wanted as EngineId);
  if (engine !== undefined) return engine;
  throw new InvalidArgumentError(`there is no engine ${wanted}; the engines are ${describeIds([...engines.keys()])}`);
}

/** The elements that Python's `sequence[start:stop:step]` picks. */
export function pickSlice<T>(items: readonly T[], start?: number, stop?: number, step = 1): T[] {
  if (!Number.isInteger(step) || step === 0) throw new InvalidArgumentError(`a slice's step must be a whole number other than 0, and is ${step}`);
  for (const bound of [start, stop])
    if (bound !== undefined && !Number.isInteger(bound)) throw new InvalidArgumentError(`a slice's bounds must be whole numbers, and one is ${bound}`);
  const length = items.length;
  const clamp = (index: number, low: number, high: number): number => Math.min(high, Math.max(low, index < 0 ? index + length : index));
  const picked: T[] = [];
  if (step > 0) {
    const end = stop === undefined ? length : clamp(stop, 0, length);
    for (let i = start === undefined ? 0 : clamp(start, 0, length); i < end; i += step) picked.push(items[i] as T);
    return picked;
  }
  const end = stop === undefined ? -1 : clamp(stop, -1, length - 1);
  for (let i = start === undefined ? length - 1 : clamp(start, -1, length - 1); i > end; i += step) picked.push(items[i] as T);
  return picked;
}
