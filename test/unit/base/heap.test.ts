import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heap } from "../../../src/base/index.ts";

interface Item {
  readonly key: number;
  index: number;
}

const numbers = (): Heap<number> => new Heap((one, other) => one < other);

function drain<T>(heap: Heap<T>): T[] {
  const given: T[] = [];
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) given.push(item);
  return given;
}

const sorted = (keys: readonly number[]): number[] => keys.toSorted((one, other) => one - other);

describe("a heap", () => {
  it("that is empty has no first item", () => {
    const heap = numbers();
    expect([heap.length, heap.peek(), heap.pop(), [...heap]]).toEqual([0, undefined, undefined, []]);
  });

  it("gives its items in order, whatever the order they came in", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (keys) => {
        const heap = numbers();
        for (const key of keys) heap.push(key);
        expect(heap.length).toBe(keys.length);
        expect(sorted([...heap])).toEqual(sorted(keys));
        expect(drain(heap)).toEqual(sorted(keys));
      }),
    );
  });

  it("keeps what passes, in order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.integer({ min: 1, max: 5 }), (keys, divisor) => {
        const heap = numbers();
        for (const key of keys) heap.push(key);
        heap.keep((key) => key % divisor === 0);
        expect(drain(heap)).toEqual(sorted(keys.filter((key) => key % divisor === 0)));
      }),
    );
  });

  it("agrees with a sorted list after any pushes, pops and removals, and every item knows its place", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("push" as const), number: fc.nat(20) }),
      fc.record({ do: fc.constant("pop" as const), number: fc.constant(0) }),
      fc.record({ do: fc.constant("remove" as const), number: fc.nat(1000) }),
      fc.record({ do: fc.constant("keep" as const), number: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const note = (item: Item, index: number): void => void (item.index = index);
        const heap = new Heap<Item>((one, other) => one.key < other.key, note);
        let model: Item[] = [];
        let isFirst = true;
        for (const { do: what, number } of steps) {
          if (what === "push") {
            const item = { key: number, index: -1 };
            heap.push(item);
            model.push(item);
          } else if (what === "pop") {
            const item = heap.pop();
            isFirst = item?.key === sorted(model.map(({ key }) => key))[0];
            model = model.filter((other) => other !== item);
          } else if (what === "remove") {
            const item = model[number % model.length];
            if (item !== undefined) heap.removeAt(item.index);
            model = model.filter((other) => other !== item);
          } else {
            heap.keep(({ key }) => key <= number);
            model = model.filter(({ key }) => key <= number);
          }
          expect([isFirst, heap.length]).toEqual([true, model.length]);
          const items = [...heap];
          for (const item of model) expect(items[item.index]).toBe(item);
        }
        expect(drain(heap).map(({ key }) => key)).toEqual(sorted(model.map(({ key }) => key)));
      }),
    );
  });
});
