// Engines that hold tasks ahead, over channels that take their time: requests, replies, recalls and their answers overtake
// one another as they do between processes. Whatever happens: every task that no engine took with it runs exactly once and is
// answered exactly once, and every invariant holds after each event. SIM_SEED=n runs that seed only.

import { describe, expect, it } from "vitest";
import { engineUuid, millis, msgId, seededRng, type EngineUuid, type MsgId, type Rng } from "../../src/base/index.ts";
import { TaskScheduler, type SchedulerEffect, type SchedulerEvent } from "../../src/core/scheduler/index.ts";
import { taskOptions } from "../support/scheduler-driver.ts";

type Event = SchedulerEvent<string, number>;
type Effect = SchedulerEffect<string, number>;

/** What happens at a time; equal times in order of planning. */
interface Planned {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

const LIVE_MAX = 400;
const LONG_TASK_SHARE = 0.01;

/** One stay of an engine: a main thread that runs, and a side thread that answers recalls. */
class Stay {
  readonly uuid: EngineUuid;
  isHere = true;
  /** Received on the task channel, run or not. */
  received = 0;
  queue: { readonly ordinal: number; readonly task: MsgId }[] = [];
  started = 0;
  recalledThrough = 0;
  isRunning = false;
  /** When the last message of each channel arrives: channels keep their order. */
  readonly arrivals = { task: 0, reply: 0, control: 0, answer: 0 };

  constructor(uuid: EngineUuid) {
    this.uuid = uuid;
  }
}

class World {
  readonly #rng: Rng;
  readonly #scheduler = new TaskScheduler<string, number>({ strandedDelayMs: 50, storyMax: 2000 });
  readonly #plans: Planned[] = [];
  readonly #here = new Map<EngineUuid, Stay>();
  #now = 0;
  #order = 0;
  #lastEngine = 0;
  #wake = Number.POSITIVE_INFINITY;
  submitted = 0;
  recalls = 0;
  departures = 0;
  drained = 0;
  deepest = 0;
  readonly runs = new Map<MsgId, number>();
  readonly answers = new Map<MsgId, string>();

  constructor(seed: number) {
    this.#rng = seededRng(seed);
  }

  get counters(): ReturnType<TaskScheduler["counters"]> {
    return this.#scheduler.counters();
  }

  get live(): number {
    return this.submitted - this.answers.size;
  }

  /** Submits `count` tasks over time, while engines come and go. */
  run(count: number): void {
    for (let i = 0; i < 3; i += 1) this.join();
    for (let round = 0; this.submitted < count; round += 1) {
      if (this.#here.size === 0) this.join();
      if (round > 10_000) throw new Error(`nothing goes on: ${this.live} tasks wait`);
      while (this.live < LIVE_MAX && this.submitted < count) this.#submit();
      for (let i = 0; i < 200; i += 1) this.#step();
      if (this.#chance(0.05)) this.join();
      if (this.#chance(0.05) && this.#here.size > 1) this.#leave(this.#anyStay());
      if (this.#chance(0.1) && this.#here.size > 1) this.#drain();
      this.#seeOff();
    }
    for (let i = 0; this.live > 0; i += 1) {
      this.#seeOff();
      // Those that are to go do not help any more.
      if (this.#scheduler.workload(millis(this.#now)).engines.every(({ isDraining }) => isDraining)) this.join();
      if (i > 1_000_000) throw new Error(`${this.live} tasks are never answered`);
      this.#step();
    }
  }

  join(): void {
    if (this.#here.size >= 5) return;
    const stay = new Stay(engineUuid(`E${this.#lastEngine}`));
    const canPrefetch = this.#lastEngine % 4 !== 3;
    this.#lastEngine += 1;
    this.#here.set(stay.uuid, stay);
    this.#feed({ type: "engineJoined", at: millis(this.#now), engine: stay.uuid, canPrefetch });
  }

  #anyStay(): Stay {
    return [...this.#here.values()][this.#below(this.#here.size)] as Stay;
  }

  #drain(): void {
    const { uuid } = this.#anyStay();
    this.#feed({ type: "drainAsked", at: millis(this.#now), engines: [uuid], limitMs: null });
    if (this.#chance(0.3)) this.#feed({ type: "drainUndone", at: millis(this.#now), engines: [uuid] });
  }

  /** Drained engines leave when they have nothing more. */
  #seeOff(): void {
    for (const { engine, tasks, isDraining } of this.#scheduler.workload(millis(this.#now)).engines) {
      if (!isDraining || tasks > 0) continue;
      this.drained += 1;
      this.#leave(this.#here.get(engine) as Stay);
    }
  }

  #leave(stay: Stay): void {
    this.#here.delete(stay.uuid);
    stay.isHere = false;
    this.departures += 1;
    this.#feed({ type: "engineLeft", at: millis(this.#now), engine: stay.uuid });
  }

  #submit(): void {
    const task = msgId(`T${this.submitted}`);
    this.submitted += 1;
    const wishes = { ...(this.#chance(0.02) ? { retries: 2 } : {}), ...(this.#chance(0.1) ? { priority: this.#below(5) - 2 } : {}) };
    this.#feed({
      type: "taskSubmitted",
      at: millis(this.#now),
      task: { msgId: task, client: 7, payload: `req:${task}`, bytes: 100, options: taskOptions(wishes) },
    });
  }

  /** Goes on to whatever comes next. */
  #step(): void {
    const next = this.#plans[0];
    if (this.#wake <= (next?.at ?? Number.POSITIVE_INFINITY)) {
      if (this.#wake === Number.POSITIVE_INFINITY) return;
      this.#now = Math.max(this.#now, this.#wake);
      this.#wake = Number.POSITIVE_INFINITY;
      return this.#feed({ type: "ticked", at: millis(this.#now) });
    }
    if (next === undefined) return;
    this.#plans.shift();
    this.#now = next.at;
    next.act();
  }

  #plan(at: number, act: () => void): void {
    const planned = { at, order: (this.#order += 1), act };
    const index = this.#plans.findIndex((other) => other.at > at);
    this.#plans.splice(index < 0 ? this.#plans.length : index, 0, planned);
  }

  /** Sends something over one of a stay's channels. Seldom it takes longer than a recall needs. */
  #travel(stay: Stay, channel: keyof Stay["arrivals"], act: () => void): void {
    const delay = this.#rng.next() * (this.#chance(0.01) ? 30 : 0.3);
    stay.arrivals[channel] = Math.max(stay.arrivals[channel], this.#now + delay);
    this.#plan(stay.arrivals[channel], act);
  }

  #feed(event: Event): void {
    const effects = this.#scheduler.handle(event);
    this.#scheduler.validate();
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "sendToEngine":
        return this.#send(effect.engine, effect.msgId);
      case "recallTasks":
        return this.#recall(effect.engine, effect.through);
      case "forwardReply":
      case "replyFailure":
        if (this.answers.has(effect.msgId)) throw new Error(`${effect.msgId} was answered twice`);
        this.answers.set(effect.msgId, effect.type);
        return;
      case "wakeAt":
        this.#wake = effect.at;
        return;
      case "dropped":
        if (effect.reason !== "unaskedRecall" && effect.reason !== "lateReply") throw new Error(`dropped for ${effect.reason}`);
        return;
      case "lookupOutcome":
      case "pauseIntake":
      case "resumeIntake":
      case "taskAssigned":
      case "taskFinished":
      case "taskQueued":
        return;
    }
  }

  #send(engine: EngineUuid, task: MsgId): void {
    const stay = this.#here.get(engine);
    if (stay === undefined) throw new Error(`${task} was sent to ${engine}, which is not here`);
    this.#travel(stay, "task", () => {
      stay.received += 1;
      if (stay.received > stay.recalledThrough) stay.queue.push({ ordinal: stay.received, task });
      this.deepest = Math.max(this.deepest, stay.queue.length + 1);
      this.#runNext(stay);
    });
  }

  #recall(engine: EngineUuid, through: number): void {
    const stay = this.#here.get(engine);
    if (stay === undefined) throw new Error(`${engine} was asked for tasks, and is not here`);
    this.recalls += 1;
    this.#travel(stay, "control", () => {
      const { started } = stay;
      if (started > through) throw new Error(`${engine} was sent tasks while a recall was outstanding`);
      stay.recalledThrough = through;
      stay.queue = stay.queue.filter(({ ordinal }) => ordinal > through);
      this.#travel(stay, "answer", () => this.#feed({ type: "tasksRecalled", at: millis(this.#now), engine, through, started }));
    });
  }

  #runNext(stay: Stay): void {
    if (stay.isRunning || !stay.isHere) return;
    const next = stay.queue.shift();
    if (next === undefined) return;
    stay.isRunning = true;
    stay.started = next.ordinal;
    this.runs.set(next.task, (this.runs.get(next.task) ?? 0) + 1);
    this.#plan(this.#now + (this.#chance(LONG_TASK_SHARE) ? 20 + this.#rng.next() * 100 : this.#rng.next() * 0.6), () => {
      stay.isRunning = false;
      if (!stay.isHere) return;
      const reply = { msgId: next.task, engine: stay.uuid, dependenciesMet: true, status: "ok", payload: "rep" };
      this.#travel(stay, "reply", () => this.#feed({ type: "taskReplied", at: millis(this.#now), reply }));
      this.#runNext(stay);
    });
  }

  #chance(probability: number): boolean {
    return this.#rng.next() < probability;
  }

  #below(count: number): number {
    return Math.floor(this.#rng.next() * count);
  }
}

const given = process.env["SIM_SEED"];
const seeds = given === undefined ? [1, 2, 3, 4] : [Number(given)];

describe("engines with tasks ahead", () => {
  it.each(seeds)("run each task once and answer it once, recalls or not (SIM_SEED=%i)", (seed) => {
    const world = new World(seed);
    world.run(6000);
    expect(world.answers.size).toBe(6000);
    const { counters } = world;
    // Only what an engine took with it may be tried again, by its retries.
    const again = [...world.runs.values()].reduce((sum, runs) => sum + runs - 1, 0);
    expect(again).toBeLessThanOrEqual(counters.retried);
    const unrun = [...world.answers].filter(([task, how]) => how === "forwardReply" && world.runs.get(task) === undefined);
    expect(unrun).toEqual([]);
    // The world was rough enough to mean something.
    expect(world.recalls).toBeGreaterThan(20);
    expect(counters.recalled).toBeGreaterThan(50);
    expect(world.departures).toBeGreaterThan(0);
    expect(world.drained).toBeGreaterThan(0);
    expect(world.deepest).toBeGreaterThan(4);
  });
});
