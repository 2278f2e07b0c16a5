import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeIds, InvalidArgumentError, NoEnginesRegistered } from "../../../../src/base/index.ts";
import {
  autoChunkSize,
  blockSpans,
  CHUNK_ITEMS_MAX,
  CHUNKS_PER_ENGINE,
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

  /** Sizes of all chunks of a map. */
  const sizesOf = (total: number, engines: number): number[] => {
    const sizes: number[] = [];
    for (let left = total; left > 0; left -= sizes.at(-1) as number) sizes.push(autoChunkSize(left, total, engines));
    return sizes;
  };

  it("gives small maps item by item and large ones in bounded chunks", () => {
    expect(sizesOf(24, 2)).toEqual(Array.from({ length: 24 }, () => 1));
    expect(autoChunkSize(1000, 1000, 2)).toBe(42);
    expect(autoChunkSize(1_000_000, 1_000_000, 2)).toBe(10_000);
    expect(autoChunkSize(10, 10, 0)).toBe(1);
  });

  it("makes chunks smaller towards the end of a map, down to an eighth", () => {
    expect(sizesOf(1000, 2)).toEqual([...Array.from({ length: 20 }, () => 42), 40, 30, 23, 17, 13, 10, 7, 6, 6, 6, 6]);
    expect(Math.min(...sizesOf(1_000_000, 2))).toBe(5209);
    expect(new Set(sizesOf(10_000_000, 2))).toEqual(new Set([10_000]));
  });

  it("covers every item, never growing, with no more than a twelfth of an engine's share in a chunk", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300_000 }), fc.integer({ min: 1, max: 64 }), (total, engines) => {
        const sizes = sizesOf(total, engines).slice(0, -1); // The last one goes beyond the end.
        expect(sizes.every((size, i) => size >= 1 && size <= CHUNK_ITEMS_MAX && (i === 0 || size <= (sizes[i - 1] as number)))).toBe(true);
        expect(Math.max(1, ...sizes)).toBeLessThanOrEqual(Math.ceil(total / (engines * CHUNKS_PER_ENGINE)));
        expect(sizes.length).toBeLessThanOrEqual(engines * CHUNKS_PER_ENGINE * 2 + total / CHUNK_ITEMS_MAX);
      }),
    );
  });

  it("leaves engines little apart at the end, though long items come last or one engine has half the pace", () => {
    /** Time of a map whose item i takes `costOf(i)`, on engines of these paces, over the least that is possible. */
    const delayOf = (total: number, paces: readonly number[], costOf: (i: number) => number): number => {
      const busyUntil = paces.map(() => 0);
      let start = 0;
      for (const size of sizesOf(total, paces.length)) {
        const engine = busyUntil.indexOf(Math.min(...busyUntil));
        const end = Math.min(total, start + size);
        for (; start < end; start += 1) busyUntil[engine] = (busyUntil[engine] as number) + costOf(start) / (paces[engine] as number);
      }
      const work = Array.from({ length: total }, (_, i) => costOf(i)).reduce((sum, cost) => sum + cost, 0);
      return Math.max(...busyUntil) / (work / paces.reduce((sum, pace) => sum + pace, 0));
    };
    expect(delayOf(1000, [1, 1], () => 1)).toBeLessThan(1.01);
    expect(delayOf(1000, [1, 0.5], () => 1)).toBeLessThan(1.02);
    expect(delayOf(1000, [1, 1, 1, 1], (i) => i)).toBeLessThan(1.02);
    expect(delayOf(1000, [1, 1, 1, 1], (i) => (i < 900 ? 1 : 10))).toBeLessThan(1.05);
    expect(delayOf(1000, [1, 1, 1, 1], (i) => (i < 100 ? 10 : 1))).toBeLessThan(1.05);
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
