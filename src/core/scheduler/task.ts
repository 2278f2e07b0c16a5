// A live task and the states it goes through. States are shared objects where they hold nothing of their own, so that a
// waiting task costs few bytes; a task with default options has no `plan`.

import type { EngineUuid, MsgId } from "../../base/index.ts";
import type { TaskOptions } from "../../wire/index.ts";
import { DependencyProgress } from "./dependency-progress.ts";
import type { Engine } from "./engine-pool.ts";
import type { TaskRequest } from "./events.ts";
import type { TimerEntry } from "./timers.ts";

/** Where a waiting task with targets or `follow` is listed: at every engine that may run it. */
export interface LocatedWait {
  readonly name: "waiting";
  readonly place: "located";
  readonly seq: number;
  /** `null` once the task no longer waits here: entries in the engines' lists are dropped when met. */
  task: LiveTask | null;
  /** Engines, here or not, that may run it. */
  readonly engines: readonly EngineUuid[];
  /** How many of these are here. */
  liveCount: number;
  /** Further engines may become possible, because tasks to follow have not finished. */
  readonly isOpen: boolean;
}

/** What a task is doing. `placing`, `ready` and `finished` never outlast the handling of one event. */
export type TaskState =
  /** Just taken in, or its turn to be placed has come. */
  | { readonly name: "placing" }
  /** Dependencies are looked up in the task store. */
  | { readonly name: "resolving" }
  /** `after` is not met. */
  | { readonly name: "blocked" }
  /** In line to be placed. */
  | { readonly name: "ready" }
  /** No engine that may run it has room; any engine would do, and it stands in order of submission, with priority 0. */
  | { readonly name: "waiting"; readonly place: "plain" }
  /** As plain, but it came out of order, has another priority, or shuns some engines. */
  | { readonly name: "waiting"; readonly place: "reentered" }
  | LocatedWait
  /** On an engine. */
  | { readonly name: "running"; readonly engine: Engine }
  /** On an engine that left; its reply may still be on the way. */
  | { readonly name: "stranded"; readonly engine: Engine }
  | { readonly name: "finished" };

export const PLACING: TaskState = { name: "placing" };
export const RESOLVING: TaskState = { name: "resolving" };
export const BLOCKED: TaskState = { name: "blocked" };
export const READY: TaskState = { name: "ready" };
export const WAITING_PLAIN: TaskState = { name: "waiting", place: "plain" };
export const WAITING_REENTERED: TaskState = { name: "waiting", place: "reentered" };
export const FINISHED: TaskState = { name: "finished" };

/** What a task has beyond a plain one. */
export interface TaskPlan {
  /** `null`: any engine. */
  readonly targets: ReadonlySet<EngineUuid> | null;
  readonly timeoutMs: number;
  retriesLeft: number;
  /** Attempts that failed and were tried again. */
  retried: number;
  /** Engines that failed or declined it; by uuid, because the same signed bytes must not reach one twice. */
  shunned: ReadonlySet<EngineUuid>;
  /** Those of them that declined it. */
  declined: ReadonlySet<EngineUuid>;
  /** `null` when there is none, or it is met. */
  after: DependencyProgress | null;
  follow: DependencyProgress | null;
  /** Dependencies that are being looked up: which of the two they belong to. */
  missing: Map<MsgId, MissingIn> | null;
  /** Runs out while the task is queued. */
  timer: TimerEntry | null;
  /** Runs out when the task store does not answer. */
  lookupTimer: TimerEntry | null;
  /** It was sent ahead to an engine that died, and let off with that; it has an engine for itself and no further chance. */
  isSpared: boolean;
  /** A client does not want it any more: what engine it is on may end it, and it is not placed again. */
  isCancelled: boolean;
}

/** Which dependency a missing id belongs to. */
export interface MissingIn {
  readonly after: boolean;
  readonly follow: boolean;
}

/** Tasks that wait for this one to finish. */
export interface Dependents {
  readonly after: Set<LiveTask>;
  readonly follow: Set<LiveTask>;
}

/** A task that has not finished. Fields that lists thread through it are theirs alone. */
export interface LiveTask {
  readonly msgId: MsgId;
  readonly client: unknown;
  readonly payload: unknown;
  readonly bytes: number;
  /** Its place in line (`placeInLine`): the smallest is served first. */
  readonly seq: number;
  state: TaskState;
  plan: TaskPlan | null;
  dependents: Dependents | null;
  /** Its number among the tasks sent to its engine, the first being 1; 0 while it was sent to none. */
  ordinal: number;
  /** Neighbours in the one `TaskList` a task can be in: the plain queue, or its engine's running tasks. */
  previous: LiveTask | null;
  next: LiveTask | null;
}

/** Places between one priority and the next: more than tasks will ever be submitted, and few enough for the sums to stay exact. */
const PRIORITY_STEP = 2 ** 42;

/**
 * Where a task stands in line: in the order of submission within its priority, higher priorities first.
 *
 * @param submission its number among all tasks, from 1
 */
export function placeInLine(submission: number, priority: number): number {
  return submission - priority * PRIORITY_STEP;
}

/** Number of a task among all that were submitted. */
export function submissionOf({ seq }: LiveTask): number {
  return ((seq % PRIORITY_STEP) + PRIORITY_STEP) % PRIORITY_STEP;
}

/** Whether a task has the priority that most have. */
export function isOfPriorityZero({ seq }: LiveTask): boolean {
  return seq > 0 && seq < PRIORITY_STEP;
}

/** Nobody shunned. */
export const NOBODY: ReadonlySet<EngineUuid> = new Set();

/** The plan for a task's options; `null` when they are all defaults. */
export function planFor(options: TaskOptions): TaskPlan | null {
  const { targets, retries, timeoutMs, after, follow } = options;
  if (targets.length === 0 && retries === 0 && timeoutMs === 0 && after.dependencies.length === 0 && follow.dependencies.length === 0) return null;
  return {
    ...emptyPlan(),
    targets: targets.length === 0 ? null : new Set(targets),
    // JSON's 1e999 is read as infinity: no limit.
    timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : 0,
    retriesLeft: retries,
    after: after.dependencies.length === 0 ? null : new DependencyProgress(after),
    follow: follow.dependencies.length === 0 ? null : new DependencyProgress(follow),
  };
}

/** A plan that asks for nothing, for a plain task that comes to shun an engine. */
export function emptyPlan(): TaskPlan {
  return {
    targets: null,
    timeoutMs: 0,
    retriesLeft: 0,
    retried: 0,
    shunned: NOBODY,
    declined: NOBODY,
    after: null,
    follow: null,
    missing: null,
    timer: null,
    lookupTimer: null,
    isSpared: false,
    isCancelled: false,
  };
}

/** A task just taken in; `seq` is its place in line. */
export function newTask(request: TaskRequest, seq: number, plan: TaskPlan | null): LiveTask {
  const { msgId, client, payload, bytes } = request;
  return { msgId, client, payload, bytes, seq, state: PLACING, plan, dependents: null, ordinal: 0, previous: null, next: null };
}

/** This engine is not to get the task again: it failed it, or it declined it. */
export function shun(task: LiveTask, engine: EngineUuid, why: "failed" | "declined"): void {
  task.plan ??= emptyPlan();
  task.plan.shunned = new Set([...task.plan.shunned, engine]);
  if (why === "declined") task.plan.declined = new Set([...task.plan.declined, engine]);
}

/** Lets a task that was sent ahead to an engine which then died off with that, once: false when it was let off before. */
export function spare(task: LiveTask): boolean {
  task.plan ??= emptyPlan();
  if (task.plan.isSpared) return false;
  task.plan.isSpared = true;
  return true;
}

/** Whether only certain engines may run a task, by targets or by what it follows. */
export function isLocated(plan: TaskPlan): boolean {
  return plan.targets !== null || plan.follow !== null;
}

/** One of the dependencies can no longer be met. */
export function isUnreachable(plan: TaskPlan): boolean {
  return plan.after?.isUnreachable === true || plan.follow?.isUnreachable === true;
}

/** First in, first out over tasks; a task is in one such list at most. */
export class TaskList {
  #head: LiveTask | null = null;
  #tail: LiveTask | null = null;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get head(): LiveTask | null {
    return this.#head;
  }

  get tail(): LiveTask | null {
    return this.#tail;
  }

  push(task: LiveTask): void {
    task.previous = this.#tail;
    task.next = null;
    if (this.#tail === null) this.#head = task;
    else this.#tail.next = task;
    this.#tail = task;
    this.#length += 1;
  }

  remove(task: LiveTask): void {
    if (task.previous === null) this.#head = task.next;
    else task.previous.next = task.next;
    if (task.next === null) this.#tail = task.previous;
    else task.next.previous = task.previous;
    task.previous = null;
    task.next = null;
    this.#length -= 1;
  }

  *[Symbol.iterator](): Iterator<LiveTask> {
    for (let task = this.#head; task !== null; task = task.next) yield task;
  }
}
