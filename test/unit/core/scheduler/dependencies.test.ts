// after and follow (protocol §7.2, §7.3): met, unreachable, unknown, looked up.

import { describe, expect, it } from "vitest";
import { SchedulerDriver, dropped, failed, forwarded, lookup, queued, sends, sent, wakeAt, type Dependencies } from "../../../support/scheduler-driver.ts";

const UNREACHABLE = "a task it depends on ended in a way that leaves the dependency unmet for ever";
const SCATTERED = "the tasks to follow ran on different engines, or on none";
const NO_ENGINE = "no engine that may run it is left";
const unknown = (id: string): string => `task '${id}' was not submitted to this scheduler, or never finished`;

/** Two engines with tasks a on B and b on A, and t waiting for both in the given way. */
function waitingForBoth(dependency: Partial<Exclude<Dependencies, readonly string[]>>): SchedulerDriver {
  const driver = new SchedulerDriver();
  driver.join("A", "B");
  driver.submit("a");
  driver.submit("b");
  driver.submit("t", { after: { ...dependency, dependencies: ["a", "b"] } });
  return driver;
}

describe("after", () => {
  it("a plain list is met when all have succeeded", () => {
    const driver = waitingForBoth({});
    expect(driver.reply("a", "B")).toEqual(forwarded("a", "B"));
    expect(driver.reply("b", "A")).toEqual([...forwarded("b", "A"), ...sent("t", "B")]);
  });

  it("a task whose dependency failed is rejected as impossible", () => {
    const driver = waitingForBoth({});
    expect(driver.fail("a", "B")).toEqual([...forwarded("a", "B", "failed"), ...failed("t", "ImpossibleDependency", UNREACHABLE)]);
  });

  it("any is met by the first success, and unreachable only when all failed", () => {
    const first = waitingForBoth({ all: false });
    expect(sends(first.reply("a", "B"))).toEqual(["t@B"]);
    const second = waitingForBoth({ all: false });
    expect(second.fail("a", "B")).toEqual(forwarded("a", "B", "failed"));
    expect(second.fail("b", "A")).toEqual([...forwarded("b", "A", "failed"), ...failed("t", "ImpossibleDependency", UNREACHABLE)]);
  });

  it("failure alone waits for failures, and a success makes it impossible", () => {
    const met = waitingForBoth({ success: false, failure: true });
    met.fail("a", "B");
    expect(sends(met.fail("b", "A"))).toEqual(["t@B"]);
    const unmet = waitingForBoth({ success: false, failure: true });
    expect(unmet.reply("a", "B")).toEqual([...forwarded("a", "B"), ...failed("t", "ImpossibleDependency", UNREACHABLE)]);
  });

  it("success and failure together wait for the end, however it is", () => {
    const driver = waitingForBoth({ failure: true });
    driver.fail("a", "B");
    expect(sends(driver.reply("b", "A"))).toEqual(["t@B"]);
  });

  it("what finished before the submission counts", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("a");
    driver.reply("a", "A");
    expect(driver.submit("t", { after: ["a"] })).toEqual([queued("t"), ...sent("t", "A")]);
  });

  it("what failed before the submission makes the task impossible at once", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("a");
    driver.fail("a", "A");
    expect(driver.submit("t", { after: ["a"] })).toEqual([queued("t"), ...failed("t", "ImpossibleDependency", UNREACHABLE)]);
  });

  it("an id named twice counts once", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("a");
    driver.submit("t", { after: ["a", "a"] });
    expect(sends(driver.reply("a", "A"))).toEqual(["t@A"]);
  });

  it("a task that depends on itself is invalid", () => {
    const driver = new SchedulerDriver();
    expect(driver.submit("t", { after: ["t"] })).toEqual([queued("t"), ...failed("t", "InvalidDependency", "task 't' depends on itself")]);
    expect(driver.submit("u", { follow: ["u"] })).toEqual([queued("u"), ...failed("u", "InvalidDependency", "task 'u' depends on itself")]);
  });

  it("a failure runs through a chain of twenty thousand tasks", () => {
    const driver = new SchedulerDriver();
    const { scheduler } = driver;
    driver.join("A");
    driver.submit("t0");
    for (let i = 1; i <= 20_000; i += 1) {
      scheduler.handle({
        type: "taskSubmitted",
        at: 1000 as never,
        task: {
          msgId: `t${i}` as never,
          client: "C",
          payload: "x",
          bytes: 1,
          options: {
            priority: 0,
            targets: [],
            retries: 0,
            timeoutMs: 0,
            after: { dependencies: [`t${i - 1}` as never], all: true, success: true, failure: false },
            follow: { dependencies: [], all: true, success: true, failure: false },
          },
        },
      });
    }
    expect(driver.fail("t0", "A").filter((effect) => effect.type === "replyFailure").length).toBe(20_000);
    expect(scheduler.load().tasks).toBe(0);
  });

  it("tasks released together run in order of submission", () => {
    const driver = new SchedulerDriver({ hwm: 0 });
    driver.join("A");
    driver.submit("a");
    driver.submit("b");
    driver.submit("t1", { after: ["b"] });
    driver.submit("t2", { after: ["a", "b"] });
    driver.submit("t3", { after: ["b"] });
    driver.reply("a", "A");
    expect(sends(driver.reply("b", "A"))).toEqual(["t1@A", "t2@A", "t3@A"]);
  });

  it("a task released late comes before those that were submitted after it", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("a");
    driver.submit("b");
    driver.submit("early", { after: ["a"] });
    driver.submit("late");
    expect(sends(driver.reply("a", "A"))).toEqual(["b@A"]);
    expect(sends(driver.reply("b", "A"))).toEqual(["early@A"]);
    expect(sends(driver.reply("early", "A"))).toEqual(["late@A"]);
  });

  it("the timeout runs while a task is blocked", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("a");
    expect(driver.submit("t", { after: ["a"], timeoutMs: 10 })).toEqual([queued("t"), wakeAt(1010)]);
    expect(driver.tick(10)).toEqual(failed("t", "TaskTimeout", "the task could not be assigned within 10 ms"));
    expect(driver.reply("a", "A")).toEqual(forwarded("a", "A"));
  });
});

describe("follow", () => {
  it("a task runs where the task it follows ran, even if others are idle", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("a");
    driver.submit("t", { follow: ["a"] });
    expect(driver.reply("a", "B")).toEqual([...forwarded("a", "B"), ...sent("t", "B")]);
  });

  it("a task waits for room on the engine it follows to", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("a");
    driver.reply("a", "B");
    driver.submit("busy", { targets: ["B"] });
    expect(driver.submit("t", { follow: ["a"] })).toEqual([queued("t")]);
    expect(sends(driver.reply("busy", "B"))).toEqual(["t@B"]);
  });

  it("following all of several that ran on different engines is impossible", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("a");
    driver.submit("b");
    driver.submit("t", { follow: ["a", "b"] });
    expect(driver.reply("a", "B")).toEqual(forwarded("a", "B"));
    expect(driver.reply("b", "A")).toEqual([...forwarded("b", "A"), ...failed("t", "ImpossibleDependency", SCATTERED)]);
  });

  it("following any of several may run as soon as one has run", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("a");
    driver.submit("b");
    driver.submit("t", { follow: { dependencies: ["a", "b"], all: false } });
    expect(sends(driver.reply("b", "A"))).toEqual(["t@A"]);
  });

  it("following any of several takes another engine when a further one has run", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("a");
    driver.submit("b");
    driver.submit("c", { targets: ["A"] });
    driver.submit("t", { follow: { dependencies: ["a", "b"], all: false } });
    expect(sends(driver.reply("b", "A"))).toEqual(["c@A"]);
    expect(sends(driver.reply("a", "B"))).toEqual(["t@B"]);
  });

  it("following outside the targets is impossible", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("a");
    driver.submit("t", { follow: ["a"], targets: ["A"] });
    expect(driver.reply("a", "B")).toEqual([...forwarded("a", "B"), ...failed("t", "ImpossibleDependency", NO_ENGINE)]);
  });

  it("following a task that failed is impossible unless failures count", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("a");
    driver.submit("t", { follow: ["a"] });
    driver.submit("u", { follow: { dependencies: ["a"], failure: true } });
    expect(driver.fail("a", "B")).toEqual([...forwarded("a", "B", "failed"), ...failed("t", "ImpossibleDependency", UNREACHABLE), ...sent("u", "B")]);
  });

  it("following a task that never ran anywhere is impossible", () => {
    const driver = new SchedulerDriver();
    driver.submit("a", { timeoutMs: 5 });
    driver.submit("t", { follow: { dependencies: ["a"], failure: true } });
    expect(driver.tick(5)).toEqual([
      ...failed("a", "TaskTimeout", "the task could not be assigned within 5 ms"),
      ...failed("t", "ImpossibleDependency", SCATTERED),
    ]);
  });

  it("following to an engine that left is impossible", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("a");
    driver.reply("a", "B");
    driver.leave("B");
    expect(driver.submit("t", { follow: ["a"] })).toEqual([queued("t"), ...failed("t", "ImpossibleDependency", NO_ENGINE)]);
  });
});

describe("dependencies on tasks that are forgotten", () => {
  it("are looked up in the task store, each id once", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    expect(driver.submit("t", { after: ["x", "y"], follow: ["y"] })).toEqual([queued("t"), lookup("x", "y"), wakeAt(31_000)]);
    expect(driver.submit("u", { after: ["y", "z"] })).toEqual([queued("u"), lookup("z")]);
    expect(driver.found(["x", "ok", "B"], ["y", "ok", "A"])).toEqual(sent("t", "A"));
    expect(driver.found(["z", "failed", "A"])).toEqual(failed("u", "ImpossibleDependency", UNREACHABLE));
  });

  it("are invalid when the store does not know them, and the answer names them", () => {
    const driver = new SchedulerDriver();
    driver.submit("t", { after: ["x", "y", "z"] });
    expect(driver.found(["x", "unknown"], ["y", "ok"], ["z", "pending"])).toEqual(failed("t", "InvalidDependency", `${unknown("x")}; ${unknown("z")}`));
  });

  it("names five unknown ids and counts the rest", () => {
    const driver = new SchedulerDriver();
    const ids = ["a", "b", "c", "d", "e", "f", "g"];
    driver.submit("t", { after: ids });
    const effects = driver.found(...ids.map((id) => [id, "unknown"] as const));
    expect(effects).toEqual(failed("t", "InvalidDependency", `${ids.slice(0, 5).map(unknown).join("; ")}; and 2 more`));
  });

  it("are invalid when the store does not answer in time, and a later answer is dropped", () => {
    const driver = new SchedulerDriver({ lookupTimeoutMs: 50 });
    driver.submit("t", { after: ["x"] });
    expect(driver.tick(50)).toEqual(failed("t", "InvalidDependency", "task 'x' could not be looked up in time"));
    expect(driver.found(["x", "ok"])).toEqual([dropped("unaskedOutcome", "x", null)]);
  });

  it("are remembered once found", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t", { after: ["x"] });
    driver.found(["x", "ok"]);
    driver.reply("t", "A");
    expect(driver.submit("u", { after: ["x"] })).toEqual([queued("u"), ...sent("u", "A")]);
  });

  it("cannot make a circle: a task submitted after the question is none to depend on", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t", { after: ["u"] });
    expect(driver.submit("u", { after: ["t"] })).toEqual([queued("u")]);
    expect(driver.found(["u", "pending"])).toEqual([...failed("t", "InvalidDependency", unknown("u")), ...failed("u", "ImpossibleDependency", UNREACHABLE)]);
  });

  it("keep their progress when a live dependency finishes meanwhile", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("a");
    driver.submit("t", { after: ["a", "x"] });
    expect(driver.fail("a", "A")).toEqual(forwarded("a", "A", "failed"));
    expect(driver.found(["x", "ok"])).toEqual(failed("t", "ImpossibleDependency", UNREACHABLE));
  });

  it("need no lookup where any other one suffices", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("a");
    driver.reply("a", "A");
    expect(driver.submit("t", { after: { dependencies: ["a", "x"], all: false } })).toEqual([queued("t"), ...sent("t", "A")]);
  });

  it("the cache of outcomes is bounded, the oldest go first", () => {
    const driver = new SchedulerDriver({ outcomesMax: 2, hwm: 0 });
    driver.join("A");
    for (const id of ["a", "b", "c"]) {
      driver.submit(id);
      driver.reply(id, "A");
    }
    expect(driver.submit("t", { after: ["b", "c"] })).toEqual([queued("t"), ...sent("t", "A")]);
    expect(driver.submit("u", { after: ["a"] })).toEqual([queued("u"), lookup("a"), wakeAt(31_000)]);
  });
});
