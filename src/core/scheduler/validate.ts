// Every invariant of the task scheduler, one assertion each. It looks at all tasks and engines, so it is for tests and
// simulations, after each step; the machine itself never calls it.

import { InvariantError } from "../../base/index.ts";
import type { DependencyGraph } from "./dependency-graph.ts";
import type { Engine, EnginePool } from "./engine-pool.ts";
import type { TaskSchedulerConfig } from "./options.ts";
import type { RecentOutcomes } from "./outcomes.ts";
import type { Story } from "./story.ts";
import { isLocated, isOfPriorityZero, NOBODY, submissionOf, type LiveTask, type LocatedWait } from "./task.ts";
import type { Timers } from "./timers.ts";
import type { WaitingTasks } from "./waiting-tasks.ts";

/** The scheduler's state, laid open. */
export interface SchedulerParts {
  readonly pool: EnginePool;
  readonly tasks: ReadonlyMap<string, LiveTask>;
  readonly waiting: WaitingTasks;
  readonly timers: Timers;
  readonly outcomes: RecentOutcomes;
  readonly graph: DependencyGraph;
  readonly story: Story;
  readonly config: TaskSchedulerConfig;
  readonly bytes: number;
  readonly running: number;
  /** Tasks whose handling has begun and not ended. */
  readonly unsettled: number;
}

type Check = (condition: boolean, claim: string) => void;

/** Throws InvariantError when something does not hold. */
export function validateScheduler(parts: SchedulerParts): void {
  const general: Check = (condition, claim) => {
    if (!condition) throw new InvariantError(`the task scheduler broke its rule that ${claim}`);
  };
  validateCounts(parts, general);
  validateEngines(parts, general);
  validateTimers(parts, general);
  for (const task of parts.tasks.values()) {
    const check: Check = (condition, claim) => {
      if (condition) return;
      const story = JSON.stringify(parts.story.of(task.msgId));
      throw new InvariantError(`task ${task.msgId} (${task.state.name}) broke the rule that ${claim}; its story: ${story}`);
    };
    validateState(task, parts, check);
    validateDependencies(task, parts, check);
  }
}

function validateCounts(parts: SchedulerParts, check: Check): void {
  let bytes = 0;
  let onEngines = 0;
  let waiting = 0;
  for (const task of parts.tasks.values()) {
    bytes += task.bytes;
    if (task.state.name === "running" || task.state.name === "stranded") onEngines += 1;
    if (task.state.name === "waiting") waiting += 1;
  }
  check(parts.unsettled === 0, "everything is settled between events");
  check(parts.bytes === bytes, `the bytes held are counted (${parts.bytes}, in truth ${bytes})`);
  check(parts.running === onEngines, `tasks on engines are counted (${parts.running}, in truth ${onEngines})`);
  check(parts.waiting.length === waiting, `waiting tasks are listed once (${parts.waiting.length}, in truth ${waiting})`);
  check(parts.outcomes.size <= parts.config.outcomesMax, "kept outcomes are bounded");
  let last = 0;
  let plain = 0;
  for (const task of parts.waiting.plain) {
    check(task.seq > last, "plain tasks wait in order of submission");
    check(isOfPriorityZero(task), "tasks of other priorities wait in the tree");
    last = task.seq;
    plain += 1;
  }
  check(plain <= parts.waiting.length, "the plain queue holds waiting tasks only");
}

function validateEngines({ pool, tasks, config }: SchedulerParts, check: Check): void {
  for (const engine of pool) {
    check(engine.isHere, "only engines that are here are in the pool");
    const loadMax = engine.canPrefetch ? Math.max(pool.hwm, config.prefetch) : pool.hwm;
    check(pool.hwm === 0 || engine.load <= loadMax, `no engine has more tasks than hwm or, ahead, prefetch (${engine.uuid} has ${engine.load})`);
    check(
      engine.load < 2 || !engine.canPrefetch || engine.recallThrough !== null || engine.recallTimer !== null,
      `silence of an engine with tasks ahead is noticed (${engine.uuid})`,
    );
    check(
      engine.recallThrough === null || engine.recallThrough === engine.sentCount,
      `nothing is sent to an engine while a recall is outstanding (${engine.uuid})`,
    );
    check(!engine.isGivenUp || (engine.isDraining && engine.load === 0), `an engine that was given up has no tasks (${engine.uuid})`);
    check(pool.isListedRight(engine), `the scheme lists exactly the engines with room (${engine.uuid}, load ${engine.load})`);
    let load = 0;
    let last = 0;
    for (const task of engine.tasks) {
      check(task.ordinal > last && task.ordinal <= engine.sentCount, `tasks of an engine are in the order they were sent (${task.msgId})`);
      last = task.ordinal;
      check(tasks.get(task.msgId) === task && task.state === engine.running, `tasks of an engine run on it (${task.msgId})`);
      load += 1;
    }
    check(load === engine.load, "an engine's load is the number of its tasks");
  }
}

function validateTimers({ timers, tasks }: SchedulerParts, check: Check): void {
  for (const timer of timers) {
    const { purpose } = timer;
    if (purpose.kind === "stranded") {
      check(!purpose.engine.isHere, "only an engine that left strands tasks");
      continue;
    }
    if (purpose.kind === "drain") {
      check(purpose.engine.isDraining && purpose.engine.isHere && purpose.engine.drainTimer === timer, "only an engine that is to go has a time limit");
      continue;
    }
    if (purpose.kind === "recall") {
      check(purpose.engine.isHere && purpose.engine.recallTimer === timer, "an engine knows its timer");
      continue;
    }
    const { task } = purpose;
    check(tasks.get(task.msgId) === task, "no timer outlives its task");
    check(task.plan?.[purpose.kind === "timeout" ? "timer" : "lookupTimer"] === timer, "a task knows its timers");
  }
}

function validateState(task: LiveTask, parts: SchedulerParts, check: Check): void {
  const { state, plan } = task;
  const isQueued = state.name === "resolving" || state.name === "blocked" || state.name === "waiting";
  const isTimed = plan !== null && plan.timer !== null;
  const isTimedLookup = plan !== null && plan.lookupTimer !== null;
  check(isTimed === (isQueued && plan !== null && plan.timeoutMs > 0), "the timeout runs exactly while a task is queued");
  check(isTimedLookup === (state.name === "resolving"), "the lookup's deadline runs exactly while it is looked up");
  switch (state.name) {
    case "resolving":
      check((plan?.missing?.size ?? 0) > 0, "a resolving task waits for an answer");
      break;
    case "blocked":
      check(plan !== null && plan.after !== null && !plan.after.isMet, "a blocked task has an `after` that is not met");
      break;
    case "waiting":
      check(plan === null || plan.after === null || plan.after.isMet, "a waiting task's `after` is met");
      if (state.place === "located") validateLocated(task, state, parts, check);
      else validateAnywhere(task, parts, check);
      break;
    case "running":
      check(state.engine.isHere && includes(state.engine, task), "a running task is on an engine that is here");
      break;
    case "stranded":
      check(!state.engine.isHere && includes(state.engine, task), "a stranded task was on an engine that left");
      check(
        [...parts.timers].some(({ purpose }) => purpose.kind === "stranded" && purpose.engine === state.engine),
        "a stranded task's end is timed",
      );
      break;
    case "placing":
    case "ready":
    case "finished":
      check(false, "this state does not outlast an event");
  }
}

function validateAnywhere(task: LiveTask, { pool }: SchedulerParts, check: Check): void {
  const shunned = task.plan?.shunned ?? NOBODY;
  check(task.plan === null || !isLocated(task.plan), "a task bound to engines waits at these");
  if (pool.freeCount === 0) return;
  for (const engine of pool) check(!pool.hasRoom(engine) || shunned.has(engine.uuid), `a waiting task has no engine with room (${engine.uuid})`);
}

function validateLocated(task: LiveTask, wait: LocatedWait, { pool, waiting }: SchedulerParts, check: Check): void {
  let liveCount = 0;
  for (const uuid of wait.engines) {
    const engine = pool.find(uuid);
    if (engine !== undefined) {
      liveCount += 1;
      check(!pool.hasRoom(engine), `a waiting task has no engine with room (${uuid})`);
    }
    check([...waiting.locatedAt(uuid)].includes(wait), `a task bound to an engine waits there (${uuid})`);
    check(task.plan?.targets?.has(uuid) !== false, "it waits at targets only");
    check(task.plan?.shunned.has(uuid) === false, "it waits at no engine it shuns");
  }
  check(wait.task === task && liveCount === wait.liveCount, "a waiting task knows how many of its engines are here");
  check(liveCount > 0 || wait.isOpen, "a task that no engine will ever run does not wait");
}

function validateDependencies(task: LiveTask, { tasks, graph }: SchedulerParts, check: Check): void {
  for (const kind of ["after", "follow"] as const) {
    for (const dependent of task.dependents?.[kind] ?? []) {
      check(tasks.get(dependent.msgId) === dependent, "only live tasks are dependents");
      check(submissionOf(dependent) > submissionOf(task), "a task depends on earlier tasks");
    }
    const progress = task.plan?.[kind] ?? null;
    if (progress === null) continue;
    check(task.state.name === "resolving" || !progress.isUnreachable, "a task whose dependency cannot be met fails at once");
    let unfinished = 0;
    for (const msgId of progress.msgIds) {
      if (tasks.get(msgId)?.dependents?.[kind].has(task) === true) unfinished += 1;
      else if (task.plan?.missing?.get(msgId)?.[kind] === true) {
        check(graph.isLookedUp(msgId, task), "a missing outcome is looked up");
        unfinished += 1;
      }
    }
    check(unfinished === progress.unfinishedCount, `everything unfinished in \`${kind}\` will be heard of`);
  }
}

function includes(engine: Engine, task: LiveTask): boolean {
  for (const other of engine.tasks) if (other === task) return true;
  return false;
}
