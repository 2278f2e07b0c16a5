import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../../../../src/base/index.ts";
import { compareTexts, globMatcher, matcher, QUERY_OPERATORS, readQuery, readQueryKeys, type TaskQuery } from "../../../../src/core/index.ts";
import { dateAt, record } from "../../../support/records.ts";

const matches = (query: TaskQuery, more: Parameters<typeof record>[1] = {}): boolean => matcher(readQuery(query))(record("m", more));

describe("a query", () => {
  it("without conditions matches everything", () => {
    expect(matches({})).toBe(true);
  });

  it("needs every field and every operator to hold, each with its own argument", () => {
    const one = { label: "A", queue: "mux" } as const;
    expect(matches({ label: "A", queue: "mux" }, one)).toBe(true);
    expect(matches({ label: "A", queue: "task" }, one)).toBe(false);
    expect(matches({ label: "mux", queue: "mux" }, one)).toBe(false);
    expect(matches({ label: { $gt: 1, $lt: 3 } }, { label: 2 })).toBe(true);
    expect(matches({ label: { $gt: 1, $lt: 3 } }, { label: 4 })).toBe(false);
  });

  it("orders with each of the four operators as it says", () => {
    const truth = (label: unknown): boolean[] => ["$lt", "$lte", "$gt", "$gte"].map((operator) => matches({ label: { [operator]: 2 } }, { label }));
    expect(truth(1)).toEqual([true, true, false, false]);
    expect(truth(2)).toEqual([false, true, false, true]);
    expect(truth(3)).toEqual([false, false, true, true]);
  });

  it.each([null, "text", [1], { a: 1 }, true])("never orders %j against a number", (label) => {
    for (const operator of ["$lt", "$lte", "$gt", "$gte"]) {
      expect(matches({ label: { [operator]: 2 } }, { label })).toBe(false);
      expect(matches({ label: { [operator]: null } }, { label })).toBe(false);
    }
  });

  it("treats null and missing as the same, different from everything else", () => {
    expect(matches({ label: null })).toBe(true);
    expect(matches({ "header.nothing.there": null })).toBe(true);
    expect(matches({ label: null }, { label: 0 })).toBe(false);
    expect(matches({ label: { $ne: 5 } })).toBe(true);
    expect(matches({ label: { $ne: null } })).toBe(false);
    expect(matches({ label: { $in: [1, null] } })).toBe(true);
    expect(matches({ label: { $nin: [1, null] } })).toBe(false);
    expect(matches({ label: { $nin: [""] } })).toBe(true);
  });

  it("compares dates as times in any notation", () => {
    const one = { submitted: "2026-01-02T03:04:05.500000Z" };
    expect(matches({ submitted: "2026-01-02T04:04:05.5+01:00" }, one)).toBe(true);
    expect(matches({ submitted: { $lt: "2026-01-02T03:04:05.51Z" } }, one)).toBe(true);
    expect(matches({ submitted: { $gt: "2026-01-02T03:04:05.499999Z" } }, one)).toBe(true);
    expect(matches({ submitted: { $in: ["x", "2026-01-02T03:04:05.5"] } }, one)).toBe(true);
    expect(matches({ submitted: { $nin: ["2026-01-02T03:04:05.5Z"] } }, one)).toBe(false);
    expect(matches({ "header.date": { $lte: dateAt() } }, {})).toBe(true);
  });

  it("has equality of lists and objects whatever the order of keys", () => {
    expect(matches({ label: { x: 1, y: [2] } }, { label: { y: [2], x: 1 } })).toBe(true);
    expect(matches({ label: { x: 1 } }, { label: { x: 1, y: null } })).toBe(false);
    expect(matches({ label: [1, 2] }, { label: [2, 1] })).toBe(false);
    expect(matches({ label: {} }, { label: {} })).toBe(true);
  });

  it("looks into objects by path, and only at what is their own", () => {
    expect(matches({ "header.session": "client-1" })).toBe(true);
    expect(matches({ "header.toString": { $exists: false } })).toBe(true);
    expect(matches({ "label.a.b": 5 }, { label: { a: { b: 5 } } })).toBe(true);
    expect(matches({ "label.0": 5 }, { label: [5] })).toBe(false);
  });

  it("knows $mod, $exists, $all and $glob", () => {
    expect(matches({ label: { $mod: [3, 1] } }, { label: 7 })).toBe(true);
    expect(matches({ label: { $mod: [3, 2] } }, { label: -7 })).toBe(true);
    expect(matches({ label: { $mod: [3, 1] } })).toBe(false);
    expect(matches({ label: { $exists: true } }, { label: 0 })).toBe(true);
    expect(matches({ label: { $exists: false } })).toBe(true);
    expect(matches({ label: { $all: ["a", "b"] } }, { label: ["b", "c", "a"] })).toBe(true);
    expect(matches({ label: { $all: ["a", "z"] } }, { label: ["b", "c", "a"] })).toBe(false);
    expect(matches({ label: { $all: [["x", "a"], "cat"] } }, { label: "a" })).toBe(true);
    expect(matches({ label: { $all: [] } })).toBe(false);
    expect(matches({ label: { $glob: "my*_[0-9]?" } }, { label: "my label_42" })).toBe(true);
    expect(matches({ label: { $glob: "*" } })).toBe(false);
    expect(matches({ label: { $glob: "*" } }, { label: 5 })).toBe(false);
  });

  it.each([
    [{ label: { $near: 1 } }, /unknown operator "\$near" for the field "label"; known are \$lt .*\$glob/],
    [{ label: { $lt: 1, plain: 2 } }, /unknown operator "plain"/],
    [{ $or: [] }, /unknown field "\$or" in a query; known are msg_id/],
    [{ color: 1 }, /unknown field "color"/],
    [{ "toString.x": 1 }, /unknown field "toString.x"/],
    [{ buffers: null }, /"buffers" can be asked for with `keys`, but not searched/],
    [{ label: { $in: "abc" } }, /\$in of the field "label" takes a list/],
    [{ label: { $mod: [0, 1] } }, /\$mod of the field "label" takes \[divisor, remainder\]/],
    [{ label: { $mod: [1] } }, /divisor/],
    [{ label: { $exists: 1 } }, /true or false/],
    [{ label: { $glob: 1 } }, /shell pattern/],
  ] as const)("%j is refused by name", (query, message) => {
    expect(() => readQuery(query)).toThrow(InvalidArgumentError);
    expect(() => readQuery(query)).toThrow(message);
  });

  it("is bounded in depth, size and pattern", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 40; i += 1) deep = [deep];
    expect(() => readQuery({ label: deep })).toThrow(/deeper than 32/);
    expect(() => readQuery({ label: { $in: Array.from({ length: 100_001 }, (_, i) => i) } })).toThrow(/more than 100000 values/);
    expect(() => readQuery(Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`label.x${i}`, 1])))).toThrow(/1001 conditions/);
    expect(() => globMatcher("a".repeat(1025))).toThrow(/at most 1024/);
  });

  it("reads or refuses anything, and never fails otherwise", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom("label", "submitted", "header.x", "nope", "$and"),
          fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...QUERY_OPERATORS, "$x"), fc.jsonValue())),
        ),
        fc.jsonValue(),
        (query, label) => {
          const attempt = (): unknown => {
            try {
              return matches(query as TaskQuery, { label });
            } catch (error) {
              return error instanceof InvalidArgumentError ? "refused" : error;
            }
          };
          expect([true, false, "refused"]).toContain(attempt());
        },
      ),
    );
  });
});

describe("keys of a query", () => {
  it("are all fields but buffers by default, and always have msg_id", () => {
    expect(readQueryKeys(null)).not.toContain("buffers");
    expect(readQueryKeys(["label", "buffers", "label"])).toEqual(["msg_id", "label", "buffers"]);
    expect(() => readQueryKeys(["header.x"])).toThrow(InvalidArgumentError);
  });
});

describe("a glob", () => {
  it.each([
    ["", "", true],
    ["*", "", true],
    ["a*c", "abc", true],
    ["a*c", "abcd", false],
    ["**a**", "xay", true],
    ["?", "\u{1f600}", true],
    ["[!a-c]x", "dx", true],
    ["[^a-c]x", "bx", false],
    ["[]]", "]", true],
    ["[]a-]", "-", true],
    ["[abc", "[abc", true],
    ["a[", "a[", true],
    ["a.c", "abc", false],
    ["*\\*", "x\\y", true],
  ])("%j against %j is %j", (pattern, text, expected) => {
    expect(globMatcher(pattern)(text)).toBe(expected);
  });

  it("agrees with a regular expression", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 }), (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
        expect(globMatcher(pattern)(text)).toBe(expression.test(text));
      }),
    );
  });

  it("does not take exponentially long", () => {
    expect(globMatcher("a*".repeat(500) + "b")("a".repeat(5000))).toBe(false);
  });
});

it("texts compare by code point", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
      expect(Math.sign(compareTexts(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
});
