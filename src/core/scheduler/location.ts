// Where a task with targets or `follow` may run (protocol §7.4): in its targets, where what it follows ran, and not where
// it failed or was declined. Costs what these three lists are long, whatever the number of engines.

import type { EngineUuid } from "../../base/index.ts";
import type { EnginePool } from "./engine-pool.ts";
import type { TaskFailure } from "./events.ts";
import { noEngineLeft, scattered } from "./failures.ts";
import type { TaskPlan } from "./task.ts";

/** The engines that may run it, or why none ever will. */
export type Location =
  | { readonly isPossible: false; readonly failure: TaskFailure }
  | {
      readonly isPossible: true;
      /** Here or not. */
      readonly engines: readonly EngineUuid[];
      /** How many of them are here. */
      readonly liveCount: number;
      /** More may come, because tasks to follow have not finished. */
      readonly isOpen: boolean;
    };

/** Finds the engines that may run a task. */
export function locate({ targets, follow, shunned }: TaskPlan, pool: EnginePool): Location {
  if (follow !== null && follow.isScattered) return { isPossible: false, failure: scattered() };
  const isHere = (uuid: EngineUuid): boolean => pool.find(uuid) !== undefined;
  const allowed = targets === null ? [] : [...targets].filter((uuid) => !shunned.has(uuid));
  if (targets !== null && !allowed.some(isHere)) return { isPossible: false, failure: noEngineLeft() };
  const engines = follow === null ? allowed : [...follow.engines].filter((uuid) => !shunned.has(uuid) && (targets === null || targets.has(uuid)));
  const liveCount = engines.filter(isHere).length;
  const isOpen = follow !== null && follow.unfinishedCount > 0;
  if (liveCount === 0 && !isOpen) return { isPossible: false, failure: noEngineLeft() };
  return { isPossible: true, engines, liveCount, isOpen };
}
