// The number of engines by the work there is: when it changes, by how much, and that it never goes to and fro.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { millis, seededRng } from "../../../../src/base/index.ts";
import { Adaptation, type AdaptationDecision, type AdaptationOptions } from "../../../../src/core/upkeep/index.ts";

const BUSY = { tasks: 1, idleMs: 0 };
const idle = (idleMs: number): typeof BUSY => ({ tasks: 0, idleMs });
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
const OPTIONS = { min: 1, max: 10, tasksPerEngine: 2, addAfterMs: 1000, removeAfterMs: 30_000, stepMax: 4, retryMs: 1000 };

function machine(options: Partial<AdaptationOptions> = {}): (at: number, waiting: number, engines: readonly (typeof BUSY)[]) => AdaptationDecision | null {
  const adaptation = new Adaptation({ ...OPTIONS, ...options });
  return (at, waiting, engines) => {
    const decision = adaptation.handle({ type: "observed", at: millis(at), waiting, engines });
    if (decision !== null) adaptation.handle({ type: "changed", at: millis(at) });
    return decision;
  };
}

describe("engines are added", () => {
  it("when tasks have waited for a while with every engine at work, as many as the work justifies and a step allows", () => {
    const observe = machine();
    expect(observe(0, 5, [BUSY])).toBeNull();
    expect(observe(999, 5, [BUSY])).toBeNull();
    expect(observe(1000, 5, [BUSY])).toEqual({ engines: 3, why: "add" });
    expect(observe(1500, 100, many(3, BUSY))).toBeNull();
    expect(observe(2500, 100, many(3, BUSY))).toEqual({ engines: 7, why: "add" });
    observe(3000, 100, many(7, BUSY));
    expect(observe(4000, 100, many(7, BUSY))).toEqual({ engines: 10, why: "add" });
    observe(4500, 100, many(10, BUSY));
    expect(observe(9000, 100, many(10, BUSY))).toBeNull();
  });

  it("only for a queue that lasted: one that was empty in between begins anew", () => {
    const observe = machine();
    observe(0, 5, [BUSY]);
    observe(900, 0, [BUSY]);
    expect(observe(1000, 5, [BUSY])).toBeNull();
    expect(observe(1900, 5, [BUSY])).toBeNull();
    expect(observe(2000, 5, [BUSY])).toMatchObject({ why: "add" });
  });

  it("not for tasks that wait for certain engines while others are idle, nor for so few that the engines suffice", () => {
    const observe = machine();
    for (const at of [0, 1000, 2000]) expect(observe(at, 50, [BUSY, idle(10)])).toBeNull();
    for (const at of [3000, 4000, 5000]) expect(observe(at, 2, many(2, BUSY))).toBeNull();
  });
});

describe("engines are removed", () => {
  it("when they have been idle for long, down to what the work justifies", () => {
    const observe = machine();
    expect(observe(0, 0, many(6, idle(29_999)))).toBeNull();
    expect(observe(1, 0, many(6, idle(30_000)))).toEqual({ engines: 2, why: "remove" });
    expect(observe(2, 0, many(2, idle(30_000)))).toEqual({ engines: 1, why: "remove" });
    expect(observe(3, 0, [idle(90_000)])).toBeNull();
  });

  it("never those at work", () => {
    expect(machine()(0, 0, [...many(5, BUSY), idle(40_000)])).toEqual({ engines: 5, why: "remove" });
    expect(machine()(0, 0, many(5, BUSY))).toBeNull();
  });

  it("not sooner after engines were added than the idle time, and the other way round", () => {
    const observe = machine();
    observe(0, 5, [BUSY]);
    expect(observe(1000, 5, [BUSY])).toMatchObject({ why: "add" });
    expect(observe(30_999, 0, many(3, idle(30_000)))).toBeNull();
    expect(observe(31_000, 0, many(3, idle(30_000)))).toMatchObject({ why: "remove" });
    observe(31_500, 9, [BUSY]);
    expect(observe(60_000, 9, [BUSY])).toBeNull();
    expect(observe(61_000, 9, [BUSY])).toMatchObject({ why: "add" });
  });
});

describe("a number that others changed", () => {
  it("is brought back between its bounds at once", () => {
    expect(machine({ min: 3 })(0, 0, [BUSY])).toEqual({ engines: 3, why: "restore" });
    expect(machine({ max: 2 })(0, 90, many(5, BUSY))).toEqual({ engines: 2, why: "restore" });
  });
});

describe("a change that fails", () => {
  it("is tried again after waits that double up to a bound; meanwhile nothing else is decided", () => {
    const adaptation = new Adaptation({ ...OPTIONS, min: 2 });
    const observe = (at: number): AdaptationDecision | null => adaptation.handle({ type: "observed", at: millis(at), waiting: 0, engines: [BUSY] });
    let at = 0;
    const waits: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      expect(observe(at)).toMatchObject({ engines: 2 });
      expect(observe(at)).toBeNull(); // under way
      adaptation.handle({ type: "failed", at: millis(at) });
      const next = adaptation.retryAt ?? 0;
      expect(observe(next - 1)).toBeNull();
      waits.push(next - at);
      at = next;
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 64_000, 64_000, 64_000]);
    observe(at);
    adaptation.handle({ type: "changed", at: millis(at) });
    expect(adaptation.retryAt).toBeNull();
  });
});

describe("engines that keep dying", () => {
  /** Each engine dies a second after it was started; gives how long each start was put off. */
  const waitsOf = (starts: number, options: Partial<AdaptationOptions> = {}): number[] => {
    const adaptation = new Adaptation({ ...OPTIONS, min: 2, ...options });
    const waits: number[] = [];
    for (let at = 0; waits.length < starts; at += 1000) {
      const dead = { type: "observed", at: millis(at), waiting: 0, engines: [BUSY] } as const;
      if (adaptation.handle(dead) === null) {
        const until = adaptation.heldUntil ?? Number.NaN;
        expect(adaptation.handle({ ...dead, at: millis(until - 1) })).toBeNull();
        waits.push(until - at);
        expect(adaptation.handle({ ...dead, at: millis(until) })).toEqual({ engines: 2, why: "restore" });
        expect(adaptation.heldUntil).toBeNull();
        at = until;
      } else waits.push(0);
      adaptation.handle({ type: "changed", at: millis(at) });
    }
    return waits;
  };

  it("are replaced at once a few times, and then after waits that double up to a bound", () => {
    expect(waitsOf(14)).toEqual([0, 0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 64_000]);
    expect(waitsOf(8, { retryMs: 10 }).slice(-2)).toEqual([10, 20]);
  });

  it("are made up for at once when they did so long ago, or all at the same time", () => {
    const observe = machine({ min: 9 });
    for (let i = 0; i < 20; i += 1) {
      expect(observe(i * 150_000, 0, [])).toEqual({ engines: 9, why: "restore" }); // with a host, say
      expect(observe(i * 150_000 + 1000, 0, many(9, BUSY))).toBeNull();
    }
  });

  it("do not keep too many from being removed", () => {
    const adaptation = new Adaptation({ ...OPTIONS, min: 2, max: 3 });
    for (let at = 0; adaptation.heldUntil === null; at += 1) {
      adaptation.handle({ type: "observed", at: millis(at), waiting: 0, engines: [BUSY] });
      adaptation.handle({ type: "changed", at: millis(at) });
      expect(at).toBeLessThan(20);
    }
    expect(adaptation.handle({ type: "observed", at: millis(20), waiting: 0, engines: many(5, BUSY) })).toEqual({ engines: 3, why: "restore" });
  });
});

describe("options", () => {
  it.each([{ min: -1 }, { min: 3, max: 2 }, { min: 1.5 }, { tasksPerEngine: 0 }, { addAfterMs: Number.NaN }, { stepMax: 0 }])(
    "that cannot be are refused: %o",
    (wrong) => {
      expect(() => new Adaptation({ ...OPTIONS, ...wrong })).toThrow(/must be/);
    },
  );
});

describe("an adaptation, whatever it is told,", () => {
  const observation = fc.record({
    afterMs: fc.nat(20_000),
    waiting: fc.nat(50),
    engines: fc.array(fc.record({ tasks: fc.nat(3), idleMs: fc.nat(60_000) }), { maxLength: 12 }),
    fails: fc.boolean(),
  });

  it("never wants fewer than min or more than max, and lies still between two opposite decisions", () => {
    fc.assert(
      fc.property(fc.nat(3), fc.integer({ min: 3, max: 9 }), fc.array(observation, { maxLength: 60 }), (min, max, steps) => {
        const adaptation = new Adaptation({ ...OPTIONS, min, max });
        let at = 0;
        let last: { readonly why: string; readonly at: number } | undefined;
        for (const { afterMs, waiting, engines, fails } of steps) {
          at += afterMs;
          const decision = adaptation.handle({ type: "observed", at: millis(at), waiting, engines });
          if (decision === null) continue;
          expect(decision.engines).toBeGreaterThanOrEqual(min);
          expect(decision.engines).toBeLessThanOrEqual(max);
          expect(decision.engines).not.toBe(engines.length);
          expect(decision.why === "restore" ? 0 : Math.abs(decision.engines - engines.length)).toBeLessThanOrEqual(OPTIONS.stepMax);
          const isOpposite = last !== undefined && last.why !== decision.why && last.why !== "restore" && decision.why !== "restore";
          expect(isOpposite ? at - (last?.at ?? 0) : Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(OPTIONS.removeAfterMs);
          last = { why: decision.why, at };
          adaptation.handle({ type: fails ? "failed" : "changed", at: millis(at) });
        }
      }),
    );
  });
});

describe("a simulated day", () => {
  it.each([1, 2, 3])("of bursts gets its work done with few engines at rest, and changes seldom (seed %i)", (seed) => {
    const rng = seededRng(seed);
    const adaptation = new Adaptation({ ...OPTIONS, min: 0, max: 8 });
    let engines: { endsAt: number; idleSince: number }[] = [];
    let [waiting, done, submitted, changes, engineMs] = [0, 0, 0, 0, 0];
    for (let now = 0; now < 4 * 3600_000; now += 500) {
      if (rng.next() < 0.0005) {
        const burst = 20 + Math.floor(rng.next() * 100);
        waiting += burst;
        submitted += burst;
      }
      for (const engine of engines) {
        if (engine.endsAt > 0 && engine.endsAt <= now) {
          done += 1;
          engine.endsAt = 0;
          engine.idleSince = now;
        }
        if (engine.endsAt === 0 && waiting > 0) {
          waiting -= 1;
          engine.endsAt = now + 1000 + rng.next() * 4000;
        }
      }
      const facts = engines.map(({ endsAt, idleSince }) => ({ tasks: endsAt > 0 ? 1 : 0, idleMs: endsAt > 0 ? 0 : now - idleSince }));
      const decision = adaptation.handle({ type: "observed", at: millis(now), waiting, engines: facts });
      engineMs += 500 * engines.length;
      if (decision === null) continue;
      changes += 1;
      if (rng.next() < 0.2) {
        adaptation.handle({ type: "failed", at: millis(now) });
        continue;
      }
      const isIdle = engines.filter(({ endsAt }) => endsAt === 0);
      const leavers = new Set(isIdle.slice(0, Math.max(0, engines.length - decision.engines)));
      const fresh = Array.from({ length: Math.max(0, decision.engines - engines.length) }, () => ({ endsAt: 0, idleSince: now }));
      engines = [...engines.filter((engine) => !leavers.has(engine)), ...fresh];
      adaptation.handle({ type: "changed", at: millis(now) });
    }
    expect(submitted).toBeGreaterThan(100);
    expect(done).toBeGreaterThan(submitted - 150);
    // All eight all the time would be 32 engine hours.
    expect(engineMs).toBeLessThan(16 * 3600_000);
    expect(changes).toBeLessThan(submitted / 4);
  });
});
