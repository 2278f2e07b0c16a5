// Questions about work and engines that go (control channel, to the controller itself), between our own programs: how much
// there is to do and who has it (`workload_request`), and that engines are to get nothing more (`drain_request`).

import { engineUuid, type EngineUuid } from "../base/index.ts";
import { isDict, type Dict } from "./message.ts";

/** What a `drain_request` asks for. */
export interface DrainRequest {
  readonly engines: readonly EngineUuid[];
  /** After so many milliseconds what they have goes back to the queue; `null`: never. */
  readonly limitMs: number | null;
  /** They are to stay after all. */
  readonly isUndone: boolean;
}

/** Longest time a limit may have: a day. */
const LIMIT_MS_MAX = 86_400_000;

/** Content of a `drain_request`. */
export function drainRequest({ engines, limitMs, isUndone }: DrainRequest): Dict {
  return { engines, limit_ms: limitMs, undo: isUndone };
}

/** Reads the content of a `drain_request`; a text tells what is wrong with it. */
export function readDrainRequest(content: Dict): DrainRequest | string {
  const { engines, limit_ms: limit, undo } = content;
  if (!Array.isArray(engines) || !engines.every((uuid): uuid is string => typeof uuid === "string")) return "content.engines must be a list of uuids";
  if (limit !== null && limit !== undefined && !(typeof limit === "number" && limit >= 0)) return "content.limit_ms must be a number of at least 0, or null";
  return { engines: engines.map(engineUuid), limitMs: typeof limit === "number" ? Math.min(limit, LIMIT_MS_MAX) : null, isUndone: undo === true };
}

/** What one engine has to do. */
export interface EngineWork {
  /** Load-balanced tasks sent to it and not answered. */
  readonly tasks: number;
  /** Direct requests sent to it and not answered. */
  readonly direct: number;
  /** How long it has had no task, in milliseconds. */
  readonly idleMs: number;
  /** It gets nothing more. */
  readonly isDraining: boolean;
}

/** What there is to do. */
export interface ClusterWork {
  /** Tasks that could run now but for room on an engine. */
  readonly waiting: number;
  readonly engines: ReadonlyMap<EngineUuid, EngineWork>;
}

/** Content of the answer to either request. */
export function workReply(waiting: number, engines: Iterable<readonly [EngineUuid, EngineWork]>): Dict {
  const facts = [...engines].map(([uuid, { tasks, direct, idleMs, isDraining }]) => [uuid, { tasks, direct, idle_ms: idleMs, draining: isDraining }]);
  return { status: "ok", waiting, engines: Object.fromEntries(facts) as Dict };
}

/** Reads that content; `undefined` when it is none. */
export function readWorkReply(content: Dict): ClusterWork | undefined {
  const { waiting, engines } = content;
  if (typeof waiting !== "number" || !isDict(engines)) return undefined;
  const read = new Map<EngineUuid, EngineWork>();
  for (const [uuid, facts] of Object.entries(engines)) {
    if (!isDict(facts)) return undefined;
    const count = (name: string): number => (typeof facts[name] === "number" ? facts[name] : 0);
    read.set(engineUuid(uuid), { tasks: count("tasks"), direct: count("direct"), idleMs: count("idle_ms"), isDraining: facts["draining"] === true });
  }
  return { waiting, engines: read };
}
