// Who is served first among the tasks that wait.

import { describe, expect, it } from "vitest";
import { SchedulerDriver, failed, forwarded, queued, sends, sent, type TaskWishes } from "../../../support/scheduler-driver.ts";

/** The order in which one engine gets these tasks, all of which wait while it is busy. */
function order(...tasks: readonly (readonly [id: string, wishes: TaskWishes])[]): string[] {
  const driver = new SchedulerDriver();
  driver.join("A");
  driver.submit("busy");
  for (const [id, wishes] of tasks) driver.submit(id, wishes);
  const ran: string[] = [];
  for (let next = sends(driver.reply("busy", "A")); next[0] !== undefined;) {
    const id = next[0].split("@")[0] as string;
    ran.push(id);
    next = sends(driver.reply(id, "A"));
  }
  return ran;
}

describe("tasks that wait", () => {
  it("are served by priority, in order of submission within one", () => {
    const priorities = [0, -1, 5, 0, 1000, -1000, 5, -1];
    const tasks = priorities.map((priority, i) => [`t${i}`, { priority }] as const);
    expect(order(...tasks)).toEqual(["t4", "t2", "t6", "t0", "t3", "t1", "t7", "t5"]);
  });

  it("are one line whatever else they wish: bound to engines, with retries, dependent, plain", () => {
    expect(
      order(
        ["plain", {}],
        ["bound", { targets: ["A"] }],
        ["bound-high", { targets: ["A"], priority: 2 }],
        ["high", { priority: 2 }],
        ["retries-higher", { retries: 1, priority: 3 }],
        ["after-highest", { after: ["plain"], priority: 9 }],
        ["low", { priority: -1 }],
        ["bound-low", { targets: ["A"], priority: -2 }],
      ),
    ).toEqual(["retries-higher", "bound-high", "high", "plain", "after-highest", "bound", "low", "bound-low"]);
  });

  it("keep their priority when they are tried again", () => {
    const driver = new SchedulerDriver();
    driver.join("A", "B");
    driver.submit("high", { priority: 1, retries: 1 });
    driver.submit("other");
    driver.submit("plain");
    expect(driver.fail("high", "B")).toEqual(sent("plain", "B"));
    driver.submit("plain2");
    expect(driver.reply("other", "A")).toEqual([...forwarded("other", "A"), ...sent("high", "A", 2)]);
  });

  it("of any priority may be sent ahead, the first in line first", () => {
    const driver = new SchedulerDriver();
    driver.joinPrefetching("A");
    for (let i = 0; i < 60; i += 1) driver.submit(`t${i}`, { priority: i % 2 });
    const ran: string[] = ["t0"];
    for (let i = 0; i < 6; i += 1) {
      driver.now += 2;
      ran.push(...sends(driver.reply(ran[i] as string, "A")).map((one) => one.split("@")[0] as string));
    }
    expect(ran.length).toBeGreaterThan(8);
    expect(ran).toEqual(["t0", ...Array.from({ length: ran.length - 1 }, (_, i) => `t${2 * i + 1}`)]);
  });

  it("with a priority that is none are answered with what is wrong", () => {
    const driver = new SchedulerDriver();
    driver.join("A");
    const fact = "metadata.priority must be a whole number from -1000 to 1000";
    expect(driver.submitRaw("t", fact)).toEqual([queued("t"), ...failed("t", "ValueError", fact)]);
  });
});
