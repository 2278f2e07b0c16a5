import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ParkedQuestions } from "../../../../src/core/index.ts";
import { at } from "../../../support/records.ts";

describe("a question that waits", () => {
  it("is given back when the first of its requests has ended, and not before", () => {
    const parked = new ParkedQuestions<string>();
    const pending = new Set(["a", "b", "c"]);
    const release = (): string[] => parked.release((id) => pending.has(id), at(1));
    expect([parked.park("ab", ["a", "b"], at()), parked.park("c", ["c"], at())]).toEqual([true, true]);
    expect(release()).toEqual([]);
    pending.delete("b");
    expect([release(), release()]).toEqual([["ab"], []]);
    pending.delete("c");
    expect(release()).toEqual(["c"]);
  });

  it("is given back when its time is over", () => {
    const parked = new ParkedQuestions<string>({ waitMs: 100 });
    parked.park("q", ["a"], at());
    expect(parked.release(() => true, at(99))).toEqual([]);
    expect(parked.release(() => true, at(100))).toEqual(["q"]);
  });

  it("finds no room where too many ids wait, and again where some have gone", () => {
    const parked = new ParkedQuestions<string>({ idsMax: 3 });
    expect([parked.park("ab", ["a", "b"], at()), parked.park("cd", ["c", "d"], at())]).toEqual([true, false]);
    parked.release(() => false, at());
    expect(parked.park("cd", ["c", "d"], at())).toBe(true);
  });

  it("whatever happens, each is given back once and the bound holds", () => {
    const step = fc.oneof(
      fc.record({ park: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }) }),
      fc.record({ end: fc.integer({ min: 0, max: 9 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const parked = new ParkedQuestions<number>({ idsMax: 8, waitMs: 20 });
        const ended = new Set<string>();
        const waiting = new Set<number>();
        for (const [i, each] of steps.entries()) {
          if ("park" in each) {
            if (parked.park(i, each.park.map(String), at(i))) waiting.add(i);
          } else ended.add(String(each.end));
          for (const question of parked.release((id) => !ended.has(id), at(i))) expect(waiting.delete(question)).toBe(true);
          parked.validate();
        }
        for (const question of parked.release(() => true, at(steps.length + 20))) expect(waiting.delete(question)).toBe(true);
        expect(waiting.size).toBe(0);
      }),
    );
  });
});
