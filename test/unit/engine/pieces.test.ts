// The small pure parts of the engine: a registration reply, map by name, a task's signal.

import { describe, expect, it } from "vitest";
import { TaskContext } from "../../../src/engine/current-task.ts";
import { mapSequences } from "../../../src/engine/named-functions.ts";
import { readRegistrationReply } from "../../../src/engine/side/registration.ts";

describe("a registration reply", () => {
  it("gives the id, the period and whether the shell channels take packed frames", () => {
    expect(readRegistrationReply({ status: "ok", id: 3, hb_period: 250, packing: 1 })).toEqual({ engineId: 3, heartbeatPeriodMs: 250, packs: true });
    expect(readRegistrationReply({ status: "ok", id: 0 })).toEqual({ engineId: 0, heartbeatPeriodMs: 3000, packs: false });
  });

  it.each([{ status: "ok" }, { status: "ok", id: -1 }, { status: "ok", id: "0" }, { status: "error", ename: "KeyError", evalue: "in use" }, {}])(
    "%j is none",
    (content) => {
      expect(typeof readRegistrationReply(content)).toBe("string");
    },
  );
});

describe("map by name", () => {
  it("takes items in step until the shortest sequence ends", () => {
    expect(mapSequences((a, b) => `${String(a)}${String(b)}`, [1, 2, 3], "ab")).toEqual(["1a", "2b"]);
    expect(mapSequences((x) => Number(x) * 2, Float64Array.of(1, 2))).toEqual([2, 4]);
    expect(mapSequences((x) => x, new Set([1, 2]))).toEqual([1, 2]);
    expect(mapSequences((x) => x)).toEqual([]);
  });

  it("awaits one call before the next", async () => {
    const log: string[] = [];
    const f = async (x: unknown): Promise<unknown> => {
      log.push(`start ${String(x)}`);
      await Promise.resolve();
      log.push(`end ${String(x)}`);
      return x;
    };
    await expect(mapSequences((x) => (x === 1 ? 1 : f(x)), [1, 2, 3])).resolves.toEqual([1, 2, 3]);
    expect(log).toEqual(["start 2", "end 2", "start 3", "end 3"]);
  });

  it("refuses what is no function or no sequence", () => {
    expect(() => mapSequences(1 as never, [])).toThrow("map takes a function");
    expect(() => mapSequences((x) => x, 5)).toThrow("map's sequence 1 is not iterable");
  });
});

describe("a task's signal", () => {
  const facts = { engineId: 0, engineUuid: "u", msgId: "m", attempt: 1 };

  it("is aborted by an interrupt, asked for before or after", () => {
    const before = new TaskContext(facts, () => undefined);
    const { signal } = before;
    expect(signal.aborted).toBe(false);
    before.abort(new Error("stop"));
    const after = new TaskContext(facts, () => undefined);
    after.abort(new Error("stop"));
    expect([signal.aborted, after.signal.aborted, after.signal === after.signal]).toEqual([true, true, true]);
  });
});
