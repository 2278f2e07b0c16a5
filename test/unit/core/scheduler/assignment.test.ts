// Who gets which task, and in what order (protocol §7.3, §7.4).

import { describe, expect, it } from "vitest";
import { SchedulerDriver, died, dropped, failed, forwarded, queued, sends, sent, wakeAt } from "../../../support/scheduler-driver.ts";

const NO_ENGINE = "no engine that may run it is left";

describe("assignment", () => {
  it("a task goes to an engine with room at once, and the Hub hears of intake and destination", () => {
    const driver = new SchedulerDriver();
    expect(driver.join("A")).toEqual([]);
    expect(driver.submit("t1")).toEqual([queued("t1"), ...sent("t1", "A")]);
  });

  it("tasks wait while there are no engines, and the first engine gets the oldest", () => {
    const driver = new SchedulerDriver();
    expect(driver.submit("t1")).toEqual([queued("t1")]);
    expect(driver.submit("t2")).toEqual([queued("t2")]);
    expect(driver.join("A")).toEqual(sent("t1", "A"));
    expect(driver.reply("t1", "A")).toEqual([...forwarded("t1", "A"), ...sent("t2", "A")]);
    expect(driver.reply("t2", "A")).toEqual(forwarded("t2", "A"));
    expect(driver.scheduler.load()).toEqual({ tasks: 0, running: 0, bytes: 0, engines: 1, isIntakePaused: false });
  });

  it("no engine gets more tasks than hwm", () => {
    const driver = new SchedulerDriver({ hwm: 2 });
    driver.join("A");
    expect(sends(["t1", "t2", "t3"].flatMap((id) => driver.submit(id)))).toEqual(["t1@A", "t2@A"]);
    expect(sends(driver.reply("t2", "A"))).toEqual(["t3@A"]);
  });

  it("with hwm 0 nothing waits while an engine is here", () => {
    const driver = new SchedulerDriver({ hwm: 0 });
    for (const id of ["t1", "t2", "t3"]) driver.submit(id);
    expect(sends(driver.join("A"))).toEqual(["t1@A", "t2@A", "t3@A"]);
    expect(sends(driver.submit("t4"))).toEqual(["t4@A"]);
  });

  it("leastload takes the engine with the fewest tasks, a new one before idle old ones", () => {
    const driver = new SchedulerDriver({ hwm: 0 });
    driver.join("A", "B");
    expect(sends(["t1", "t2", "t3"].flatMap((id) => driver.submit(id)))).toEqual(["t1@B", "t2@A", "t3@B"]);
    driver.join("C");
    expect(sends(["t4", "t5", "t6"].flatMap((id) => driver.submit(id)))).toEqual(["t4@C", "t5@A", "t6@C"]);
  });

  it("leastload finds its way after loads have drifted far apart", () => {
    const driver = new SchedulerDriver({ hwm: 0 });
    driver.join("A");
    for (let i = 0; i < 9; i += 1) driver.submit(`a${i}`);
    driver.join("B");
    for (let i = 0; i < 3; i += 1) driver.submit(`b${i}`);
    for (let i = 0; i < 8; i += 1) driver.reply(`a${i}`, "A");
    expect(sends(["x1", "x2", "x3"].flatMap((id) => driver.submit(id)))).toEqual(["x1@A", "x2@A", "x3@B"]);
  });

  it("a task with targets runs on no other engine", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    expect(sends(driver.submit("t1", { targets: ["A"] }))).toEqual(["t1@A"]);
    expect(driver.submit("t2", { targets: ["A"] })).toEqual([queued("t2")]);
    expect(sends(driver.submit("t3"))).toEqual(["t3@B"]);
    expect(sends(driver.reply("t1", "A"))).toEqual(["t2@A"]);
  });

  it("a bound task is not overtaken on its engine by later tasks, nor holds up others", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("a", { targets: ["A"] });
    driver.submit("b", { targets: ["B"] });
    driver.submit("bound", { targets: ["A"] });
    driver.submit("later");
    expect(sends(driver.reply("b", "B"))).toEqual(["later@B"]);
    expect(sends(driver.reply("a", "A"))).toEqual(["bound@A"]);
  });

  it("a task none of whose targets is here is impossible", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    expect(driver.submit("t", { targets: ["gone"] })).toEqual([queued("t"), ...failed("t", "ImpossibleDependency", NO_ENGINE)]);
  });

  it("a waiting task becomes impossible when the last of its targets leaves", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("x", { targets: ["A"] });
    driver.submit("y", { targets: ["B"] });
    driver.submit("t", { targets: ["A", "B"] });
    expect(driver.leave("B")).toEqual([wakeAt(6000)]);
    expect(driver.leave("A")).toEqual(failed("t", "ImpossibleDependency", NO_ENGINE));
  });

  it("a target that joins later counts", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("x");
    driver.submit("t", { targets: ["A", "B"] });
    expect(sends(driver.join("B"))).toEqual(["t@B"]);
  });

  it("a second request with the id of a live task is dropped and counted", () => {
    const driver = new SchedulerDriver();
    driver.submit("t");
    expect(driver.submit("t")).toEqual([dropped("duplicateTask", "t", null)]);
    expect(driver.scheduler.counters()).toMatchObject({ submitted: 1, dropped: { duplicateTask: 1 } });
  });

  it("a request with unreadable options is answered with what is wrong", () => {
    const driver = new SchedulerDriver();
    expect(driver.submitRaw("t", "metadata.targets must be a list")).toEqual([queued("t"), ...failed("t", "ValueError", "metadata.targets must be a list")]);
  });

  it("an engine that joins twice or leaves unknown changes nothing", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    expect(driver.join("A")).toEqual([dropped("duplicateEngine", null, "A")]);
    expect(driver.leave("B")).toEqual([dropped("unknownEngine", null, "B")]);
  });
});

describe("pure", () => {
  it("deals in turn and ignores hwm, targets, dependencies, retries and timeouts", () => {
    const driver = new SchedulerDriver({ scheme: "pure", hwm: 1 });
    driver.join("A", "B");
    const wishes = { targets: ["nowhere"], after: ["unknown"], follow: ["unknown"], retries: 3, timeoutMs: 1 };
    expect(sends(["t1", "t2", "t3"].flatMap((id) => driver.submit(id, wishes)))).toEqual(["t1@A", "t2@B", "t3@A"]);
    expect(driver.decline("t1", "A")).toEqual(forwarded("t1", "A", "failed"));
    expect(driver.tick(10_000)).toEqual([]);
    driver.leave("B");
    expect(driver.tick(5000)).toEqual(died("t2", "B", 16_000));
  });
});

describe("schemes", () => {
  it("lru takes turns, whatever the load", () => {
    const driver = new SchedulerDriver({ scheme: "lru", hwm: 0 });
    driver.join("A", "B");
    expect(sends(driver.submit("t1"))).toEqual(["t1@B"]);
    driver.reply("t1", "B");
    expect(sends(["t2", "t3"].flatMap((id) => driver.submit(id)))).toEqual(["t2@A", "t3@B"]);
  });

  it.each(["plainrandom", "twobin", "weighted"] as const)("%s reaches every engine with room and no other", (scheme) => {
    const driver = new SchedulerDriver({ scheme });
    const engines = ["A", "B", "C", "D", "E"];
    driver.join(...engines);
    const where = engines.flatMap((_, index) => sends(driver.submit(`t${index}`))).map((send) => send.split("@")[1]);
    expect(new Set(where)).toEqual(new Set(engines));
  });

  it("weighted prefers an idle engine to a busy one nearly always", () => {
    const driver = new SchedulerDriver({ scheme: "weighted", hwm: 0 });
    driver.join("A");
    for (let i = 0; i < 5; i += 1) driver.submit(`t${i}`);
    driver.join("B");
    expect(sends(driver.submit("t5"))).toEqual(["t5@B"]);
  });
});
