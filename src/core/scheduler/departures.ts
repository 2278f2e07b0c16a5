// Engines that go. One that left takes its tasks along, unless its replies were on the way. One that is to go is drained
// first: it gets nothing more, gives back what it has not started, and ends what it runs; what it has not ended in time goes
// back to the queue, whatever the task's retries, for it was not the task that failed.
//
//   here ─(drainAsked)─> draining ─(no tasks left, or the time limit)─> given up ─(engineLeft)
//     ^                      │
//     └────(drainUndone)─────┘          one that was given up takes tasks no more: it may still run what was taken from it

import type { EngineUuid, Millis } from "../../base/index.ts";
import type { Engine, EnginePool } from "./engine-pool.ts";
import type { SchedulerDropReason, TaskFailure } from "./events.ts";
import * as failures from "./failures.ts";
import type { Prefetch } from "./prefetch.ts";
import { spare, type LiveTask, type TaskState } from "./task.ts";
import type { TimerPurpose, Timers } from "./timers.ts";
import type { WaitingTasks } from "./waiting-tasks.ts";

/** What a departure may come to. */
export interface DepartureActions {
  /** Takes a task off its engine. */
  release(task: LiveTask, engine: Engine): void;
  move(task: LiveTask, to: TaskState, engine: EngineUuid): void;
  /** Another attempt elsewhere, if one is left. */
  retry(task: LiveTask, engine: EngineUuid): boolean;
  makeReady(task: LiveTask): void;
  fail(task: LiveTask, failure: TaskFailure): void;
  drop(reason: SchedulerDropReason, msgId: null, engine: EngineUuid): void;
}

/** What departures work with. */
export interface DepartureParts {
  readonly pool: EnginePool;
  readonly waiting: WaitingTasks;
  readonly timers: Timers;
  readonly prefetch: Prefetch;
  /** How long the tasks of an engine that left wait for a reply already on its way, in milliseconds. */
  readonly strandedDelayMs: number;
}

/** Sees engines off. */
export class Departures {
  readonly #parts: DepartureParts;
  readonly #actions: DepartureActions;

  constructor(parts: DepartureParts, actions: DepartureActions) {
    this.#parts = parts;
    this.#actions = actions;
  }

  /** An engine is gone. */
  left(uuid: EngineUuid): void {
    const { pool, waiting, timers, prefetch, strandedDelayMs } = this.#parts;
    const engine = pool.find(uuid);
    if (engine === undefined) return this.#actions.drop("unknownEngine", null, uuid);
    pool.leave(engine);
    prefetch.left(engine);
    this.#stopTimer(engine);
    for (const task of engine.tasks) this.#actions.move(task, engine.stranded, uuid);
    if (engine.tasks.length > 0) timers.add(strandedDelayMs, { kind: "stranded", engine });
    for (const task of waiting.engineLeft(uuid)) this.#actions.fail(task, failures.noEngineLeft());
  }

  /** An engine's timer has run out. */
  due({ kind, engine }: Extract<TimerPurpose, { readonly kind: "stranded" | "drain" }>, now: Millis): void {
    if (kind === "stranded") this.#strandedExpired(engine, now);
    else this.#drainExpired(engine);
  }

  /** The time for late replies is over: what has no retries left fails, except what was only sent ahead. */
  #strandedExpired(engine: Engine, now: Millis): void {
    // One at a time and in order: what an engine had beside its first task it had not begun.
    const first = engine.tasks.head;
    for (let task = engine.tasks.head; task !== null; task = engine.tasks.head) {
      this.#actions.release(task, engine);
      if (task !== first && engine.canPrefetch && spare(task)) this.#actions.makeReady(task);
      else if (!this.#actions.retry(task, engine.uuid)) this.#actions.fail(task, failures.engineDied(task.msgId, engine.uuid, now));
    }
  }

  /** Engines are to go. One that is drained already keeps its earlier time limit. */
  drain(uuids: readonly EngineUuid[], limitMs: number | null): void {
    const { pool, timers, prefetch } = this.#parts;
    for (const uuid of uuids) {
      const engine = pool.find(uuid);
      if (engine === undefined) this.#actions.drop("unknownEngine", null, uuid);
      else if (!engine.isDraining) {
        pool.drain(engine);
        prefetch.recallNow(engine);
        if (limitMs !== null) engine.drainTimer = timers.add(limitMs, { kind: "drain", engine });
      }
    }
  }

  /** Engines are to stay after all; gives those that take tasks again. */
  undrain(uuids: readonly EngineUuid[]): Engine[] {
    const { pool } = this.#parts;
    return uuids.flatMap((uuid) => {
      const engine = pool.find(uuid);
      if (engine === undefined || !engine.isDraining || engine.isGivenUp) return [];
      this.#stopTimer(engine);
      pool.undrain(engine);
      return [engine];
    });
  }

  /** The time limit of a drained engine is over: its tasks go to others, and are run again from their beginning. */
  #drainExpired(engine: Engine): void {
    engine.drainTimer = null;
    engine.isGivenUp = true;
    this.#parts.prefetch.left(engine);
    for (let task = engine.tasks.head; task !== null; task = engine.tasks.head) {
      this.#actions.release(task, engine);
      this.#actions.makeReady(task);
    }
  }

  #stopTimer(engine: Engine): void {
    if (engine.drainTimer !== null) this.#parts.timers.remove(engine.drainTimer);
    engine.drainTimer = null;
  }
}
