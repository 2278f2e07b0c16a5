// What a task depends on, from its submission until it may run or can never run: what is not known any more is looked up,
// then `after` is waited for. (Which dependency names which task is the graph's business, and telling is the teller's.)

import { InvariantError, type MsgId } from "../../base/index.ts";
import type { DependencyGraph } from "./dependency-graph.ts";
import type { FoundOutcome, TaskFailure } from "./events.ts";
import * as failures from "./failures.ts";
import { BLOCKED, RESOLVING, isUnreachable, type LiveTask, type TaskPlan, type TaskState } from "./task.ts";
import type { Timers } from "./timers.ts";

/** What it may come to. */
export interface DependencyActions {
  queue(task: LiveTask, state: TaskState): void;
  makeReady(task: LiveTask): void;
  fail(task: LiveTask, failure: TaskFailure): void;
  /** Asks the task store what became of these. */
  lookup(msgIds: readonly MsgId[]): void;
  /** An outcome that nobody asked for. */
  unasked(msgId: MsgId): void;
}

/** Lets tasks through whose dependencies are met. */
export class DependencyGate {
  readonly #graph: DependencyGraph;
  readonly #timers: Timers;
  readonly #lookupTimeoutMs: number;
  readonly #actions: DependencyActions;

  constructor(parts: { readonly graph: DependencyGraph; readonly timers: Timers; readonly lookupTimeoutMs: number }, actions: DependencyActions) {
    this.#graph = parts.graph;
    this.#timers = parts.timers;
    this.#lookupTimeoutMs = parts.lookupTimeoutMs;
    this.#actions = actions;
  }

  /** A task was submitted. */
  connect(task: LiveTask, plan: TaskPlan): void {
    const connected = this.#graph.connect(task, plan);
    if (!connected.ok) return this.#actions.fail(task, failures.dependsOnItself(task.msgId));
    if (plan.missing === null) return this.examine(task, plan);
    this.#actions.queue(task, RESOLVING);
    plan.lookupTimer = this.#timers.add(this.#lookupTimeoutMs, { kind: "lookup", task });
    if (connected.lookups.length > 0) this.#actions.lookup(connected.lookups);
  }

  /** All a task depends on is known: does it fail, wait, or may it run? */
  examine(task: LiveTask, plan: TaskPlan): void {
    if (isUnreachable(plan)) return this.#actions.fail(task, failures.unreachable());
    if (plan.after === null || plan.after.isMet) return this.#actions.makeReady(task);
    if (task.state !== BLOCKED) this.#actions.queue(task, BLOCKED);
  }

  /** The task store has answered. */
  found(outcomes: readonly FoundOutcome[]): void {
    const resolutions = this.#graph.resolve(outcomes, (msgId) => this.#actions.unasked(msgId));
    for (const { task, unknown } of resolutions) {
      const { plan } = task;
      if (plan === null) throw new InvariantError(`task ${task.msgId} was looked up for and has no plan`);
      if (unknown.length > 0) this.#actions.fail(task, failures.unknownTasks(unknown, "was not submitted to this scheduler, or never finished"));
      else {
        plan.missing = null;
        this.#timers.cancel(plan, "lookupTimer");
        this.examine(task, plan);
      }
    }
  }

  /** The task store has not answered in time. */
  lookupExpired(task: LiveTask, plan: TaskPlan): void {
    this.#actions.fail(task, failures.unknownTasks([...(plan.missing?.keys() ?? [])], "could not be looked up in time"));
  }
}
