// Engines that are to go: they get nothing more, end what they have within their time, and lose no task.

import { describe, expect, it } from "vitest";
import { engineUuid, millis, msgId } from "../../../../src/base/index.ts";
import { SCHEME_NAMES } from "../../../../src/core/scheduler/index.ts";
import { SchedulerDriver, died, dropped, failed, forwarded, queued, recall, sends, sent, wakeAt } from "../../../support/scheduler-driver.ts";

describe("an engine that is to go", () => {
  it("gets nothing more, and ends what it has", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    expect(sends(driver.submit("t1"))).toEqual(["t1@B"]);
    expect(driver.drain("A")).toEqual([]);
    expect(driver.drain("B")).toEqual([]);
    expect(driver.submit("t2")).toEqual([queued("t2")]);
    expect(driver.reply("t1", "B")).toEqual(forwarded("t1", "B"));
    expect(driver.leave("B")).toEqual([]);
    expect(driver.leave("A")).toEqual([]);
    expect(driver.join("C")).toEqual(sent("t2", "C"));
  });

  it.each(SCHEME_NAMES)("is never chosen by the scheme %s", (scheme) => {
    const driver = new SchedulerDriver({ scheme });
    driver.join("A", "B", "C");
    driver.drain("B");
    const chosen = new Set<string>();
    for (let i = 0; i < 30; i += 1) for (const send of sends(driver.submit(`t${i}`))) chosen.add(send.slice(-1));
    expect(chosen).toEqual(new Set(["A", "C"]));
  });

  it("gives back at once what was sent ahead and not started, and it runs elsewhere without a retry", () => {
    const driver = new SchedulerDriver();
    driver.joinPrefetching("A");
    for (let i = 0; i < 60; i += 1) driver.submit(`t${i}`);
    let ahead: string[] = [];
    for (let i = 0; ahead.length < 2; i += 1) {
      driver.now += 0.5;
      ahead = sends(driver.reply(`t${i}`, "A"));
    }
    const ordinal = Number(ahead.at(-1)?.split("@")[0]?.slice(1)) + 1;
    expect(driver.drain("A")).toEqual([recall("A", ordinal)]);
    driver.join("B");
    const back = driver.recalled("A", ordinal, ordinal - ahead.length + 1);
    expect(driver.scheduler.counters()).toMatchObject({ recalled: ahead.length - 1, retried: 0 });
    expect(sends(back).filter((send) => send.endsWith("@A"))).toEqual([]);
    expect(driver.reply(ahead[0]?.split("@")[0] as string, "A").map(({ type }) => type)).toEqual(["forwardReply", "taskFinished"]);
  });

  it("loses what it has not ended in time to others, whatever the task's retries; its late reply counts no more", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t1");
    expect(driver.drain("A", 500)).toEqual([wakeAt(1500)]);
    driver.join("B");
    expect(driver.tick(500)).toEqual(sent("t1", "B"));
    expect(driver.reply("t1", "A")).toEqual([dropped("foreignReply", "t1", "A")]);
    expect(driver.reply("t1", "B")).toEqual(forwarded("t1", "B"));
    expect(driver.leave("A")).toEqual([]);
  });

  it("keeps the place in line of what comes back", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t1");
    driver.submit("t2");
    driver.drain("A", 500);
    expect(driver.tick(500)).toEqual([]);
    expect(driver.join("B")).toEqual(sent("t1", "B"));
  });

  it("that dies before its time fails its task as any engine that dies", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.submit("t1");
    driver.drain("A", 60_000);
    driver.leave("A");
    expect(driver.tick(5000)).toEqual(died("t1", "A", driver.now));
    expect(driver.tick(60_000)).toEqual([]);
  });

  it("keeps the earlier limit when it is asked again", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t1", { targets: ["A"] });
    driver.drain("A", 500);
    expect(driver.drain("A", 90_000)).toEqual([]);
    expect(driver.tick(500)).toEqual([]);
    expect(driver.leave("A")).toEqual(failed("t1", "ImpossibleDependency", "no engine that may run it is left"));
  });

  it("takes tasks again when it is to stay after all, but not when its time is over", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.drain("A", 500);
    driver.submit("t1");
    expect(driver.undrain("A")).toEqual(sent("t1", "A"));
    expect(driver.tick(5000)).toEqual([]);
    expect(driver.reply("t1", "A")).toEqual(forwarded("t1", "A"));
    driver.drain("A", 500);
    driver.tick(500);
    expect(driver.submit("t2")).toEqual([queued("t2")]);
    expect(driver.undrain("A", "unknown")).toEqual([]);
  });

  it.each([0, 3])("finds its place among the others again with hwm %d, whatever its load", (hwm) => {
    const driver = new SchedulerDriver({ hwm });
    driver.join("A");
    for (const id of ["a1", "a2"]) driver.submit(id);
    driver.drain("A");
    driver.reply("a1", "A");
    driver.join("B");
    expect(sends(["b1", "b2", "b3"].flatMap((id) => driver.submit(id)))).toEqual(["b1@B", "b2@B", "b3@B"]);
    driver.join("C");
    driver.undrain("A");
    expect(sends(["x1", "x2"].flatMap((id) => driver.submit(id)))).toEqual(["x1@C", "x2@A"]);
  });

  it("that is unknown is counted, and changes nothing", () => {
    expect(new SchedulerDriver().drain("nobody")).toEqual([dropped("unknownEngine", null, "nobody")]);
  });

  it("is named as what a waiting task waits for", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    driver.drain("A");
    driver.submit("t1");
    expect(driver.scheduler.explain(msgId("t1"))).toEqual({ state: "waiting", reason: "allDraining", engines: { count: 1, first: ["A"] } });
  });
});

describe("the workload", () => {
  it("tells what waits for room, what each engine has, and since when it has had nothing", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("t1", { targets: ["A"] });
    driver.submit("t2", { targets: ["A"] });
    driver.submit("later", { after: ["t2"] });
    driver.drain("B");
    driver.now += 300;
    expect(driver.scheduler.workload(millis(driver.now))).toEqual({
      waiting: 1,
      engines: [
        { engine: engineUuid("A"), tasks: 1, idleMs: 0, isDraining: false },
        { engine: engineUuid("B"), tasks: 0, idleMs: 300, isDraining: true },
      ],
    });
    driver.reply("t1", "A");
    driver.reply("t2", "A");
    driver.reply("later", "A");
    driver.now += 40;
    expect(driver.scheduler.workload(millis(driver.now)).engines[0]).toEqual({ engine: engineUuid("A"), tasks: 0, idleMs: 40, isDraining: false });
  });
});
