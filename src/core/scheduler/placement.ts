// Which task goes where, and in what order: tasks that became runnable in this event stand in line, and one engine may
// have gained room; whoever was submitted first is served first. Since no waiting task had an engine with room before, no
// other task and no other engine has to be looked at.

import type { Engine, EnginePool } from "./engine-pool.ts";
import type { TaskFailure } from "./events.ts";
import { locate } from "./location.ts";
import { SeqHeap } from "./seq-heap.ts";
import { NOBODY, PLACING, READY, isLocated, type LiveTask, type TaskPlan, type TaskState } from "./task.ts";
import type { WaitingTasks } from "./waiting-tasks.ts";

/** What placing a task may come to. */
export interface PlacementActions {
  assign(task: LiveTask, engine: Engine): void;
  /** No engine that may run it has room; `state` is its new one. */
  queue(task: LiveTask, state: TaskState): void;
  fail(task: LiveTask, failure: TaskFailure): void;
  /** Follows up what has finished so far; tasks may come into line or fail by it. */
  tellDependents(): void;
}

/** Places tasks. */
export class Placement {
  readonly #pool: EnginePool;
  readonly #waiting: WaitingTasks;
  readonly #actions: PlacementActions;
  /** In line to be placed; empty between events. */
  readonly #ready = new SeqHeap<LiveTask>((task) => task.state !== READY);

  constructor(pool: EnginePool, waiting: WaitingTasks, actions: PlacementActions) {
    this.#pool = pool;
    this.#waiting = waiting;
    this.#actions = actions;
  }

  /** Tasks in line. */
  get length(): number {
    return this.#ready.length;
  }

  /** A task whose state is `ready` now comes into line. */
  push(task: LiveTask): void {
    this.#ready.push(task);
  }

  /** A task in line has finished. */
  noteFinished(): void {
    this.#ready.noteVoid();
  }

  /** Follows everything up until nothing more happens. */
  settle(gainedRoom: Engine | null): void {
    for (;;) {
      this.#actions.tellDependents();
      const ready = this.#ready.peek();
      const waiting = gainedRoom !== null && this.#pool.hasRoom(gainedRoom) ? this.#waiting.firstFor(gainedRoom.uuid) : undefined;
      if (ready !== undefined && (waiting === undefined || ready.seq < waiting.seq)) {
        this.#ready.pop();
        ready.state = PLACING;
        this.place(ready);
      } else if (waiting !== undefined && gainedRoom !== null) {
        this.#waiting.remove(waiting);
        this.#actions.assign(waiting, gainedRoom);
      } else return;
    }
  }

  /** Gives a task to an engine with room, or queues it, or finds that it can never run. */
  place(task: LiveTask): void {
    const plan = task.plan;
    if (plan !== null && isLocated(plan)) return this.#placeLocated(task, plan);
    const engine = this.#pool.pick(plan?.shunned ?? NOBODY);
    if (engine === undefined) this.#actions.queue(task, this.#waiting.add(task));
    else this.#actions.assign(task, engine);
  }

  #placeLocated(task: LiveTask, plan: TaskPlan): void {
    const location = locate(plan, this.#pool);
    if (!location.isPossible) return this.#actions.fail(task, location.failure);
    const engine = this.#pool.pickAmong(location.engines);
    if (engine === undefined) this.#actions.queue(task, this.#waiting.addLocated(task, location.engines, location));
    else this.#actions.assign(task, engine);
  }
}
