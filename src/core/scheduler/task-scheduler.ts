// The task scheduler as a machine (protocol §7): told what happened, it says what to do. It opens no frames, reads no
// clock and keeps nothing of a task that has finished but its outcome, and that only for a while.
//
//   submitted ─> resolving ─> blocked ─> waiting ─> running ─> finished
//                                           ^         │  └─> stranded ─┐
//                                           └─────────┴────────────────┘  (retried, or declined by an engine)
//
// resolving  a dependency is being looked up in the task store      blocked   `after` is not met
// waiting    no engine that may run it has room                      running   sent to an engine that is here
// stranded   sent to an engine that left less than 5 s ago
// States that can be skipped are skipped. From every state but `running` and `stranded` a task may fail (timeout,
// dependency that cannot be met, no engine left that may run it); from these two it ends with a reply, or 5 s after its
// engine left.
//
// Invariants, checked one by one in `validate.ts`. The most useful one: while a task waits, no engine that may run it has
// room. So only what just gained room (one engine) or just became runnable (a few tasks) has to be looked at.

import { BoundedSet, InvariantError, type EngineUuid, type Millis, type MsgId } from "../../base/index.ts";
import { EARLY_MAX, isCancelled, markCancelled } from "./cancelled.ts";
import { DependencyGate } from "./dependency-gate.ts";
import { DependencyGraph } from "./dependency-graph.ts";
import { Departures } from "./departures.ts";
import { DependentsTeller } from "./dependents.ts";
import { EnginePool, type Engine } from "./engine-pool.ts";
import type {
  SchedulerCounters,
  SchedulerDropReason,
  SchedulerEffect,
  SchedulerEvent,
  SchedulerLoad,
  TaskFailure,
  TaskOutcome,
  TaskReply,
  TaskRequest,
} from "./events.ts";
import { explainTask, type TaskExplanation } from "./explain.ts";
import * as failures from "./failures.ts";
import { resolveTaskSchedulerOptions, type TaskSchedulerConfig, type TaskSchedulerOptions } from "./options.ts";
import { RecentOutcomes } from "./outcomes.ts";
import { Placement } from "./placement.ts";
import { Prefetch } from "./prefetch.ts";
import { createScheme } from "./schemes/index.ts";
import { Story, type Transition } from "./story.ts";
import { Tally } from "./tally.ts";
import { FINISHED, READY, newTask, placeInLine, planFor, shun, type LiveTask, type TaskState } from "./task.ts";
import { Timers, type TimerPurpose } from "./timers.ts";
import { validateScheduler } from "./validate.ts";
import { WaitingTasks } from "./waiting-tasks.ts";
import { workloadOf, type Workload } from "./workload.ts";

/** Assigns tasks to engines. */
export class TaskScheduler<Payload = unknown, Route = unknown> {
  readonly #config: TaskSchedulerConfig;
  readonly #pool: EnginePool;
  readonly #tasks = new Map<MsgId, LiveTask>();
  readonly #waiting = new WaitingTasks();
  readonly #timers = new Timers();
  readonly #outcomes: RecentOutcomes;
  readonly #graph: DependencyGraph;
  readonly #story: Story;
  readonly #placement: Placement;
  readonly #teller: DependentsTeller;
  readonly #gate: DependencyGate;
  readonly #early = new BoundedSet<MsgId>(EARLY_MAX);
  readonly #prefetch: Prefetch;
  readonly #departures: Departures;
  readonly #tally: Tally;
  readonly #isPure: boolean;
  #effects: SchedulerEffect[] = [];
  #now = 0 as Millis;
  #lastSubmission = 0;

  constructor(options: TaskSchedulerOptions = {}) {
    this.#config = resolveTaskSchedulerOptions(options);
    this.#isPure = this.#config.scheme === "pure";
    this.#pool = new EnginePool(createScheme(this.#config.scheme, this.#config.rng), this.#isPure ? 0 : this.#config.hwm);
    this.#outcomes = new RecentOutcomes(this.#config.outcomesMax);
    this.#graph = new DependencyGraph(this.#tasks, this.#outcomes);
    this.#story = new Story(this.#config.storyMax);
    this.#tally = new Tally(this.#config);
    const steps = {
      assign: (task: LiveTask, engine: Engine): void => this.#assign(task, engine),
      queue: (task: LiveTask, state: TaskState): void => this.#queue(task, state),
      makeReady: (task: LiveTask): void => this.#makeReady(task),
      fail: (task: LiveTask, failure: TaskFailure): void => this.#fail(task, failure),
    };
    this.#placement = new Placement(this.#pool, this.#waiting, { ...steps, tellDependents: () => this.#teller.tellAll() });
    this.#gate = new DependencyGate(
      { graph: this.#graph, timers: this.#timers, lookupTimeoutMs: this.#config.lookupTimeoutMs },
      {
        ...steps,
        lookup: (msgIds) => this.#effects.push({ type: "lookupOutcome", msgIds }),
        unasked: (msgId) => this.#drop("unaskedOutcome", msgId, null),
      },
    );
    this.#teller = new DependentsTeller({ ...steps, examine: (task, plan) => this.#gate.examine(task, plan) });
    this.#prefetch = new Prefetch(
      { depthMax: this.#config.prefetch, aheadMs: this.#config.prefetchAheadMs },
      { pool: this.#pool, waiting: this.#waiting, timers: this.#timers },
      {
        ...steps,
        recall: ({ uuid }, through) => this.#effects.push({ type: "recallTasks", engine: uuid, through }),
        takeBack: (task, engine) => this.#takeBack(task, engine),
      },
    );
    this.#departures = new Departures(
      { pool: this.#pool, waiting: this.#waiting, timers: this.#timers, prefetch: this.#prefetch, strandedDelayMs: this.#config.strandedDelayMs },
      {
        ...steps,
        release: (task, engine) => this.#release(task, engine),
        move: (task, to, engine) => this.#move(task, to, engine),
        retry: (task, engine) => this.#retry(task, engine),
        drop: (reason, id, engine) => this.#drop(reason, id, engine),
      },
    );
  }

  /** Takes in a fact and gives the orders that follow from it. Never throws on anything a peer sent. */
  handle(event: SchedulerEvent<Payload, Route>): SchedulerEffect<Payload, Route>[] {
    this.#now = event.at;
    this.#timers.begin(event.at);
    this.#story.begin(event.type, event.at);
    switch (event.type) {
      case "engineJoined":
        this.#engineJoined(event.engine, event.canPrefetch === true);
        break;
      case "engineLeft":
        this.#departures.left(event.engine);
        this.#placement.settle(null);
        break;
      case "drainAsked":
        this.#departures.drain(event.engines, event.limitMs);
        break;
      case "drainUndone":
        for (const engine of this.#departures.undrain(event.engines)) this.#placement.settle(engine);
        break;
      case "taskSubmitted":
        this.#taskSubmitted(event.task);
        break;
      case "taskReplied":
        this.#taskReplied(event.reply);
        break;
      case "outcomesFound":
        this.#gate.found(event.outcomes);
        this.#placement.settle(null);
        break;
      case "tasksRecalled":
        this.#tasksRecalled(event.engine, event);
        break;
      case "cancelAsked":
        this.#cancelAsked(event.msgIds);
        break;
      case "ticked":
        this.#ticked();
        break;
    }
    const intake = this.#tally.intakeChange();
    if (intake !== null) this.#effects.push({ type: intake });
    const wakeAt = this.#timers.wakeChange();
    if (wakeAt !== null) this.#effects.push({ type: "wakeAt", at: wakeAt });
    const effects = this.#effects;
    this.#effects = [];
    return effects as SchedulerEffect<Payload, Route>[]; // Payloads and routes went through untouched: they are of the types that went in.
  }

  /** Why a task is not running, as plain data. */
  explain(msgId: MsgId): TaskExplanation {
    return explainTask(this.#tasks.get(msgId), { pool: this.#pool, tasks: this.#tasks, kept: this.#outcomes.get(msgId) });
  }

  /** What was submitted as this task, until it has ended. */
  payloadOf(msgId: MsgId): Payload | undefined {
    return this.#tasks.get(msgId)?.payload as Payload | undefined;
  }

  /** What is remembered of a task's steps, oldest first. */
  story(msgId: MsgId): readonly Transition[] {
    return this.#story.of(msgId);
  }

  /** Things counted since the start. */
  counters(): SchedulerCounters {
    return this.#tally.counters();
  }

  /** How much is held now. */
  load(): SchedulerLoad {
    return this.#tally.load(this.#tasks.size, this.#pool.size);
  }

  /** How much there is to do, and which engines have it. */
  workload(at: Millis): Workload {
    return workloadOf(this.#pool, this.#waiting.length, at);
  }

  /** Asserts every invariant; throws InvariantError with the story of the task concerned. For tests: it looks at everything. */
  validate(): void {
    validateScheduler({
      pool: this.#pool,
      tasks: this.#tasks,
      waiting: this.#waiting,
      timers: this.#timers,
      outcomes: this.#outcomes,
      graph: this.#graph,
      story: this.#story,
      config: this.#config,
      bytes: this.#tally.bytes,
      running: this.#tally.running,
      unsettled: this.#placement.length + this.#teller.length,
    });
  }

  // Engines

  #engineJoined(uuid: EngineUuid, canPrefetch: boolean): void {
    if (this.#pool.find(uuid) !== undefined) return this.#drop("duplicateEngine", null, uuid);
    const mayPrefetch = canPrefetch && this.#config.prefetch > 1 && this.#pool.hwm === 1;
    const engine = this.#pool.join(uuid, { canPrefetch: mayPrefetch, at: this.#now });
    this.#waiting.engineJoined(uuid);
    this.#placement.settle(engine);
  }

  // Requests

  #taskSubmitted(request: TaskRequest): void {
    const { msgId, client, payload, bytes, options } = request;
    if (this.#tasks.has(msgId)) return this.#drop("duplicateTask", msgId, null);
    const wishes = this.#isPure || typeof options === "string" ? null : options;
    const seq = placeInLine((this.#lastSubmission += 1), wishes?.priority ?? 0);
    const task = newTask(request, seq, wishes === null ? null : planFor(wishes));
    this.#tasks.set(msgId, task);
    this.#tally.submitted(bytes);
    this.#effects.push({ type: "taskQueued", msgId, client, payload });
    if (typeof options === "string" && !this.#isPure) this.#fail(task, failures.badOptions(options));
    else if (this.#early.take(msgId)) this.#fail(task, failures.cancelled());
    else if (task.plan !== null) this.#gate.connect(task, task.plan);
    else this.#placement.place(task);
    this.#placement.settle(null);
  }

  /** What an engine has is stopped there; it is only kept from running once more. */
  #cancelAsked(msgIds: readonly MsgId[]): void {
    for (const msgId of msgIds) {
      const task = this.#tasks.get(msgId);
      if (task?.state.name === "running") markCancelled(task);
      else if (task !== undefined) this.#cancelWaiting(task);
      else if (this.#outcomes.get(msgId) === undefined) this.#early.add(msgId);
    }
    this.#placement.settle(null);
  }

  #cancelWaiting(task: LiveTask): void {
    const { state } = task;
    if (state.name === "stranded") {
      this.#release(task, state.engine);
      return this.#fail(task, failures.engineDied(task.msgId, state.engine.uuid, this.#now));
    }
    this.#fail(task, failures.cancelled());
  }

  // Replies

  #taskReplied(reply: TaskReply): void {
    const task = this.#tasks.get(reply.msgId);
    if (task === undefined || (task.state.name !== "running" && task.state.name !== "stranded")) return this.#drop("lateReply", reply.msgId, reply.engine);
    const engine = task.state.engine;
    if (engine.uuid !== reply.engine) return this.#drop("foreignReply", reply.msgId, reply.engine);
    this.#release(task, engine);
    if (engine.isHere) {
      this.#pool.lostTask(engine);
      this.#prefetch.replied(engine, this.#now);
    }
    if (!reply.dependenciesMet && !this.#isPure) this.#decline(task, engine.uuid);
    else if (reply.status === "ok" || !this.#retry(task, engine.uuid)) {
      this.#effects.push({ type: "forwardReply", msgId: task.msgId, client: task.client, engine: engine.uuid, payload: reply.payload });
      this.#finish(task, reply.status === "ok" ? "ok" : "failed", engine.uuid);
    }
    this.#placement.settle(engine.isHere ? engine : null);
    this.#prefetch.topUp(engine);
  }

  /** An engine says which of its tasks it has started; it will never run the others. */
  #tasksRecalled(uuid: EngineUuid, facts: { readonly through: number; readonly started: number }): void {
    const engine = this.#pool.find(uuid);
    if (!this.#prefetch.recalled(engine, facts)) return this.#drop("unaskedRecall", null, uuid);
    this.#placement.settle(engine ?? null);
  }

  #takeBack(task: LiveTask, engine: Engine): void {
    this.#release(task, engine);
    this.#tally.recalled += 1;
    this.#pool.lostTask(engine);
    this.#makeReady(task);
  }

  /** The engine would not run it: not counted as an attempt, but not asked again. */
  #decline(task: LiveTask, engine: EngineUuid): void {
    this.#tally.declined += 1;
    shun(task, engine, "declined");
    this.#makeReady(task);
  }

  /** After a failed attempt: another one elsewhere, if one is left. */
  #retry(task: LiveTask, engine: EngineUuid): boolean {
    if (task.plan === null || task.plan.retriesLeft === 0 || task.plan.isCancelled) return false;
    task.plan.retriesLeft -= 1;
    task.plan.retried += 1;
    this.#tally.retried += 1;
    shun(task, engine, "failed");
    this.#makeReady(task);
    return true;
  }

  // Placing (see placement.ts)

  #queue(task: LiveTask, state: TaskState): void {
    this.#move(task, state, null);
    if (task.plan !== null) this.#timers.startTimeout(task, task.plan);
  }

  #assign(task: LiveTask, engine: Engine): void {
    if (task.plan !== null) this.#timers.cancel(task.plan, "timer");
    engine.tasks.push(task);
    this.#pool.gotTask(engine);
    this.#prefetch.sent(engine, task, this.#now);
    this.#tally.running += 1;
    this.#move(task, engine.running, engine.uuid);
    const { msgId, client, payload } = task;
    const attempt = 1 + (task.plan?.retried ?? 0);
    this.#effects.push({ type: "sendToEngine", engine: engine.uuid, msgId, client, payload, attempt }, { type: "taskAssigned", msgId, engine: engine.uuid });
  }

  // The end of a task

  #fail(task: LiveTask, failure: TaskFailure): void {
    const engine = failure.metadata?.engine ?? null;
    this.#effects.push({ type: "replyFailure", msgId: task.msgId, client: task.client, engine, request: task.payload, failure });
    this.#finish(task, "failed", engine);
  }

  /** Lets go of everything that belongs to a task but its outcome. */
  #finish(task: LiveTask, outcome: TaskOutcome, engine: EngineUuid | null): void {
    if (task.state.name === "waiting") this.#waiting.remove(task);
    const wasReady = task.state === READY;
    this.#move(task, FINISHED, engine);
    if (wasReady) this.#placement.noteFinished();
    if (task.plan !== null) {
      this.#timers.cancel(task.plan, "timer");
      this.#timers.cancel(task.plan, "lookupTimer");
      this.#graph.disconnect(task, task.plan);
    }
    this.#tasks.delete(task.msgId);
    this.#tally.finished(outcome, task.bytes);
    this.#outcomes.set(task.msgId, { outcome, engine });
    this.#effects.push({ type: "taskFinished", msgId: task.msgId, outcome, engine });
    if (task.dependents !== null) this.#teller.push({ dependents: task.dependents, outcome, engine });
  }

  // Timers

  #ticked(): void {
    this.#timers.woke();
    for (let due = this.#timers.popDue(); due !== undefined; due = this.#timers.popDue()) this.#due(due.purpose);
  }

  #due(purpose: TimerPurpose): void {
    if (purpose.kind === "recall") return this.#prefetch.due(purpose.engine, this.#now);
    if ("engine" in purpose) this.#departures.due(purpose, this.#now);
    else if (purpose.task.plan === null)
      throw new InvariantError(`task ${purpose.task.msgId} has a timer and no plan: ${JSON.stringify(this.#story.of(purpose.task.msgId))}`);
    else if (purpose.kind === "timeout") this.#fail(purpose.task, failures.timedOut(purpose.task.plan.timeoutMs));
    else this.#gate.lookupExpired(purpose.task, purpose.task.plan);
    this.#placement.settle(null);
  }

  /** Takes a task off its engine. */
  #release(task: LiveTask, engine: Engine): void {
    engine.tasks.remove(task);
    this.#tally.running -= 1;
  }

  #makeReady(task: LiveTask): void {
    if (task.state === READY) return;
    if (isCancelled(task)) return this.#fail(task, failures.cancelled());
    this.#waiting.remove(task);
    this.#move(task, READY, null);
    this.#placement.push(task);
  }

  #move(task: LiveTask, to: TaskState, engine: EngineUuid | null): void {
    this.#story.write(task.msgId, task.state.name, to.name, engine);
    task.state = to;
  }

  #drop(reason: SchedulerDropReason, msgId: MsgId | null, engine: EngineUuid | null): void {
    this.#tally.dropped(reason);
    this.#effects.push({ type: "dropped", reason, msgId, engine });
  }
}
