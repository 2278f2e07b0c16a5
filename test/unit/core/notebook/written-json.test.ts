import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseWritten, writeWritten, WrittenNumber } from "../../../../src/core/notebook/written-json.ts";

const NUMBERS = ["1.0", "-0", "-0.0", "12345678901234567890", "9007199254740993", "1e22", "1E+5", "0.10", "1e400", "1e-400", "5", "-2.5", "1e+22"];

/** JSON as Python and others may write it: any numbers, escapes in texts and keys, white space. */
const written = fc.letrec<{ value: string }>((tie) => {
  const text = fc.string({ unit: fc.constantFrom("a", '"', "\\", "\u0001", "1.0", " ", ":", "é", "\n", "{") }).map((s) => JSON.stringify(s));
  const list = fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items.join(" , ")}]`);
  // Integers as keys would be put first, and a key that comes twice is one.
  const entry = fc.tuple(text, tie("value"));
  const object = fc
    .uniqueArray(entry, { selector: ([key]) => JSON.parse(key) as string, maxLength: 4 })
    .map((entries) => `{${entries.map(([key, value]) => `${key}\n: ${value}`).join(",")}}`);
  return { value: fc.oneof({ depthSize: "small" }, fc.constantFrom(...NUMBERS, "true", "null"), text, list, object) };
}).value;

/** Without the white space between tokens. */
const dense = (json: string): string => json.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");

describe("JSON as it was written", () => {
  it("comes out as it went in, numbers with all their digits, but for white space", () => {
    fc.assert(
      fc.property(written, (json) => {
        expect(dense(writeWritten(parseWritten(json)))).toBe(dense(json));
      }),
    );
  });

  it("means what JSON means", () => {
    fc.assert(
      fc.property(written, (json) => {
        expect(JSON.stringify(parseWritten(json))).toBe(JSON.stringify(JSON.parse(json)));
      }),
    );
  });

  it("is indented as JSON.stringify does it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(3), (value, depth) => {
        const indented = JSON.stringify(value, null, 1).replaceAll("\n", `\n${" ".repeat(depth)}`);
        expect(writeWritten(value, depth)).toBe(indented);
      }),
    );
  });

  it("keeps as plain numbers those that JavaScript writes alike", () => {
    expect(parseWritten('{"a": 5, "b": [1.5, 1e+22], "c": "1.0"}')).toEqual({ a: 5, b: [1.5, 1e22], c: "1.0" });
    expect(parseWritten('{"a": 5, "b": 1.0}')).toEqual({ a: 5, b: new WrittenNumber("1.0") });
    expect(Number(new WrittenNumber("1.0"))).toBe(1);
  });

  it("leaves out what is undefined, as JSON does", () => {
    expect(writeWritten({ a: undefined, b: [undefined] })).toBe('{\n "b": [\n  null\n ]\n}');
  });

  it("says where JSON breaks", () => {
    expect(() => parseWritten('{"a": 1.0,}')).toThrow(SyntaxError);
  });

  it("reads and writes texts of many megabytes", () => {
    const json = `{\n "a": 1.0,\n "b": ${JSON.stringify('\\"x'.repeat(1_000_000))}\n}`;
    expect(writeWritten(parseWritten(json))).toBe(json);
  });
});
