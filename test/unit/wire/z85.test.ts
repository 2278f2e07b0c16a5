import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCurveKey, z85Decode, z85Encode } from "../../../src/wire/index.ts";

describe("Z85", () => {
  it("writes the example of its specification", () => {
    const bytes = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b);
    expect(z85Encode(bytes)).toBe("HelloWorld");
    expect(z85Decode("HelloWorld")).toEqual(bytes);
  });

  it("reads what it wrote, also from the middle of a buffer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 80 }), (bytes) => {
        const part = bytes.subarray(3, 3 + Math.floor((bytes.length - 3) / 4) * 4);
        expect(z85Decode(z85Encode(part))).toEqual(Uint8Array.from(part));
      }),
    );
  });

  it("reads nothing from a text of another length or alphabet, or groups that are too large", () => {
    expect(z85Decode("Hell")).toBeUndefined();
    expect(z85Decode("Hello,orld")).toBeUndefined();
    expect(z85Decode("Hell\u00f6")).toBeUndefined();
    expect(z85Decode("%nSc0")).toEqual(Uint8Array.of(255, 255, 255, 255));
    expect(z85Decode("%nSc1")).toBeUndefined();
    expect(z85Decode("#####")).toBeUndefined();
  });

  it("is a CURVE key with 40 characters", () => {
    expect([isCurveKey("HelloWorld".repeat(4)), isCurveKey("HelloWorld"), isCurveKey("#".repeat(40)), isCurveKey("HelloWorld".repeat(5))]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
