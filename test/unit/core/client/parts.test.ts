import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeIds, InvalidArgumentError, NoEnginesRegistered } from "../../../../src/base/index.ts";
import {
  autoChunkSize,
  blockSpans,
  chunkSpans,
  finishedItems,
  interleave,
  isAllOk,
  isComplete,
  pickSlice,
  RecentRequests,
  resolveTargets,
  roundRobin,
  serialSeconds,
  totalItems,
  wallSeconds,
} from "../../../../src/core/client/index.ts";
import { engine } from "./builders.ts";

describe("partition", () => {
  it("makes the first parts one longer", () => {
    expect(blockSpans(7, 3)).toEqual([
      { start: 0, end: 3 },
      { start: 3, end: 5 },
      { start: 5, end: 7 },
    ]);
  });

  it("covers every item once, whatever the numbers", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.integer({ min: 1, max: 40 }), (length, parts) => {
        const items = Array.from({ length }, (_, i) => i);
        expect(blockSpans(length, parts).flatMap(({ start, end }) => items.slice(start, end))).toEqual(items);
        expect(chunkSpans(length, parts).flatMap(({ start, end }) => items.slice(start, end))).toEqual(items);
        expect(interleave(Array.from({ length: parts }, (_, i) => roundRobin(items, parts, i)))).toEqual(items);
      }),
    );
  });

  it("gives small maps item by item and large ones in bounded chunks", () => {
    expect(autoChunkSize(50, 2)).toBe(1);
    expect(autoChunkSize(1000, 2)).toBe(16);
    expect(autoChunkSize(1_000_000, 2)).toBe(10_000);
    expect(autoChunkSize(10, 0)).toBe(1);
    expect(autoChunkSize(0, 2)).toBe(1);
  });
});

describe("targets", () => {
  const engines = new Map([0, 1, 4].map((id) => [engine(id).id, engine(id)]));

  it("are ids, negative ones from the end, lists, or all", () => {
    const ids = (targets: Parameters<typeof resolveTargets>[1]): number[] => resolveTargets(engines, targets).map((found) => found.id);
    expect(ids(4)).toEqual([4]);
    expect(ids(-1)).toEqual([4]);
    expect(ids([1, -3])).toEqual([1, 0]);
    expect(ids("all")).toEqual([0, 1, 4]);
  });

  it("that are not there are named with those that are", () => {
    expect(() => resolveTargets(engines, 7)).toThrow(new InvalidArgumentError("there is no engine 7; the engines are 0…1, 4"));
    expect(() => resolveTargets(engines, -4)).toThrow(InvalidArgumentError);
    expect(() => resolveTargets(engines, [])).toThrow(InvalidArgumentError);
    expect(() => resolveTargets(new Map(), "all")).toThrow(NoEnginesRegistered);
  });

  it("are described in runs", () => {
    expect(describeIds([0, 1, 2, 5, 7, 8])).toBe("0…2, 5, 7…8");
    expect(describeIds([])).toBe("");
  });
});

describe("a slice picks what Python's would", () => {
  const items = [0, 1, 2, 3, 4];
  it.each([
    [undefined, undefined, undefined, [0, 1, 2, 3, 4]],
    [0, undefined, 2, [0, 2, 4]],
    [-2, undefined, undefined, [3, 4]],
    [1, -1, undefined, [1, 2, 3]],
    [undefined, undefined, -1, [4, 3, 2, 1, 0]],
    [3, 0, -2, [3, 1]],
    [10, 20, 1, []],
    [-10, 2, 1, [0, 1]],
  ])("[%s:%s:%s]", (start, stop, step, picked) => {
    expect(pickSlice(items, start, stop, step)).toEqual(picked);
  });

  it("and refuses a step of 0", () => {
    expect(() => pickSlice(items, 0, 1, 0)).toThrow(InvalidArgumentError);
  });
});

describe("completion", () => {
  it("counts items, not messages", () => {
    const parts = [
      { state: "ok", itemCount: 10 },
      { state: "failed", itemCount: 5 },
      { state: "pending", itemCount: 3 },
    ] as const;
    expect([finishedItems(parts), totalItems(parts), isComplete(parts), isAllOk(parts)]).toEqual([15, 18, false, false]);
    expect([isComplete(parts.slice(0, 2)), isAllOk(parts.slice(0, 1))]).toEqual([true, true]);
  });

  it("adds the times of engines and measures the time of the user", () => {
    const times = [
      { submitted: 0, started: 1000, completed: 3000, received: 3100 },
      { submitted: 10, started: 1000, completed: 2000, received: 4000 },
      { submitted: 10, started: undefined, completed: undefined, received: undefined },
    ];
    expect(serialSeconds(times)).toBe(3);
    expect(wallSeconds(times)).toBe(4);
    expect(wallSeconds([])).toBe(0);
  });
});

describe("the memory of finished requests", () => {
  it("forgets the oldest by count", () => {
    const recent = new RecentRequests<number>({ requestsMax: 2, resultBytesMax: 1000 });
    for (const i of [1, 2, 3]) recent.remember(`r${i}`, i, 1);
    expect(recent.ids).toEqual(["r2", "r3"]);
    expect([recent.get("r1"), recent.get("r3")]).toEqual([undefined, 3]);
  });

  it("forgets the oldest by bytes, but never the newest", () => {
    const recent = new RecentRequests<number>({ requestsMax: 10, resultBytesMax: 100 });
    recent.remember("a", 1, 60);
    recent.remember("b", 2, 60);
    expect(recent.ids).toEqual(["b"]);
    recent.remember("c", 3, 500);
    expect(recent.ids).toEqual(["c"]);
    expect(recent.forget("c")).toBe(true);
    expect(recent.forget("c")).toBe(false);
  });
});
