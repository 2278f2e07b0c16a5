// A world of engines that join, leave, die, decline, fail and answer late, from a seed. Whatever happens: every task is
// answered exactly once, no engine gets more than `hwm`, nobody overtakes, and every invariant holds after each event.
// SIM_SEED=n runs that seed only.

import { describe, expect, it } from "vitest";
import { engineUuid, millis, msgId, seededRng, type EngineUuid, type MsgId, type Rng } from "../../src/base/index.ts";
import { SCHEME_NAMES, TaskScheduler, type FoundOutcome, type SchedulerEffect, type SchedulerEvent, type SchemeName } from "../../src/core/scheduler/index.ts";
import { taskOptions, type TaskWishes } from "../support/scheduler-driver.ts";

type Event = SchedulerEvent<string, number>;
type Effect = SchedulerEffect<string, number>;
/** One stay of an engine. */
interface Stay {
  readonly uuid: EngineUuid;
  load: number;
}
interface Attempt {
  readonly task: string;
  readonly stay: Stay;
}

const LIVE_MAX = 120;
const ENDINGS = ["reply", "EngineError", "TaskAborted", "ImpossibleDependency", "InvalidDependency", "TaskTimeout"];

class World {
  readonly #rng: Rng;
  readonly #scheduler: TaskScheduler<string, number>;
  readonly #hwm: number;
  readonly #isPure: boolean;
  now = 0;
  #lastEngine = 0;
  readonly #here = new Map<EngineUuid, Stay>();
  /** Attempts an engine has, also of engines that left: a reply may still come. */
  #attempts: Attempt[] = [];
  readonly submitted: string[] = [];
  readonly #plain = new Set<string>();
  readonly #cancelled = new Set<string>();
  readonly answers = new Map<string, string>();
  readonly #endings = new Map<string, string>();
  #asked: MsgId[] = [];
  #wake = Number.POSITIVE_INFINITY;
  #lastPlain = -1;

  constructor(scheme: SchemeName, hwm: number, seed: number) {
    this.#rng = seededRng(seed);
    this.#hwm = hwm;
    this.#isPure = scheme === "pure";
    this.#scheduler = new TaskScheduler<string, number>({ scheme, hwm, rng: seededRng(seed + 1), outcomesMax: 50, storyMax: 2000 });
  }

  get live(): number {
    return this.submitted.length - this.answers.size;
  }

  step(): void {
    this.now += this.#rng.next() * 40;
    if (this.now >= this.#wake) {
      this.#wake = Number.POSITIVE_INFINITY;
      this.#feed({ type: "ticked", at: millis(this.now) });
    }
    const dice = this.#rng.next();
    if (dice < 0.02) this.join();
    else if (dice < 0.035) this.#leave();
    else if (dice < 0.45 && this.live < LIVE_MAX) this.#submit();
    else if (dice >= 0.45 && dice < 0.55) this.tellOutcomes();
    else if (dice >= 0.55 && dice < 0.57) this.#nonsense();
    else if (dice >= 0.57 && dice < 0.59) this.#cancel();
    else this.answer();
  }

  join(): void {
    if (this.#here.size >= 8) return;
    // Now and then an engine comes back under its old name.
    const isOld = this.#lastEngine > 0 && this.#chance(0.2);
    const uuid = engineUuid(`E${isOld ? this.#below(this.#lastEngine) : this.#lastEngine++}`);
    if (this.#here.has(uuid)) return;
    this.#here.set(uuid, { uuid, load: 0 });
    this.#feed({ type: "engineJoined", at: millis(this.now), engine: uuid });
  }

  /** One attempt gets its reply, or is lost with its engine. */
  answer(): void {
    if (this.#attempts.length === 0) return;
    const [attempt] = this.#attempts.splice(this.#below(this.#attempts.length), 1) as [Attempt];
    const { task, stay } = attempt;
    if (this.#here.get(stay.uuid) !== stay && this.#chance(0.5)) return;
    const dice = this.#rng.next();
    const dependenciesMet = dice > 0.1;
    const status = dice > 0.3 ? "ok" : dice > 0.25 ? "aborted" : "error";
    stay.load -= 1;
    this.#feed({
      type: "taskReplied",
      at: millis(this.now),
      reply: { msgId: msgId(task), engine: stay.uuid, dependenciesMet, status, payload: `rep:${task}` },
    });
  }

  tellOutcomes(): void {
    if (this.#asked.length === 0) return;
    const asked = this.#asked;
    this.#asked = [];
    // Only the store of this world knows: what was answered long ago is found, what never was is unknown.
    const outcomes = asked.map((id): FoundOutcome => {
      const answer = this.answers.get(id);
      if (answer === undefined) return { msgId: id, status: this.#chance(0.5) ? "unknown" : "pending", engine: null };
      const [outcome, engine] = answer.split(":") as [FoundOutcome["status"], string];
      return { msgId: id, status: outcome, engine: engine === "" ? null : engineUuid(engine) };
    });
    this.#feed({ type: "outcomesFound", at: millis(this.now), outcomes });
  }

  /** From now on engines only join and answer, and time passes, until everything is answered. */
  drain(): void {
    for (let round = 0; this.live > 0; round += 1) {
      if (round > 20_000) throw new Error(`${this.live} tasks are never answered: ${JSON.stringify(this.#unanswered())}`);
      this.now += 100;
      if (this.now >= this.#wake) {
        this.#wake = Number.POSITIVE_INFINITY;
        this.#feed({ type: "ticked", at: millis(this.now) });
      }
      this.tellOutcomes();
      // A task may have failed on every engine there is; new ones keep coming, old ones go.
      if (this.#attempts.length === 0) {
        if (this.#here.size >= 8) this.#leave();
        this.join();
      }
      this.answer();
    }
  }

  /** What is left in the scheduler; its counts; the ways tasks ended. */
  report() {
    return { load: this.#scheduler.load(), counters: this.#scheduler.counters(), answered: this.#endings.size, endings: new Set(this.#endings.values()) };
  }

  #unanswered(): unknown[] {
    return this.submitted
      .filter((task) => !this.answers.has(task))
      .map((task) => [task, this.#scheduler.explain(msgId(task)), this.#scheduler.story(msgId(task))]);
  }

  #leave(): void {
    const uuids = [...this.#here.keys()];
    const uuid = uuids[this.#below(uuids.length)];
    if (uuid === undefined) return;
    this.#here.delete(uuid);
    this.#feed({ type: "engineLeft", at: millis(this.now), engine: uuid });
  }

  #submit(): void {
    const task = `T${this.submitted.length}`;
    const wishes = this.#wishes();
    this.submitted.push(task);
    if (Object.keys(wishes).length === 0) this.#plain.add(task);
    this.#feed({
      type: "taskSubmitted",
      at: millis(this.now),
      task: { msgId: msgId(task), client: 7, payload: `req:${task}`, bytes: 100, options: taskOptions(wishes) },
    });
  }

  #wishes(): TaskWishes {
    if (this.#chance(0.4)) return {};
    return {
      ...(this.#chance(0.3) ? { targets: [this.#someEngine(), this.#someEngine()] } : {}),
      ...(this.#chance(0.2) ? { priority: this.#below(5) - 2 } : {}),
      ...(this.#chance(0.3) ? { retries: this.#below(4) } : {}),
      ...(this.#chance(0.3) ? { timeoutMs: 1 + this.#below(2000) } : {}),
      ...(this.#chance(0.4) ? { after: this.#dependency() } : {}),
      ...(this.#chance(0.2) ? { follow: this.#dependency() } : {}),
    };
  }

  #dependency(): TaskWishes["after"] & object {
    const dependencies = Array.from({ length: this.#below(4) }, () => (this.#chance(0.03) ? `nowhere${this.#below(9)}` : `T${this.#nearEnd()}`));
    const failure = this.#chance(0.5);
    return { dependencies, all: this.#chance(0.6), success: !failure || this.#chance(0.7), failure };
  }

  /** Mostly a late task, seldom one long forgotten, and now and then the task itself. */
  #nearEnd(): number {
    const count = this.submitted.length;
    return this.#chance(0.1) ? this.#below(count + 1) : Math.max(0, count - this.#below(20));
  }

  #someEngine(): string {
    return `E${Math.max(0, this.#lastEngine - this.#below(8))}`;
  }

  /** Of a task that waits, runs, has ended, or has not come yet. */
  #cancel(): void {
    const task = `T${Math.max(0, this.submitted.length + 2 - this.#below(40))}`;
    this.#cancelled.add(task);
    this.#feed({ type: "cancelAsked", at: millis(this.now), msgIds: [msgId(task)] });
  }

  #nonsense(): void {
    const task = `T${this.#below(this.submitted.length + 5)}`;
    const at = millis(this.now);
    if (this.#chance(0.5))
      this.#feed({ type: "taskReplied", at, reply: { msgId: msgId(task), engine: engineUuid("nobody"), dependenciesMet: true, status: "ok", payload: "x" } });
    else this.#feed({ type: "engineLeft", at, engine: engineUuid("nobody") });
  }

  #feed(event: Event): void {
    const effects = this.#scheduler.handle(event);
    this.#scheduler.validate();
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "sendToEngine":
        return this.#sent(effect.msgId, effect.engine, effect.payload);
      case "forwardReply":
        return this.#answered(effect.msgId, effect.payload);
      case "replyFailure":
        return this.#answered(effect.msgId, effect.failure.ename);
      case "taskFinished":
        this.answers.set(effect.msgId, `${effect.outcome}:${effect.engine ?? ""}`);
        return;
      case "lookupOutcome":
        this.#asked.push(...effect.msgIds);
        return;
      case "wakeAt":
        this.#wake = effect.at;
        return;
      case "recallTasks":
        throw new Error("no engine here can prefetch, and one was asked to give tasks back");
      case "dropped":
      case "pauseIntake":
      case "resumeIntake":
      case "taskAssigned":
      case "taskQueued":
        return;
    }
  }

  #answered(task: string, answer: string): void {
    const isReply = answer.startsWith("rep:");
    if (this.#endings.has(task)) throw new Error(`${task} was answered twice`);
    if (isReply && answer !== `rep:${task}`) throw new Error(`${task} was answered with ${answer}`);
    this.#endings.set(task, isReply ? "reply" : answer);
  }

  #sent(task: string, engine: EngineUuid, payload: string): void {
    const stay = this.#here.get(engine);
    if (stay === undefined) throw new Error(`${task} was sent to ${engine}, which is not here`);
    if (this.#cancelled.has(task)) throw new Error(`${task} was sent to ${engine} after it was cancelled`);
    if (payload !== `req:${task}`) throw new Error(`${task} was sent with ${payload}`);
    stay.load += 1;
    if (!this.#isPure && this.#hwm > 0 && stay.load > this.#hwm) throw new Error(`${engine} has ${stay.load} tasks`);
    this.#attempts.push({ task, stay });
    // Tasks without any wish can run on every engine, so among them a later one never gets an engine first.
    if (!this.#plain.delete(task)) return;
    const number = Number(task.slice(1));
    if (number < this.#lastPlain) throw new Error(`${task} was overtaken by T${this.#lastPlain}`);
    this.#lastPlain = number;
  }

  #chance(probability: number): boolean {
    return this.#rng.next() < probability;
  }

  #below(count: number): number {
    return Math.floor(this.#rng.next() * count);
  }
}

const given = process.env["SIM_SEED"];
const seeds = given === undefined ? [1, 2] : [Number(given)];

describe("a simulated cluster", () => {
  for (const scheme of SCHEME_NAMES) {
    for (const hwm of [1, 3, 0]) {
      it.each(seeds)(`answers each task exactly once with ${scheme} and hwm ${hwm} (SIM_SEED=%i)`, (seed) => {
        const world = new World(scheme, hwm, seed);
        for (let step = 0; step < 4000; step += 1) world.step();
        world.drain();
        const all = world.submitted.length;
        const { load, counters, answered, endings } = world.report();
        expect(load).toMatchObject({ tasks: 0, running: 0, bytes: 0, isIntakePaused: false });
        expect({ submitted: counters.submitted, finished: counters.succeeded + counters.failed, answered }).toEqual({
          submitted: all,
          finished: all,
          answered: all,
        });
        // The world was rough enough to mean something.
        expect(all).toBeGreaterThan(500);
        expect([...endings]).toEqual(expect.arrayContaining(scheme === "pure" ? ["reply", "EngineError"] : ENDINGS));
        expect(Math.min(counters.retried, counters.declined)).toBeGreaterThan(scheme === "pure" ? -1 : 10);
      });
    }
  }
});
