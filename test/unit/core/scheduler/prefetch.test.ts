// Sending ahead to quick engines, and taking back from those that fall silent.

import { describe, expect, it } from "vitest";
import type { TaskSchedulerOptions } from "../../../../src/core/scheduler/index.ts";
import { died, dropped, forwarded, recall, SchedulerDriver, sends, wakeAt, type TaskWishes } from "../../../support/scheduler-driver.ts";

/** An engine A that answers `warmUp` tasks in `paceMs` each, and tasks `t0…` that wait. */
function quick(
  facts: { readonly paceMs?: number; readonly warmUp?: number; readonly backlog?: number; readonly options?: TaskSchedulerOptions } = {},
): SchedulerDriver {
  const { paceMs = 2, warmUp = 5, backlog = 60, options = {} } = facts;
  const driver = new SchedulerDriver(options);
  driver.joinPrefetching("A");
  for (let i = 0; i < warmUp; i += 1) {
    driver.submit(`w${i}`);
    driver.now += paceMs;
    driver.reply(`w${i}`, "A");
  }
  for (let i = 0; i < backlog; i += 1) driver.submit(`t${i}`);
  return driver;
}

/** Replies to the first task after a moment. */
function answerFirst(driver: SchedulerDriver, afterMs = 2): string[] {
  driver.now += afterMs;
  return sends(driver.reply("t0", "A"));
}

describe("prefetch", () => {
  it("sends one task at a time until the pace is known, then two until it is well known", () => {
    expect(answerFirst(quick({ warmUp: 0 }))).toEqual(["t1@A"]);
    expect(answerFirst(quick({ warmUp: 1 }))).toEqual(["t1@A", "t2@A"]);
    expect(answerFirst(quick({ warmUp: 3 }))).toEqual(["t1@A", "t2@A"]);
  });

  it("sends an engine that answers in two milliseconds four more tasks, in order", () => {
    expect(answerFirst(quick())).toEqual(["t1@A", "t2@A", "t3@A", "t4@A", "t5@A"]);
  });

  it("holds no more than the bound, however quick the engine", () => {
    expect(answerFirst(quick({ paceMs: 0.001 }), 0.001)).toHaveLength(16);
    expect(answerFirst(quick({ paceMs: 0.001, options: { prefetch: 3 } }), 0.001)).toHaveLength(3);
  });

  it("sends one task ahead to an engine whose tasks take up to fifty milliseconds, and none beyond", () => {
    expect(answerFirst(quick({ paceMs: 8.5 }), 8.5)).toEqual(["t1@A", "t2@A"]);
    expect(answerFirst(quick({ paceMs: 50 }), 50)).toEqual(["t1@A", "t2@A"]);
    expect(answerFirst(quick({ paceMs: 51 }), 51)).toEqual(["t1@A"]);
  });

  it("sends nothing ahead any more once tasks have become long", () => {
    const driver = quick({ paceMs: 2, backlog: 400 });
    let ahead = 0;
    for (let i = 0; i < 40; i += 1) {
      const held = driver.scheduler.load().running;
      driver.now += 400;
      driver.reply(`t${i}`, "A");
      ahead = held - 1;
    }
    expect(ahead).toBe(0);
  });

  it("keeps a queue for all engines: it goes only as deep as what waits justifies", () => {
    expect(answerFirst(quick({ backlog: 4 }))).toEqual(["t1@A"]);
    expect(answerFirst(quick({ backlog: 8 }))).toEqual(["t1@A", "t2@A", "t3@A"]);
  });

  it.each<[string, TaskSchedulerOptions]>([
    ["a hwm of 2", { hwm: 2 }],
    ["no hwm", { hwm: 0 }],
    ["prefetch 1", { prefetch: 1 }],
  ])("is off with %s", (_, options) => {
    const driver = quick({ options });
    expect(answerFirst(driver).length).toBeLessThanOrEqual(1);
    expect(driver.tick(50)).toEqual([]);
  });

  it("is not for engines that did not say that they can", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    for (let i = 0; i < 60; i += 1) driver.submit(`t${i}`);
    for (let i = 0; i < 20; i += 1) expect(sends(driver.reply(`t${i}`, "A"))).toEqual([`t${i + 1}@A`]);
  });

  it.each<[string, TaskWishes]>([
    ["targets", { targets: ["A"] }],
    ["retries", { retries: 1 }],
    ["a timeout", { timeoutMs: 60_000 }],
    ["follow", { follow: { dependencies: ["w0"] } }],
  ])("is not for a task with %s, which gets the engine for itself before later ones", (_, wishes) => {
    const driver = quick({ backlog: 3 });
    driver.submit("special", wishes);
    for (let i = 0; i < 60; i += 1) driver.submit(`u${i}`);
    expect(answerFirst(driver)).toEqual(["t1@A", "t2@A"]);
    driver.now += 0.5;
    expect(sends(driver.reply("t1", "A"))).toEqual([]);
    expect(sends(driver.reply("t2", "A"))[0]).toEqual("special@A");
  });

  it("gives idle engines tasks first", () => {
    const driver = quick();
    answerFirst(driver);
    expect(sends(driver.joinPrefetching("B"))).toEqual(["t6@B"]);
  });
});

describe("a recall", () => {
  /** A holds t1 to t5 (ordinals 7 to 11) and has been silent for 10 ms. */
  function silent(): SchedulerDriver {
    const driver = quick();
    answerFirst(driver);
    expect(driver.tick(10)).toEqual([recall("A", 11)]);
    return driver;
  }

  it("comes 10 ms after the last reply, and only once", () => {
    const driver = quick();
    answerFirst(driver);
    driver.now += 6;
    driver.reply("t1", "A");
    expect(driver.tick(4)).toEqual([wakeAt(driver.now + 6)]);
    expect(driver.tick(6)).toEqual([recall("A", 11)]);
    expect(driver.tick(50)).toEqual([]);
  });

  it("comes after three times the mean from an engine whose tasks take longer", () => {
    const driver = quick({ paceMs: 40 });
    expect(answerFirst(driver, 40)).toEqual(["t1@A", "t2@A"]);
    expect(driver.tick(119)).toEqual([wakeAt(driver.now + 1)]);
    expect(driver.tick(1)).toEqual([recall("A", 8)]);
  });

  it("is not for an engine with one task", () => {
    const driver = quick({ backlog: 1 });
    expect(driver.tick(1000)).toEqual([]);
  });

  it("takes back what was not started: it goes to others before what was submitted later", () => {
    const driver = silent();
    expect(sends(driver.recalled("A", 11, 8))).toEqual([]);
    expect(driver.scheduler.counters()).toMatchObject({ recalled: 3, retried: 0 });
    expect(sends(driver.joinPrefetching("B"))).toEqual(["t3@B"]);
    expect(["t3", "t4", "t5"].flatMap((id) => sends(driver.reply(id, "B")))).toEqual(["t4@B", "t5@B", "t6@B", "t7@B"]);
  });

  it("sends the engine nothing while it is outstanding, even when it has answered everything", () => {
    const driver = silent();
    for (const id of ["t1", "t2", "t3", "t4", "t5"]) expect(driver.reply(id, "A")).toEqual(forwarded(id, "A"));
    expect(sends(driver.recalled("A", 11, 11))).toEqual(["t6@A"]);
  });

  it("gives the same engine its tasks again, one at a time until its pace is known anew", () => {
    const driver = silent();
    driver.recalled("A", 11, 7);
    expect(sends(driver.reply("t1", "A"))).toEqual(["t2@A"]);
    driver.now += 60;
    expect(sends(driver.reply("t2", "A"))).toEqual(["t3@A"]);
    driver.now += 2;
    expect(sends(driver.reply("t3", "A"))).toEqual(["t4@A", "t5@A"]);
  });

  it("of an engine that started none of its tasks leaves it with the first", () => {
    expect(sends(silent().recalled("A", 11, 6))).toEqual(["t1@A"]);
  });

  it("that nobody asked for changes nothing", () => {
    const driver = silent();
    expect(driver.recalled("A", 10, 7)).toEqual([dropped("unaskedRecall", null, "A")]);
    expect(driver.recalled("B", 11, 7)).toEqual([dropped("unaskedRecall", null, "B")]);
    driver.recalled("A", 11, 7);
    expect(driver.recalled("A", 11, 7)).toEqual([dropped("unaskedRecall", null, "A")]);
  });

  it("outstanding when the engine leaves is over: its tasks end as ever, and an engine of its name starts anew", () => {
    const driver = silent();
    const leftAt = driver.now;
    expect(driver.leave("A")).toEqual([wakeAt(leftAt + 5000)]);
    expect(driver.recalled("A", 11, 7)).toEqual([dropped("unaskedRecall", null, "A")]);
    expect(driver.reply("t1", "A")).toEqual(forwarded("t1", "A"));
    expect(driver.tick(5000)).toEqual(died("t2", "A", driver.now));
    expect(sends(driver.joinPrefetching("A"))).toEqual(["t3@A"]);
  });
});

describe("tasks sent ahead to an engine that dies", () => {
  it("run elsewhere, one at a time each, while the first one fails", () => {
    const driver = quick({ backlog: 30 });
    answerFirst(driver); // t1 … t5 are at A.
    driver.leave("A");
    expect(driver.tick(5000)).toEqual(died("t1", "A", driver.now));
    expect(sends(driver.joinPrefetching("B"))).toEqual(["t2@B"]);
    for (const [done, next] of [
      ["t2", "t3"],
      ["t3", "t4"],
      ["t4", "t5"],
    ] as const) {
      driver.now += 1;
      // B is quick by now, and still gets nothing beside one of them.
      expect(sends(driver.reply(done, "B"))).toEqual([`${next}@B`]);
    }
    driver.now += 1;
    expect(sends(driver.reply("t5", "B"))).toEqual(["t6@B", "t7@B"]);
    driver.now += 1;
    expect(sends(driver.reply("t6", "B")).length).toBeGreaterThan(2);
  });

  it("do not get a third engine: whatever made two of them die ends there", () => {
    const driver = quick({ backlog: 30 });
    answerFirst(driver);
    driver.leave("A");
    driver.tick(5000);
    expect(sends(driver.joinPrefetching("B"))).toEqual(["t2@B"]);
    driver.leave("B");
    expect(driver.tick(5000)).toEqual(died("t2", "B", driver.now));
    expect(sends(driver.joinPrefetching("C"))).toEqual(["t3@C"]);
  });
});
