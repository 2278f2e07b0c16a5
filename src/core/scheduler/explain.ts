// Why a task is not running: the answer as plain data, for people and tools. Looking costs nothing to the scheduler's
// own work; lists are cut, counts are exact.

import type { EngineUuid, MsgId } from "../../base/index.ts";
import type { DependencyProgress } from "./dependency-progress.ts";
import type { EnginePool } from "./engine-pool.ts";
import type { TaskOutcome } from "./events.ts";
import type { KeptOutcome } from "./outcomes.ts";
import { NOBODY, type LiveTask } from "./task.ts";

const LISTED_MAX = 20;

/** Some of a list, and how long it is. */
export interface Listed<T> {
  readonly count: number;
  /** The first twenty. */
  readonly first: readonly T[];
}

/** Attempts that came to nothing; told of a live task that had any. */
export interface TaskAttempts {
  /** Attempts that failed and were tried again. */
  readonly retried: number;
  readonly retriesLeft: number;
  readonly failedOn: Listed<EngineUuid>;
  /** Engines that would not run it, because a functional dependency did not hold there. */
  readonly declinedBy: Listed<EngineUuid>;
}

/** Where a task stands, what would have to happen for it to run, and what was tried. */
export type TaskExplanation = TaskStanding & { readonly attempts?: TaskAttempts };

type TaskStanding =
  /** Never heard of, or forgotten. */
  | { readonly state: "unknown" }
  | { readonly state: "finished"; readonly outcome: TaskOutcome; readonly engine: EngineUuid | null }
  /** `ahead`: tasks sent to the engine before it, which it has not answered. */
  | { readonly state: "running"; readonly engine: EngineUuid; readonly ahead: number }
  /** Its engine left; it fails or is retried unless a reply comes soon. */
  | { readonly state: "stranded"; readonly engine: EngineUuid }
  /** The task store has not said yet what became of these. */
  | { readonly state: "resolving"; readonly lookedUp: Listed<MsgId> }
  /** `after`: these have not finished. */
  | { readonly state: "blocked"; readonly unfinished: Listed<MsgId> }
  | { readonly state: "waiting"; readonly reason: "noEngines" }
  /** Every engine that may run it has as many tasks as `hwm` allows. */
  | { readonly state: "waiting"; readonly reason: "allBusy"; readonly hwm: number; readonly engines: Listed<EngineUuid> }
  /** Every engine that may run it is to go; it waits for another one. */
  | { readonly state: "waiting"; readonly reason: "allDraining"; readonly engines: Listed<EngineUuid> }
  /** The only engines here declined it or failed it; it waits for another one. */
  | { readonly state: "waiting"; readonly reason: "allShunned"; readonly shunned: Listed<EngineUuid> }
  /** `follow`: no engine that may run it has one of these yet. */
  | { readonly state: "waiting"; readonly reason: "followUnfinished"; readonly unfinished: Listed<MsgId> };

/** What the explanation is drawn from. */
export interface ExplainParts {
  readonly pool: EnginePool;
  readonly tasks: ReadonlyMap<MsgId, LiveTask>;
  readonly kept: KeptOutcome | undefined;
}

/** Explains where a task stands. */
export function explainTask(task: LiveTask | undefined, parts: ExplainParts): TaskExplanation {
  if (task === undefined) return parts.kept === undefined ? { state: "unknown" } : { state: "finished", ...parts.kept };
  const attempts = attemptsOf(task);
  return attempts === undefined ? standingOf(task, parts) : { ...standingOf(task, parts), attempts };
}

function attemptsOf({ plan }: LiveTask): TaskAttempts | undefined {
  if (plan === null || plan.shunned.size === 0) return undefined;
  const { retried, retriesLeft, shunned, declined } = plan;
  return { retried, retriesLeft, failedOn: listed([...shunned].filter((uuid) => !declined.has(uuid))), declinedBy: listed(declined) };
}

function standingOf(task: LiveTask, parts: ExplainParts): TaskStanding {
  switch (task.state.name) {
    case "running":
      return { state: "running", engine: task.state.engine.uuid, ahead: tasksAhead(task) };
    case "stranded":
      return { state: "stranded", engine: task.state.engine.uuid };
    case "resolving":
      return { state: "resolving", lookedUp: listed(task.plan?.missing?.keys() ?? []) };
    case "blocked":
      return { state: "blocked", unfinished: unfinished(task.plan?.after ?? null, parts.tasks) };
    case "waiting":
      return explainWaiting(task, task.state.place === "located" ? task.state.engines : null, parts);
    case "placing":
    case "ready":
    case "finished":
      // Never between events, which is when this is asked.
      return { state: "unknown" };
  }
}

function tasksAhead(task: LiveTask): number {
  let ahead = 0;
  for (let before = task.previous; before !== null; before = before.previous) ahead += 1;
  return ahead;
}

function explainWaiting(task: LiveTask, bound: readonly EngineUuid[] | null, { pool, tasks }: ExplainParts): TaskStanding {
  if (pool.size === 0) return { state: "waiting", reason: "noEngines" };
  const shunned = task.plan?.shunned ?? NOBODY;
  const candidates = (bound ?? [...pool].map((engine) => engine.uuid)).filter((uuid) => pool.find(uuid) !== undefined && !shunned.has(uuid));
  if (candidates.length > 0 && candidates.every((uuid) => pool.find(uuid)?.isDraining === true))
    return { state: "waiting", reason: "allDraining", engines: listed(candidates) };
  if (candidates.length > 0) return { state: "waiting", reason: "allBusy", hwm: pool.hwm, engines: listed(candidates) };
  if (task.plan?.follow !== null && task.plan?.follow !== undefined) {
    return { state: "waiting", reason: "followUnfinished", unfinished: unfinished(task.plan.follow, tasks) };
  }
  return { state: "waiting", reason: "allShunned", shunned: listed(shunned) };
}

/** Named tasks that are alive: those are the ones that have not finished. */
function unfinished(progress: DependencyProgress | null, tasks: ReadonlyMap<MsgId, LiveTask>): Listed<MsgId> {
  return listed([...(progress?.msgIds ?? [])].filter((msgId) => tasks.has(msgId)));
}

function listed<T>(items: Iterable<T>): Listed<T> {
  const all = [...items];
  return { count: all.length, first: all.slice(0, LISTED_MAX) };
}
