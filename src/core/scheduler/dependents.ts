// What follows for others when a task finishes: its dependents note the outcome, become runnable, or fail in their turn.

import { InvariantError, type EngineUuid } from "../../base/index.ts";
import type { TaskFailure, TaskOutcome } from "./events.ts";
import * as failures from "./failures.ts";
import { BLOCKED, FINISHED, RESOLVING, isUnreachable, type Dependents, type LiveTask, type TaskPlan } from "./task.ts";

/** A task that finished while others depend on it. */
export interface FinishedTask {
  readonly dependents: Dependents;
  readonly outcome: TaskOutcome;
  readonly engine: EngineUuid | null;
}

/** What telling a dependent may come to. */
export interface DependentsActions {
  examine(task: LiveTask, plan: TaskPlan): void;
  makeReady(task: LiveTask): void;
  fail(task: LiveTask, failure: TaskFailure): void;
}

/** Tells dependents. */
export class DependentsTeller {
  readonly #actions: DependentsActions;
  /** Finished tasks whose dependents are not told yet: empty between events. */
  readonly #over: FinishedTask[] = [];

  constructor(actions: DependentsActions) {
    this.#actions = actions;
  }

  /** Finished tasks whose dependents are not told. */
  get length(): number {
    return this.#over.length;
  }

  push(over: FinishedTask): void {
    this.#over.push(over);
  }

  /** One failure may bring about others: this goes on until there are no more. */
  tellAll(): void {
    for (let over = this.#over.pop(); over !== undefined; over = this.#over.pop()) this.#tell(over);
  }

  #tell({ dependents, outcome, engine }: FinishedTask): void {
    for (const task of dependents.after) {
      const plan = planOf(task);
      plan.after?.note(outcome, engine);
      if (task.state === BLOCKED) this.#actions.examine(task, plan);
    }
    for (const task of dependents.follow) {
      const plan = planOf(task);
      plan.follow?.note(outcome, engine);
      // One that finished meanwhile may still be listed: others it depended on were told of first.
      if (task.state === FINISHED || task.state === RESOLVING) continue;
      if (isUnreachable(plan)) this.#actions.fail(task, failures.unreachable());
      else if (task.state.name === "waiting") this.#actions.makeReady(task);
    }
  }
}

function planOf(task: LiveTask): TaskPlan {
  if (task.plan === null) throw new InvariantError(`task ${task.msgId} depends on another one and has no plan`);
  return task.plan;
}
