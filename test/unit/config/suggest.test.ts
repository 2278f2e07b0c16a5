import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { didYouMean, editDistance, suggest } from "../../../src/config/suggest.ts";

describe("edit distance", () => {
  it("counts insertions, deletions, replacements and swaps", () => {
    expect(editDistance("profile", "profil")).toBe(1);
    expect(editDistance("profile", "proifle")).toBe(1);
    expect(editDistance("hwm", "hvm")).toBe(1);
    expect(editDistance("", "abc")).toBe(3);
  });

  it("is symmetric, zero exactly for equal texts, and at most the longer length", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        const distance = editDistance(a, b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });

  it("stays quick for texts of any length", () => {
    expect(editDistance("x".repeat(1_000_000), "y".repeat(1_000_000))).toBe(200);
  });
});

describe("a suggestion", () => {
  it("is the nearest name, whatever its case", () => {
    expect(suggest("LogLevl", ["logToFile", "logLevel"])).toBe("logLevel");
    expect(suggest("ip", ["hwm", "ips"])).toBe("ips");
  });

  it("is not made when nothing is near", () => {
    expect(suggest("banana", ["hwm", "ping"])).toBeUndefined();
    expect(didYouMean("banana", ["hwm"])).toBe("");
  });
});
