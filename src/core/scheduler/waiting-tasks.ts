// Tasks that could run but for room on an engine, so arranged that the earliest one for a given engine is found without
// a search: a queue for those that any engine may run, a tree for those that shun some, and for those bound to certain
// engines a list at each of these. All three are in the order of their places in line, and the first of the three firsts is
// next. The queue is for tasks of priority 0, as most are; others stand in the tree, so that they cost those nothing.

import type { EngineUuid } from "../../base/index.ts";
import { SeqHeap } from "./seq-heap.ts";
import { ShunTree } from "./shun-tree.ts";
import { isOfPriorityZero, NOBODY, TaskList, WAITING_PLAIN, WAITING_REENTERED, type LiveTask, type LocatedWait, type TaskState } from "./task.ts";

const isOver = (wait: LocatedWait): boolean => wait.task === null;

/** All waiting tasks. */
export class WaitingTasks {
  readonly #plain = new TaskList();
  readonly #reentered = new ShunTree();
  /** By engine, here or not: an engine that comes back finds the tasks bound to it. */
  readonly #located = new Map<EngineUuid, SeqHeap<LocatedWait>>();
  #locatedCount = 0;
  /** Of those in the tree: without wishes. */
  #plainReentered = 0;

  get length(): number {
    return this.#plain.length + this.#reentered.length + this.#locatedCount;
  }

  /** Tasks without wishes, but perhaps with a priority: those that may be sent ahead. */
  get plainLength(): number {
    return this.#plain.length + this.#plainReentered;
  }

  /** Takes in a task that any engine may run, except those it shuns; gives its new state. */
  add(task: LiveTask): TaskState {
    const shunned = task.plan?.shunned ?? NOBODY;
    const tail = this.#plain.tail;
    if (shunned.size === 0 && isOfPriorityZero(task) && (tail === null || tail.seq < task.seq)) {
      this.#plain.push(task);
      return WAITING_PLAIN;
    }
    this.#reentered.insert(task);
    if (task.plan === null) this.#plainReentered += 1;
    return WAITING_REENTERED;
  }

  /** Takes in a task that only these engines may run; gives its new state. */
  addLocated(task: LiveTask, engines: readonly EngineUuid[], facts: { readonly liveCount: number; readonly isOpen: boolean }): TaskState {
    const wait: LocatedWait = { name: "waiting", place: "located", seq: task.seq, task, engines, ...facts };
    for (const uuid of engines) {
      let heap = this.#located.get(uuid);
      if (heap === undefined) this.#located.set(uuid, (heap = new SeqHeap(isOver)));
      heap.push(wait);
    }
    this.#locatedCount += 1;
    return wait;
  }

  /** Takes out a task that is in a waiting state. */
  remove(task: LiveTask): void {
    const state = task.state;
    if (state.name !== "waiting") return;
    if (state.place === "plain") this.#plain.remove(task);
    else if (state.place === "reentered") {
      this.#reentered.remove(task);
      if (task.plan === null) this.#plainReentered -= 1;
    } else this.#removeLocated(state);
  }

  /** The earliest task this engine may run. */
  firstFor(engine: EngineUuid): LiveTask | undefined {
    let first: LiveTask | undefined = this.#plain.head ?? undefined;
    const reentered = this.#reentered.firstFor(engine);
    if (reentered !== undefined && (first === undefined || reentered.seq < first.seq)) first = reentered;
    const located = this.#located.size === 0 ? undefined : this.#located.get(engine)?.peek();
    if (located !== undefined && located.task !== null && (first === undefined || located.seq < first.seq)) first = located.task;
    return first;
  }

  /** An engine joined: those bound to it count it. */
  engineJoined(engine: EngineUuid): void {
    for (const wait of this.#located.get(engine) ?? []) wait.liveCount += 1;
  }

  /** An engine left: gives the tasks, in their order in line, that no engine is left for and none will be. */
  engineLeft(engine: EngineUuid): LiveTask[] {
    const hopeless: LiveTask[] = [];
    for (const wait of this.#located.get(engine) ?? []) {
      wait.liveCount -= 1;
      if (wait.liveCount === 0 && !wait.isOpen && wait.task !== null) hopeless.push(wait.task);
    }
    return hopeless.toSorted((one, other) => one.seq - other.seq);
  }

  /** The tasks any engine may run that came in order; for `validate`. */
  get plain(): Iterable<LiveTask> {
    return this.#plain;
  }

  /** Tasks bound to an engine; for `validate`. */
  locatedAt(engine: EngineUuid): Iterable<LocatedWait> {
    return this.#located.get(engine) ?? [];
  }

  /** Entries held in all engines' lists, void ones included; for `validate`. */
  get locatedEntries(): number {
    let sum = 0;
    for (const heap of this.#located.values()) sum += heap.heldLength;
    return sum;
  }

  #removeLocated(wait: LocatedWait): void {
    wait.task = null;
    this.#locatedCount -= 1;
    for (const uuid of wait.engines) {
      const heap = this.#located.get(uuid);
      if (heap === undefined) continue;
      heap.noteVoid();
      if (heap.length === 0) this.#located.delete(uuid);
    }
  }
}
