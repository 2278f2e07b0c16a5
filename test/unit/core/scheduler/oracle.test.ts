// The scheduler against a naive one that looks at every task and every engine each time: same sends in the same order,
// same endings. And its two containers against sorted arrays.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { engineUuid } from "../../../../src/base/index.ts";
import { SeqHeap } from "../../../../src/core/scheduler/seq-heap.ts";
import { ShunTree } from "../../../../src/core/scheduler/shun-tree.ts";
import { emptyPlan, type LiveTask } from "../../../../src/core/scheduler/task.ts";
import { SchedulerDriver, sends, type Effect } from "../../../support/scheduler-driver.ts";

interface NaiveTask {
  readonly id: string;
  readonly targets: readonly string[];
  readonly after: readonly string[];
  readonly priority: number;
  readonly shunned: Set<string>;
  retries: number;
  state: "waiting" | "running" | "ok" | "failed";
  engine: string;
}

/** Highest priority first, FIFO over runnable tasks of the same, least load, longest at that load first; everything by looking at everything. */
class NaiveScheduler {
  readonly tasks: NaiveTask[] = [];
  readonly engines = new Map<string, { load: number; since: number }>();
  readonly #hwm: number;
  #clock = 0;

  constructor(hwm: number) {
    this.#hwm = hwm;
  }

  join(engine: string): string[] {
    this.engines.set(engine, { load: 0, since: -(this.#clock += 1) });
    return this.#settle();
  }

  submit(
    id: string,
    facts: { readonly targets: readonly string[]; readonly after: readonly string[]; readonly retries: number; readonly priority: number },
  ): string[] {
    this.tasks.push({ id, ...facts, shunned: new Set(), state: "waiting", engine: "" });
    return this.#settle();
  }

  reply(id: string, how: "ok" | "failed" | "declined"): string[] {
    const task = this.tasks.find((other) => other.id === id) as NaiveTask;
    this.#change(task.engine, -1);
    if (how === "declined" || (how === "failed" && task.retries > 0)) {
      if (how === "failed") task.retries -= 1;
      task.shunned.add(task.engine);
      task.state = "waiting";
    } else task.state = how;
    return this.#settle();
  }

  endings(): string[] {
    return this.tasks.filter((task) => task.state === "ok" || task.state === "failed").map((task) => `${task.id} ${task.state}`);
  }

  #settle(): string[] {
    const sent: string[] = [];
    const stateOf = (id: string): string | undefined => this.tasks.find((other) => other.id === id)?.state;
    for (let isChanged = true; isChanged;) {
      isChanged = false;
      for (const task of this.tasks.toSorted((one, other) => other.priority - one.priority)) {
        if (task.state !== "waiting") continue;
        const dependencies = task.after.map(stateOf);
        const allowed = [...this.engines.keys()].filter((engine) => !task.shunned.has(engine) && (task.targets.length === 0 || task.targets.includes(engine)));
        if (dependencies.includes("failed")) task.state = "failed";
        else if (dependencies.some((state) => state !== "ok")) continue;
        else if (allowed.length === 0 && task.targets.length > 0) task.state = "failed";
        else {
          const engine = this.#leastLoaded(allowed);
          if (engine === undefined) continue;
          this.#change(engine, 1);
          task.state = "running";
          task.engine = engine;
          sent.push(`${task.id}@${engine}`);
        }
        isChanged = true;
        break;
      }
    }
    return sent;
  }

  #leastLoaded(allowed: readonly string[]): string | undefined {
    const withRoom = allowed
      .map((engine) => ({ engine, ...(this.engines.get(engine) as { load: number; since: number }) }))
      .filter(({ load }) => this.#hwm === 0 || load < this.#hwm);
    return withRoom.toSorted((one, other) => one.load - other.load || one.since - other.since)[0]?.engine;
  }

  #change(engine: string, by: number): void {
    const entry = this.engines.get(engine) as { load: number; since: number };
    entry.load += by;
    entry.since = this.#clock += 1;
  }
}

const commands = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("join" as const) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("submit" as const),
        targets: fc.oneof(
          { weight: 2, arbitrary: fc.constant<number[]>([]) },
          { weight: 1, arbitrary: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }) },
        ),
        after: fc.oneof({ weight: 2, arbitrary: fc.constant<number[]>([]) }, { weight: 1, arbitrary: fc.uniqueArray(fc.nat(12), { maxLength: 3 }) }),
        retries: fc.nat(2),
        priority: fc.constantFrom(0, 0, 0, 1, -1, 1000, -1000),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("reply" as const),
        which: fc.nat(100),
        how: fc.constantFrom("ok" as const, "ok" as const, "failed" as const, "declined" as const),
      }),
    },
  ),
  { maxLength: 80 },
);

describe("the task scheduler", () => {
  it("does what a scheduler does that looks at everything", () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 2), commands, (hwm, list) => {
        const driver = new SchedulerDriver({ hwm });
        const naive = new NaiveScheduler(hwm);
        const endings = new Set<string>();
        const compare = (effects: readonly Effect[], expected: readonly string[]) => {
          for (const effect of effects) if (effect.type === "taskFinished") endings.add(`${effect.msgId} ${effect.outcome}`);
          expect(sends(effects)).toEqual(expected);
          expect([...endings].toSorted()).toEqual(naive.endings().toSorted());
        };
        for (const command of list) {
          if (command.kind === "join") compare(driver.join(`E${naive.engines.size}`), naive.join(`E${naive.engines.size}`));
          else if (command.kind === "submit") {
            const count = naive.tasks.length;
            const after = command.after.filter((back) => back > 0 && back <= count).map((back) => `t${count - back}`);
            const wishes = { targets: command.targets.map((n) => `E${n}`), after, retries: command.retries, priority: command.priority };
            compare(driver.submit(`t${count}`, wishes), naive.submit(`t${count}`, wishes));
          } else {
            const running = naive.tasks.filter((task) => task.state === "running");
            const task = running[command.which % Math.max(1, running.length)];
            if (task === undefined) continue;
            const status = command.how === "ok" ? "ok" : "error";
            compare(driver.reply(task.id, task.engine, { status, dependenciesMet: command.how !== "declined" }), naive.reply(task.id, command.how));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

function shunningTask(seq: number, shunned: readonly number[]): LiveTask {
  const plan = { ...emptyPlan(), shunned: new Set(shunned.map((n) => engineUuid(`E${n}`))) };
  return {
    msgId: `t${seq}` as LiveTask["msgId"],
    client: 0,
    payload: 0,
    bytes: 0,
    seq,
    state: { name: "blocked" },
    plan,
    dependents: null,
    ordinal: 0,
    previous: null,
    next: null,
  };
}

describe("ShunTree", () => {
  it("finds the earliest task for any engine, whatever comes and goes", () => {
    const entry = fc.record({ seq: fc.integer({ min: 1, max: 60 }), shunned: fc.uniqueArray(fc.nat(3), { maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 120 }), (entries) => {
        const tree = new ShunTree();
        const held = new Map<number, LiveTask>();
        for (const { seq, shunned } of entries) {
          const present = held.get(seq);
          if (present === undefined) {
            const task = shunningTask(seq, shunned);
            held.set(seq, task);
            tree.insert(task);
          } else {
            held.delete(seq);
            tree.remove(present);
          }
          const sorted = [...held.values()].toSorted((one, other) => one.seq - other.seq);
          expect([...tree]).toEqual(sorted);
          expect(tree.length).toBe(sorted.length);
          for (const engine of [0, 1, 2, 3, 4].map((n) => engineUuid(`E${n}`))) {
            expect(tree.firstFor(engine)).toBe(sorted.find((task) => task.plan?.shunned.has(engine) === false));
          }
        }
      }),
    );
  });
});

describe("SeqHeap", () => {
  it("gives what counts in order and does not hoard what does not", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ seq: fc.nat(1000), isVoided: fc.boolean() }), { maxLength: 200 }), (entries) => {
        const heap = new SeqHeap<{ seq: number; isOver: boolean }>((item) => item.isOver);
        const items = entries.map(({ seq, isVoided }) => ({ seq, isVoided, isOver: false }));
        for (const item of items) heap.push(item);
        for (const item of items) {
          if (!item.isVoided) continue;
          item.isOver = true;
          heap.noteVoid();
        }
        const expected = items
          .filter((item) => !item.isOver)
          .map((item) => item.seq)
          .toSorted((one, other) => one - other);
        expect(heap.length).toBe(expected.length);
        expect(heap.heldLength).toBeLessThanOrEqual(Math.max(16, 2 * expected.length + 1));
        const given: number[] = [];
        for (let item = heap.pop(); item !== undefined; item = heap.pop()) given.push(item.seq);
        expect(given).toEqual(expected);
      }),
    );
  });
});
