// Drives a task scheduler in tests: short calls that make whole events, check every invariant after each, and keep time.

import { engineUuid, millis, msgId, type MsgId } from "../../src/base/index.ts";
import { TaskScheduler, type FoundOutcome, type SchedulerEffect, type SchedulerEvent, type TaskSchedulerOptions } from "../../src/core/scheduler/index.ts";
import { NO_DEPENDENCY, type DependencySpec, type TaskOptions } from "../../src/wire/index.ts";

/** A dependency or its plain list form, as tests write it. */
export type Dependencies = readonly string[] | (Partial<Omit<DependencySpec, "dependencies">> & { readonly dependencies: readonly string[] });

/** What tests say of a task; the rest is default. */
export interface TaskWishes {
  readonly targets?: readonly string[];
  readonly retries?: number;
  readonly timeoutMs?: number;
  readonly after?: Dependencies;
  readonly follow?: Dependencies;
  readonly bytes?: number;
  readonly priority?: number;
}

export type Effect = SchedulerEffect<string, string>;

/** Options of a task request from a test's wishes. */
export function taskOptions(wishes: TaskWishes): TaskOptions {
  return {
    targets: (wishes.targets ?? []).map(engineUuid),
    retries: wishes.retries ?? 0,
    timeoutMs: wishes.timeoutMs ?? 0,
    after: dependency(wishes.after),
    follow: dependency(wishes.follow),
    priority: wishes.priority ?? 0,
  };
}

function dependency(wish: Dependencies | undefined): DependencySpec {
  if (wish === undefined) return NO_DEPENDENCY;
  if ("dependencies" in wish) return { ...NO_DEPENDENCY, ...wish, dependencies: wish.dependencies.map(msgId) };
  return { ...NO_DEPENDENCY, dependencies: wish.map(msgId) };
}

/** A scheduler whose payloads are `req:ID` and `rep:ID`, and whose client is always `C`. */
export class SchedulerDriver {
  readonly scheduler: TaskScheduler<string, string>;
  now = 1000;

  constructor(options: TaskSchedulerOptions = {}) {
    this.scheduler = new TaskScheduler<string, string>(options);
  }

  handle(event: SchedulerEvent<string, string>): Effect[] {
    const effects = this.scheduler.handle(event);
    this.scheduler.validate();
    return effects;
  }

  join(...engines: string[]): Effect[] {
    return engines.flatMap((engine) => this.handle({ type: "engineJoined", at: millis(this.now), engine: engineUuid(engine) }));
  }

  /** As `join`, of engines that can hold tasks ahead. */
  joinPrefetching(...engines: string[]): Effect[] {
    return engines.flatMap((engine) => this.handle({ type: "engineJoined", at: millis(this.now), engine: engineUuid(engine), canPrefetch: true }));
  }

  recalled(engine: string, through: number, started: number): Effect[] {
    return this.handle({ type: "tasksRecalled", at: millis(this.now), engine: engineUuid(engine), through, started });
  }

  leave(engine: string): Effect[] {
    return this.handle({ type: "engineLeft", at: millis(this.now), engine: engineUuid(engine) });
  }

  drain(engine: string, limitMs: number | null = null): Effect[] {
    return this.handle({ type: "drainAsked", at: millis(this.now), engines: [engineUuid(engine)], limitMs });
  }

  undrain(...engines: string[]): Effect[] {
    return this.handle({ type: "drainUndone", at: millis(this.now), engines: engines.map(engineUuid) });
  }

  submit(id: string, wishes: TaskWishes = {}): Effect[] {
    return this.submitRaw(id, taskOptions(wishes), wishes.bytes ?? 10);
  }

  submitRaw(id: string, options: TaskOptions | string, bytes = 10): Effect[] {
    return this.handle({ type: "taskSubmitted", at: millis(this.now), task: { msgId: msgId(id), client: "C", payload: `req:${id}`, bytes, options } });
  }

  reply(id: string, engine: string, facts: { readonly status?: string; readonly dependenciesMet?: boolean } = {}): Effect[] {
    const { status = "ok", dependenciesMet = true } = facts;
    return this.handle({
      type: "taskReplied",
      at: millis(this.now),
      reply: { msgId: msgId(id), engine: engineUuid(engine), dependenciesMet, status, payload: `rep:${id}` },
    });
  }

  fail(id: string, engine: string): Effect[] {
    return this.reply(id, engine, { status: "error" });
  }

  decline(id: string, engine: string): Effect[] {
    return this.reply(id, engine, { status: "error", dependenciesMet: false });
  }

  found(...outcomes: readonly (readonly [id: string, status: FoundOutcome["status"], engine?: string])[]): Effect[] {
    const entries = outcomes.map(([id, status, engine]) => ({ msgId: msgId(id), status, engine: engine === undefined ? null : engineUuid(engine) }));
    return this.handle({ type: "outcomesFound", at: millis(this.now), outcomes: entries });
  }

  /** Lets time pass, then ticks. */
  tick(afterMs: number): Effect[] {
    this.now += afterMs;
    return this.handle({ type: "ticked", at: millis(this.now) });
  }
}

// The effects as tests write them.

export const recall = (engine: string, through: number): Effect => ({ type: "recallTasks", engine: engineUuid(engine), through });

export const queued = (id: string): Effect => ({ type: "taskQueued", msgId: msgId(id), client: "C", payload: `req:${id}` });

export const sent = (id: string, engine: string, attempt = 1): Effect[] => [
  { type: "sendToEngine", engine: engineUuid(engine), msgId: msgId(id), client: "C", payload: `req:${id}`, attempt },
  { type: "taskAssigned", msgId: msgId(id), engine: engineUuid(engine) },
];

export const forwarded = (id: string, engine: string, outcome: "ok" | "failed" = "ok"): Effect[] => [
  { type: "forwardReply", msgId: msgId(id), client: "C", engine: engineUuid(engine), payload: `rep:${id}` },
  { type: "taskFinished", msgId: msgId(id), outcome, engine: engineUuid(engine) },
];

type FailureName = Extract<Effect, { type: "replyFailure" }>["failure"]["ename"];

export const failed = (id: string, ename: FailureName, evalue: string): Effect[] => [
  { type: "replyFailure", msgId: msgId(id), client: "C", engine: null, request: `req:${id}`, failure: { ename, evalue, metadata: null } },
  { type: "taskFinished", msgId: msgId(id), outcome: "failed", engine: null },
];

export const died = (id: string, engine: string, at: number): Effect[] => [
  {
    type: "replyFailure",
    msgId: msgId(id),
    client: "C",
    engine: engineUuid(engine),
    request: `req:${id}`,
    failure: {
      ename: "EngineError",
      evalue: `Engine '${engine}' died while running task '${id}'`,
      metadata: { status: "error", engine: engineUuid(engine), at: millis(at) },
    },
  },
  { type: "taskFinished", msgId: msgId(id), outcome: "failed", engine: engineUuid(engine) },
];

export const wakeAt = (at: number): Effect => ({ type: "wakeAt", at: millis(at) });

export const lookup = (...ids: string[]): Effect => ({ type: "lookupOutcome", msgIds: ids.map(msgId) });

export const dropped = (reason: Extract<Effect, { type: "dropped" }>["reason"], id: string | null, engine: string | null): Effect => ({
  type: "dropped",
  reason,
  msgId: id === null ? null : msgId(id),
  engine: engine === null ? null : engineUuid(engine),
});

/** `id@engine` for every send among effects, in order. */
export function sends(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.type === "sendToEngine" ? [`${effect.msgId}@${effect.engine}`] : []));
}

/** Takes a text for a message id. */
export const id = (text: string): MsgId => msgId(text);
