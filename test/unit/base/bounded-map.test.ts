import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoundedMap } from "../../../src/base/index.ts";

const byLength = (weightMax: number): { weigh: (text: string) => number; weightMax: number } => ({ weigh: (text) => text.length, weightMax });

describe("a bounded map", () => {
  it("drops the entry unused for longest", () => {
    const map = new BoundedMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    expect(map.get("a")).toBe(1);
    map.set("c", 3);
    expect([map.get("a"), map.get("b"), map.get("c"), map.size]).toEqual([1, undefined, 3, 2]);
  });

  it("drops as many as it takes when one is heavy, and keeps even one that is heavier than allowed", () => {
    const map = new BoundedMap<string, string>(10, byLength(6));
    for (const text of ["aa", "bb", "cc"]) map.set(text, text);
    map.set("dddd", "dddd");
    expect([map.get("aa"), map.get("bb"), map.get("cc"), map.weight]).toEqual([undefined, undefined, "cc", 6]);
    map.set("eeeeeeee", "eeeeeeee");
    expect([map.size, map.weight]).toEqual([1, 8]);
  });

  it("keeps to both bounds, and its weight is the sum of what it holds, after any steps", () => {
    const step = fc.oneof(
      fc.record({ op: fc.constantFrom("get", "delete"), key: fc.nat(6) }),
      fc.record({ op: fc.constant("set"), key: fc.nat(6), value: fc.string({ maxLength: 9 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = new BoundedMap<number, string>(4, byLength(12));
        for (const { op, key, ...rest } of steps) {
          if (op === "set") map.set(key, (rest as { value: string }).value);
          else if (op === "get") map.get(key);
          else map.delete(key);
          const held = [0, 1, 2, 3, 4, 5, 6].flatMap((each) => map.get(each) ?? []);
          expect(map.weight).toBe(held.join("").length);
          expect(map.size).toBe(held.length);
          expect(map.size <= 4 && (map.weight <= 12 || map.size === 1)).toBe(true);
        }
      }),
    );
  });
});
