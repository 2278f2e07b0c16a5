// Engines that die are started again, but not for ever.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { millis } from "../../../../src/base/index.ts";
import { RestartPolicy, type EngineEnd } from "../../../../src/core/upkeep/index.ts";

const OPTIONS = { mode: "on-failure", max: 3, windowMs: 60_000, delayMs: 500 } as const;
const KILLED: EngineEnd = { exitCode: null, signal: "SIGKILL" };

describe("an engine that ends", () => {
  it.each<[string, EngineEnd, string]>([
    ["by SIGKILL", KILLED, "restart"],
    ["by a crash", { exitCode: null, signal: "SIGSEGV" }, "restart"],
    ["with a status", { exitCode: 1, signal: null }, "restart"],
    ["in order", { exitCode: 0, signal: null }, "leave"],
    ["because it was asked to", { exitCode: null, signal: "SIGTERM" }, "leave"],
    ["nobody knows how", { exitCode: null, signal: null }, "leave"],
  ])("%s is dealt with accordingly", (_, end, type) => {
    expect(new RestartPolicy(OPTIONS).ended(millis(0), end)).toMatchObject({ type });
  });

  it("is left where nothing is ever restarted", () => {
    expect(new RestartPolicy({ ...OPTIONS, mode: "never" }).ended(millis(0), KILLED)).toEqual({ type: "leave" });
  });

  it("is started again after waits that double, so many times within the window, and again when that has moved on", () => {
    const policy = new RestartPolicy(OPTIONS);
    expect([0, 10, 20, 30].map((at) => policy.ended(millis(at), KILLED))).toEqual([
      { type: "restart", delayMs: 500, restart: 1 },
      { type: "restart", delayMs: 1000, restart: 2 },
      { type: "restart", delayMs: 2000, restart: 3 },
      { type: "giveUp", restarts: 3 },
    ]);
    expect(policy.ended(millis(60_005), KILLED)).toEqual({ type: "restart", delayMs: 2000, restart: 3 });
    expect(policy.ended(millis(200_000), KILLED)).toEqual({ type: "restart", delayMs: 500, restart: 1 });
    expect(policy.total).toBe(5);
  });

  it("is never started again more often within the window than allowed, nor after more than a minute", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30_000), { maxLength: 200 }), fc.nat(6), (gaps, max) => {
        const policy = new RestartPolicy({ ...OPTIONS, max });
        const times: number[] = [];
        let at = 0;
        for (const gap of gaps) {
          at += gap;
          const decision = policy.ended(millis(at), KILLED);
          if (decision.type !== "restart") continue;
          times.push(at);
          expect(decision.delayMs).toBeLessThanOrEqual(60_000);
          expect(times.filter((time) => at - time < OPTIONS.windowMs).length).toBeLessThanOrEqual(max);
        }
        expect(policy.total).toBe(times.length);
      }),
    );
  });

  it("of options that cannot be is refused", () => {
    expect(() => new RestartPolicy({ ...OPTIONS, max: Number.NaN })).toThrow("max is NaN, and must be");
  });
});
