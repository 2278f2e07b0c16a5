import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exitStatus, readHalt, shouldHalt } from "../../../src/bakapara/index.ts";

describe("readHalt", () => {
  it.each([
    ["now,fail=1", { when: "now", failures: 1 }],
    ["soon,fail=20", { when: "soon", failures: 20 }],
    ["soon,fail=20%", { when: "soon", percent: 20 }],
    [" now,fail=100% ", { when: "now", percent: 100 }],
  ])("reads %j", (text, rule) => {
    expect(readHalt(text)).toEqual(rule);
  });

  it.each(["", "now", "later,fail=1", "now,fail=0", "now,fail=0%", "now,fail=-1", "now,fail=1.5", "now,fail=101%", "now,done=1", "now;fail=1"])(
    "refuses %j with a sentence",
    (text) => {
      expect(typeof readHalt(text)).toBe("string");
    },
  );
});

describe("shouldHalt", () => {
  it("a number counts failures", () => {
    const rule = { when: "now", failures: 2 } as const;
    expect([0, 1, 2, 3].map((failed) => shouldHalt(rule, 100, failed))).toEqual([false, false, true, true]);
  });

  it("a share is looked at from the third job on", () => {
    const rule = { when: "soon", percent: 50 } as const;
    expect(shouldHalt(rule, 1, 1)).toBe(false);
    expect(shouldHalt(rule, 2, 2)).toBe(false);
    expect(shouldHalt(rule, 3, 2)).toBe(true);
    expect(shouldHalt(rule, 4, 2)).toBe(true);
    expect(shouldHalt(rule, 5, 2)).toBe(false);
  });

  it("never halts while nothing failed", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 100 }), (ended, number) => {
        expect(shouldHalt({ when: "now", failures: number }, ended, 0) || shouldHalt({ when: "now", percent: number }, ended, 0)).toBe(false);
      }),
    );
  });
});

describe("exitStatus", () => {
  it.each<readonly [number, number | undefined, number]>([
    [0, 0, 0],
    [1, 0, 1],
    [100, 0, 100],
    [101, 0, 101],
    [1_000_000, 0, 101],
    [0, 3, 3],
    [2, 3, 5],
    [60, 60, 101],
    [0, undefined, 1],
    [7, undefined, 7],
  ])("%d failed and %s not run gives %d", (failed, unrun, status) => {
    expect(exitStatus(failed, unrun)).toBe(status);
  });
});
