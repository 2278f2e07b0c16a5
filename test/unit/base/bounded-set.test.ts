import { describe, expect, it } from "vitest";
import { BoundedSet } from "../../../src/base/index.ts";

describe("a bounded set", () => {
  it("remembers a bounded number of values, the newest, each until it is taken", () => {
    const set = new BoundedSet<string>(2);
    for (const value of ["a", "b", "a", "c"]) set.add(value);
    expect([set.size, set.take("b"), set.take("a"), set.take("c"), set.take("c")]).toEqual([2, false, true, true, false]);
  });
});
