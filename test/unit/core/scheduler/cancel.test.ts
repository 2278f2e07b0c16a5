// Tasks that a client does not want any more.

import { describe, expect, it } from "vitest";
import { millis, msgId } from "../../../../src/base/index.ts";
import { EARLY_MAX } from "../../../../src/core/scheduler/cancelled.ts";
import { died, failed, forwarded, id, lookup, queued, SchedulerDriver, sends, sent, wakeAt, type Effect } from "../../../support/scheduler-driver.ts";

const cancel = (driver: SchedulerDriver, ...ids: string[]): Effect[] => driver.handle({ type: "cancelAsked", at: millis(driver.now), msgIds: ids.map(msgId) });
const never = (task: string): Effect[] => failed(task, "TaskAborted", "the request was cancelled before it ran");

describe("a task that is cancelled", () => {
  it("fails at once while it waits for an engine, and the others keep their order", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    for (const task of ["t1", "t2", "t3"]) driver.submit(task);
    expect(cancel(driver, "t2")).toEqual(never("t2"));
    expect(driver.reply("t1", "A")).toEqual([...forwarded("t1", "A"), ...sent("t3", "A")]);
  });

  it("fails at once while it waits for its targets, for a dependency, or for the task store's word on one", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t1", { targets: ["A"] });
    driver.submit("bound", { targets: ["A"] });
    driver.submit("blocked", { after: ["t1"], timeoutMs: 500 });
    expect(driver.submit("asked", { after: ["long-ago"] })).toEqual([queued("asked"), lookup("long-ago")]);
    for (const task of ["bound", "blocked", "asked"]) expect(cancel(driver, task)).toEqual(never(task));
    expect(driver.reply("t1", "A")).toEqual(forwarded("t1", "A"));
    expect(driver.scheduler.load()).toMatchObject({ tasks: 0, bytes: 0 });
  });

  it("leaves its dependents to the rules of dependencies", () => {
    const driver = new SchedulerDriver();
    driver.submit("t1");
    driver.submit("wants", { after: ["t1"] });
    driver.submit("wants-failure", { after: { dependencies: ["t1"], success: false, failure: true } });
    const impossible = failed("wants", "ImpossibleDependency", "a task it depends on ended in a way that leaves the dependency unmet for ever");
    expect(cancel(driver, "t1")).toEqual([...never("t1"), ...impossible]);
    expect(sends(driver.join("A"))).toEqual(["wants-failure@A"]);
  });

  it("is its engine's to stop while it runs: its failure is forwarded, and it is not retried", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t", { retries: 5 });
    expect(cancel(driver, "t")).toEqual([]);
    expect(driver.scheduler.explain(id("t"))).toMatchObject({ state: "running", engine: "B" });
    expect(driver.fail("t", "B")).toEqual(forwarded("t", "B", "failed"));
  });

  it("and that ends well all the same keeps its result", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t");
    cancel(driver, "t");
    expect(driver.reply("t", "A")).toEqual(forwarded("t", "A"));
  });

  it("is not tried elsewhere when its engine declines it", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t");
    cancel(driver, "t");
    expect(driver.decline("t", "B")).toEqual(never("t"));
  });

  it("fails when it is taken back from an engine that it was sent ahead to", () => {
    const driver = new SchedulerDriver();
    driver.joinPrefetching("A");
    for (let i = 0; i < 60; i += 1) driver.submit(`t${i}`);
    for (let i = 0; i < 6; i += 1) {
      driver.now += 2;
      driver.reply(`t${i}`, "A");
    }
    expect(driver.scheduler.explain(id("t8"))).toMatchObject({ state: "running" });
    expect(cancel(driver, "t8")).toEqual([]);
    const through = driver.tick(10).flatMap((effect) => (effect.type === "recallTasks" ? [effect.through] : []));
    expect(through).toHaveLength(1);
    const effects = driver.recalled("A", through[0] as number, 7); // It has started t6, the seventh.
    expect(effects.slice(0, 2)).toEqual(never("t8"));
    expect(driver.scheduler.explain(id("t7"))).toMatchObject({ state: "waiting" });
    expect(sends(driver.reply("t6", "A"))).toContain("t7@A");
  });

  it("fails with its engine's death when that has left, at once instead of after the time for late replies", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t", { retries: 2 });
    driver.leave("A");
    expect(cancel(driver, "t")).toEqual(died("t", "A", driver.now));
    driver.tick(6000);
  });

  it("does not run when it comes after the word that it is not wanted", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    expect(cancel(driver, "t")).toEqual([]);
    expect(driver.submit("t")).toEqual([queued("t"), ...never("t")]);
    expect(driver.submit("u")).toEqual([queued("u"), ...sent("u", "A")]);
  });

  it("is remembered within a bound while it has not come, and not at all when it has finished", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("done");
    driver.reply("done", "A");
    cancel(driver, "done", "first");
    cancel(driver, ...Array.from({ length: EARLY_MAX }, (_, n) => `early${n}`));
    expect(sends(driver.submit("first"))).toEqual(["first@A"]);
    expect(driver.submit("early0")).toEqual([queued("early0"), ...never("early0")]);
    expect(driver.reply("first", "A")).toEqual(forwarded("first", "A"));
  });

  it("twice, or finished, or with an engine that is not there, does no harm", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t");
    expect([cancel(driver, "t"), cancel(driver, "t", "t")]).toEqual([[], []]);
    driver.fail("t", "A");
    expect(cancel(driver, "t")).toEqual([]);
    driver.submit("late", { timeoutMs: 100, targets: ["A"] });
    driver.submit("next", { timeoutMs: 100, targets: ["A"] });
    expect(cancel(driver, "next", "next")).toEqual(never("next"));
    expect(driver.tick(200)).not.toContainEqual(wakeAt(0));
  });
});
