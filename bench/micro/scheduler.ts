// The task scheduler alone: CPU per task (submit, assign, reply, forget) at several numbers of engines, with few and with
// all tasks waiting, plain and constrained; and the heap a waiting task takes. Figures at different numbers of engines
// should be alike: choosing an engine does not depend on how many there are.

import { engineUuid, millis, msgId, seededRng, type EngineUuid, type MsgId } from "../../src/base/index.ts";
import { SCHEME_NAMES, TaskScheduler, type SchedulerEffect, type SchemeName } from "../../src/core/scheduler/index.ts";
import { DEFAULT_TASK_OPTIONS, NO_DEPENDENCY, type TaskOptions } from "../../src/wire/index.ts";
import type { BenchRow } from "./types.ts";

const ENGINE_COUNTS = [10, 1_000, 10_000];
const PAYLOAD = "frames";
/** Tasks that wait for an engine all the time. */
const BACKLOG = 1_000;

/** What one run is made of. */
interface Course {
  readonly engines: number;
  readonly tasks: number;
  /** Tasks that are submitted before the first reply, beyond those the engines take at once. */
  readonly backlog: number;
  readonly scheme?: SchemeName;
  /** Options of the i-th task. */
  readonly optionsOf?: (index: number) => TaskOptions;
}

const engineName = (index: number): EngineUuid => engineUuid(`engine-${index}`);
const taskName = (index: number): MsgId => msgId(`5a1f-${index}`);

/** A scheduler, its engines, and the attempts they have; the engine that got its task first answers first. */
class Run {
  readonly #scheduler: TaskScheduler<string, string>;
  readonly #course: Course;
  readonly #attempts: { readonly task: MsgId; readonly engine: EngineUuid }[] = [];
  #answered = 0;
  #submitted = 0;
  #finished = 0;
  #at = 0;

  constructor(course: Course) {
    this.#course = course;
    this.#scheduler = new TaskScheduler<string, string>({ scheme: course.scheme ?? "leastload", rng: seededRng(7), queuedTasksMax: 4_000_000 });
    for (let index = 0; index < course.engines; index += 1) {
      this.#take(this.#scheduler.handle({ type: "engineJoined", at: millis(0), engine: engineName(index) }));
    }
  }

  /** Tasks finished. */
  run(): number {
    const { engines, backlog, tasks } = this.#course;
    const ahead = Math.min(tasks, engines + backlog);
    while (this.#submitted < ahead) this.#submit();
    while (this.#finished < tasks) {
      const attempt = this.#attempts[this.#answered];
      if (attempt === undefined) throw new Error(`nothing runs, though ${tasks - this.#finished} tasks are not finished`);
      this.#answered += 1;
      this.#forgetAnswered();
      const reply = { msgId: attempt.task, engine: attempt.engine, dependenciesMet: true, status: "ok", payload: PAYLOAD };
      this.#take(this.#scheduler.handle({ type: "taskReplied", at: millis((this.#at += 1)), reply }));
      if (this.#submitted < tasks) this.#submit();
    }
    if (this.#scheduler.load().tasks !== 0) throw new Error("the scheduler kept a finished task");
    return this.#finished;
  }

  #submit(): void {
    const index = this.#submitted;
    this.#submitted += 1;
    const options = this.#course.optionsOf?.(index) ?? DEFAULT_TASK_OPTIONS;
    const task = { msgId: taskName(index), client: "client", payload: PAYLOAD, bytes: 100, options };
    this.#take(this.#scheduler.handle({ type: "taskSubmitted", at: millis((this.#at += 1)), task }));
  }

  #take(effects: readonly SchedulerEffect<string, string>[]): void {
    for (const effect of effects) {
      if (effect.type === "sendToEngine") this.#attempts.push({ task: effect.msgId, engine: effect.engine });
      else if (effect.type === "taskFinished") this.#finished += 1;
    }
  }

  #forgetAnswered(): void {
    if (this.#answered < 65_536) return;
    this.#attempts.splice(0, this.#answered);
    this.#answered = 0;
  }
}

/** Runs all courses. `tasks`: for each course of plain tasks, default a million. */
export async function run(options: { readonly tasks?: number } = {}): Promise<BenchRow[]> {
  const tasks = options.tasks ?? 1_000_000;
  // Each figure on warm code: the first course measures the compiler otherwise.
  measure("warm-up", { engines: 10, tasks: Math.min(tasks, 50_000), backlog: BACKLOG });
  const rows = ENGINE_COUNTS.map((engines) => measure(`${engines} engines`, { engines, tasks, backlog: BACKLOG }));
  rows.push(measure("1000 engines, all tasks waiting", { engines: 1_000, tasks, backlog: tasks }));
  const fewer = Math.ceil(tasks / 5);
  for (const engines of ENGINE_COUNTS)
    rows.push(measure(`${engines} engines, two targets each`, { engines, tasks: fewer, backlog: BACKLOG, optionsOf: twoTargets(engines) }));
  for (const engines of ENGINE_COUNTS)
    rows.push(measure(`${engines} engines, after the 10th before`, { engines, tasks: fewer, backlog: BACKLOG, optionsOf: afterTenth }));
  for (const scheme of SCHEME_NAMES.slice(1)) rows.push(measure(`1000 engines, ${scheme}`, { engines: 1_000, tasks: fewer, backlog: BACKLOG, scheme }));
  rows.push(heapPerWaitingTask(fewer));
  return rows;
}

function measure(name: string, course: Course): BenchRow {
  collectGarbage();
  const world = new Run(course);
  const before = process.cpuUsage();
  const finished = world.run();
  const { user, system } = process.cpuUsage(before);
  return { name: `scheduler: CPU per task, ${name}`, value: (user + system) / finished, unit: "µs", check: `${finished} tasks` };
}

function twoTargets(engines: number): (index: number) => TaskOptions {
  return (index) => ({ ...DEFAULT_TASK_OPTIONS, targets: [engineName(index % engines), engineName((index * 7 + 3) % engines)] });
}

function afterTenth(index: number): TaskOptions {
  return index < 10 ? DEFAULT_TASK_OPTIONS : { ...DEFAULT_TASK_OPTIONS, after: { ...NO_DEPENDENCY, dependencies: [taskName(index - 10)] } };
}

/** Heap that waiting tasks take, their message ids included, payloads not. */
function heapPerWaitingTask(tasks: number): BenchRow {
  const scheduler = new TaskScheduler<string, string>({ queuedTasksMax: 4_000_000 });
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < tasks; index += 1) {
    const task = { msgId: taskName(index), client: "client", payload: PAYLOAD, bytes: 100, options: DEFAULT_TASK_OPTIONS };
    scheduler.handle({ type: "taskSubmitted", at: millis(index), task });
  }
  collectGarbage();
  const grown = process.memoryUsage().heapUsed - before;
  return { name: "scheduler: heap per waiting task", value: grown / tasks, unit: "B", check: `${scheduler.load().tasks} waiting` };
}

/** Does nothing unless the process was started with `--expose-gc`; figures of memory are upper bounds then. */
function collectGarbage(): void {
  globalThis.gc?.();
}
