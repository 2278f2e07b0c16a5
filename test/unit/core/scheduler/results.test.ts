// Replies, retries, declined tasks, timeouts, engines that die (protocol §7.5, §7.7).

import { describe, expect, it } from "vitest";
import { SchedulerDriver, died, dropped, failed, forwarded, id, queued, sends, sent, wakeAt } from "../../../support/scheduler-driver.ts";

const NO_ENGINE = "no engine that may run it is left";

describe("results", () => {
  it("a failed reply without retries is final and forwarded as it is", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t");
    expect(driver.fail("t", "A")).toEqual(forwarded("t", "A", "failed"));
  });

  it("an aborted reply counts as failure", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t");
    expect(driver.reply("t", "A", { status: "aborted" })).toEqual(forwarded("t", "A", "failed"));
  });

  it("a failed task with retries left goes to another engine, and nothing is answered", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t", { retries: 1 });
    expect(driver.fail("t", "B")).toEqual(sent("t", "A", 2));
    expect(driver.fail("t", "A")).toEqual(forwarded("t", "A", "failed"));
    expect(driver.scheduler.counters()).toMatchObject({ retried: 1, failed: 1 });
  });

  it("retries on every engine there is leave the task waiting until its timeout", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t", { retries: 2, timeoutMs: 100 });
    driver.fail("t", "B");
    expect(driver.fail("t", "A")).toEqual([wakeAt(1100)]);
    expect(driver.scheduler.explain(id("t"))).toEqual({
      state: "waiting",
      reason: "allShunned",
      shunned: { count: 2, first: ["B", "A"] },
      attempts: { retried: 2, retriesLeft: 0, failedOn: { count: 2, first: ["B", "A"] }, declinedBy: { count: 0, first: [] } },
    });
    expect(driver.tick(100)).toEqual(failed("t", "TaskTimeout", "the task could not be assigned within 100 ms"));
  });

  it("retries on every engine there is end on a new engine", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t", { retries: 1 });
    expect(driver.fail("t", "A")).toEqual([]);
    expect(driver.join("B")).toEqual(sent("t", "B", 2));
  });

  it("a task that an engine declines is tried elsewhere without using up a retry", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t");
    expect(driver.decline("t", "B")).toEqual(sent("t", "A"));
    expect(driver.fail("t", "A")).toEqual(forwarded("t", "A", "failed"));
    expect(driver.scheduler.counters()).toMatchObject({ declined: 1, retried: 0 });
  });

  it("a task declined by all its targets is impossible", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B", "C");
    driver.submit("t", { targets: ["A", "B"] });
    expect(sends(driver.decline("t", "B"))).toEqual(["t@A"]);
    expect(driver.decline("t", "A")).toEqual(failed("t", "ImpossibleDependency", NO_ENGINE));
  });

  it("many tasks that failed on one engine do not keep it from those it may run", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    for (let i = 0; i < 100; i += 1) {
      driver.submit(`t${i}`, { retries: 2 });
      driver.fail(`t${i}`, "A");
    }
    driver.submit("x");
    driver.submit("y");
    expect(sends(driver.reply("x", "A"))).toEqual(["y@A"]);
    expect(sends(driver.join("B"))).toEqual(["t0@B"]);
    expect(sends(driver.fail("t0", "B"))).toEqual(["t1@B"]);
    expect(sends(driver.join("C"))).toEqual(["t0@C"]);
  });

  it("a retried task keeps its place in the order of submission", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("first", { retries: 1 });
    driver.submit("busy");
    driver.submit("second");
    expect(sends(driver.fail("first", "B"))).toEqual(["second@B"]);
    driver.submit("third");
    expect(sends(driver.reply("busy", "A"))).toEqual(["first@A"]);
  });

  it("a reply for a task that is over, or not known, is dropped and counted", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t");
    driver.reply("t", "A");
    expect(driver.reply("t", "A")).toEqual([dropped("lateReply", "t", "A")]);
    expect(driver.reply("never", "A")).toEqual([dropped("lateReply", "never", "A")]);
    expect(driver.scheduler.counters().dropped.lateReply).toBe(2);
  });

  it("a reply from an engine that does not have the task is dropped and counted", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t");
    expect(driver.reply("t", "A")).toEqual([dropped("foreignReply", "t", "A")]);
    expect(driver.reply("t", "B")).toEqual(forwarded("t", "B"));
  });
});

describe("timeout", () => {
  it("a task that is not assigned in time fails as TaskTimeout", () => {
    const driver = new SchedulerDriver();
    expect(driver.submit("t", { timeoutMs: 250 })).toEqual([queued("t"), wakeAt(1250)]);
    expect(driver.tick(249)).toEqual([wakeAt(1250)]);
    expect(driver.tick(1)).toEqual(failed("t", "TaskTimeout", "the task could not be assigned within 250 ms"));
  });

  it("the timeout does not run while the task runs, and starts again when it has to queue again", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    expect(driver.submit("t", { timeoutMs: 100 })).toEqual([queued("t"), ...sent("t", "A")]);
    expect(driver.tick(5000)).toEqual([]);
    expect(driver.decline("t", "A")).toEqual([wakeAt(6100)]);
    expect(driver.tick(100)).toEqual(failed("t", "TaskTimeout", "the task could not be assigned within 100 ms"));
  });

  it("an infinite timeout is none, and far ones are asked for by the hour", () => {
    const driver = new SchedulerDriver();
    expect(driver.submit("a", { timeoutMs: Number.POSITIVE_INFINITY })).toEqual([queued("a")]);
    expect(driver.submit("b", { timeoutMs: 10_000_000 })).toEqual([queued("b"), wakeAt(3_601_000)]);
    expect(driver.tick(3_600_000)).toEqual([wakeAt(7_201_000)]);
  });

  it("wakeAt is only repeated for something earlier", () => {
    const driver = new SchedulerDriver();
    expect(driver.submit("a", { timeoutMs: 500 })).toEqual([queued("a"), wakeAt(1500)]);
    expect(driver.submit("b", { timeoutMs: 600 })).toEqual([queued("b")]);
    expect(driver.submit("c", { timeoutMs: 400 })).toEqual([queued("c"), wakeAt(1400)]);
  });
});

describe("an engine that dies", () => {
  it("has 5 s for a reply on its way, then its tasks fail as EngineError", () => {
    const driver = new SchedulerDriver({ hwm: 2 });
    driver.join("A");
    driver.submit("t1");
    driver.submit("t2");
    expect(driver.leave("A")).toEqual([wakeAt(6000)]);
    expect(driver.tick(4999)).toEqual([wakeAt(6000)]);
    expect(driver.reply("t1", "A")).toEqual(forwarded("t1", "A"));
    expect(driver.tick(1)).toEqual(died("t2", "A", 6000));
    expect(driver.reply("t2", "A")).toEqual([dropped("lateReply", "t2", "A")]);
  });

  it("gets no further tasks", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t1");
    driver.leave("B");
    expect(sends(driver.submit("t2"))).toEqual(["t2@A"]);
    expect(driver.submit("t3")).toEqual([queued("t3")]);
  });

  it("does not cost a task with retries left its life", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t", { retries: 1 });
    driver.leave("B");
    expect(driver.tick(5000)).toEqual(sent("t", "A", 2));
    expect(driver.reply("t", "B")).toEqual([dropped("foreignReply", "t", "B")]);
  });

  it("that comes back under its name still answers for its old tasks, and gets new ones", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("old");
    driver.leave("A");
    driver.join("A");
    expect(sends(driver.submit("new"))).toEqual(["new@A"]);
    expect(driver.reply("old", "A")).toEqual(forwarded("old", "A"));
    expect(driver.submit("next")).toEqual([queued("next")]);
  });

  it("and comes back is still shunned by what failed on it", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t", { retries: 3 });
    driver.fail("t", "A");
    driver.leave("A");
    expect(driver.join("A")).toEqual([]);
  });
});

describe("bounded intake", () => {
  it("pauses above queuedTasksMax and goes on below 80 % of it", () => {
    const driver = new SchedulerDriver({ queuedTasksMax: 5, hwm: 0 });
    driver.join("A");
    const kinds = (effects: readonly { readonly type: string }[]) => effects.map((effect) => effect.type).filter((type) => type.endsWith("Intake"));
    expect([1, 2, 3, 4, 5].flatMap((n) => kinds(driver.submit(`t${n}`)))).toEqual([]);
    expect(kinds(driver.submit("t6"))).toEqual(["pauseIntake"]);
    expect(kinds(driver.submit("t7"))).toEqual([]);
    expect(["t1", "t2", "t3"].flatMap((task) => kinds(driver.reply(task, "A")))).toEqual([]);
    expect(kinds(driver.reply("t4", "A"))).toEqual(["resumeIntake"]);
  });

  it("pauses above queuedBytesMax as well", () => {
    const driver = new SchedulerDriver({ queuedBytesMax: 1000 });
    driver.submit("t1", { bytes: 1000 });
    expect(driver.submit("t2", { bytes: 1, timeoutMs: 10 })).toEqual([queued("t2"), { type: "pauseIntake" }, wakeAt(1010)]);
    expect(driver.tick(10)).toEqual(failed("t2", "TaskTimeout", "the task could not be assigned within 10 ms"));
    expect(driver.join("A")).toEqual(sent("t1", "A"));
    expect(driver.reply("t1", "A")).toEqual([...forwarded("t1", "A"), { type: "resumeIntake" }]);
  });
});

describe("what is remembered", () => {
  it("a story tells a task's steps and is bounded over all tasks", () => {
    const driver = new SchedulerDriver({ storyMax: 4 });
    driver.submit("t");
    driver.join("A");
    driver.reply("t", "A");
    const steps = driver.scheduler.story(id("t")).map(({ event, from, to, engine }) => `${event}: ${from} > ${to} ${engine}`);
    expect(steps).toEqual(["taskSubmitted: placing > waiting null", "engineJoined: waiting > running A", "taskReplied: running > finished A"]);
    driver.submit("u");
    driver.reply("u", "A");
    expect(driver.scheduler.story(id("t")).length).toBe(2);
  });

  it("explain says why a task does not run", () => {
    const driver = new SchedulerDriver();
    driver.submit("t1");
    expect(driver.scheduler.explain(id("t1"))).toEqual({ state: "waiting", reason: "noEngines" });
    driver.join("A");
    expect(driver.scheduler.explain(id("t1"))).toEqual({ state: "running", engine: "A", ahead: 0 });
    driver.submit("t2");
    expect(driver.scheduler.explain(id("t2"))).toEqual({ state: "waiting", reason: "allBusy", hwm: 1, engines: { count: 1, first: ["A"] } });
    driver.submit("t3", { after: ["t1", "t2"] });
    expect(driver.scheduler.explain(id("t3"))).toEqual({ state: "blocked", unfinished: { count: 2, first: ["t1", "t2"] } });
    driver.submit("t4", { follow: ["t2"] });
    expect(driver.scheduler.explain(id("t4"))).toEqual({ state: "waiting", reason: "followUnfinished", unfinished: { count: 1, first: ["t2"] } });
    driver.submit("t5", { after: ["elsewhere"] });
    expect(driver.scheduler.explain(id("t5"))).toEqual({ state: "resolving", lookedUp: { count: 1, first: ["elsewhere"] } });
    driver.leave("A");
    expect(driver.scheduler.explain(id("t1"))).toEqual({ state: "stranded", engine: "A" });
    driver.reply("t1", "A");
    expect(driver.scheduler.explain(id("t1"))).toEqual({ state: "finished", outcome: "ok", engine: "A" });
    expect(driver.scheduler.explain(id("never"))).toEqual({ state: "unknown" });
  });
});
