import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import { checkValue, parseBoolean, parseValue, type OptionRow } from "../../../src/config/schema.ts";
import { OPTION_TABLES } from "../../../src/config/tables.ts";

const row = (facts: Partial<OptionRow>): OptionRow => ({ name: "x", type: "text", default: null, doc: "a test", ...facts });

function refusal(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

const isNoneOrConfigError = (error: unknown): boolean => error === undefined || error instanceof ConfigError;

describe("a value on the command line or in the environment", () => {
  it.each([
    [row({ type: "integer", min: 0 }), "4", 4],
    [row({ type: "number" }), "-0.5", -0.5],
    [row({ type: "boolean" }), "Yes", true],
    [row({ type: "boolean" }), "off", false],
    [row({ type: "level" }), "DEBUG", "debug"],
    [row({ type: "level" }), "30", "warn"],
    [row({ type: "list" }), "a, b", ["a", "b"]],
    [row({ type: "list" }), "['--x=1', '--y']", ["--x=1", "--y"]],
    [row({ type: "list" }), "", []],
    [row({ type: "record" }), '{"a":1}', { a: 1 }],
    [row({ type: "text", choices: ["a", "b"] }), "b", "b"],
  ])("of type $type is read from a text (%#)", (option, text, value) => {
    expect(parseValue(option, text, "it")).toEqual(value);
  });

  it.each([
    [row({ type: "integer", unit: "engines", min: 0 }), "four", 'it must be a whole number of engines of at least 0, not "four"'],
    [row({ type: "integer", min: 1, max: 3 }), "4", "it must be a whole number from 1 to 3, not 4"],
    [row({ type: "integer" }), "1.5", "it must be a whole number, not 1.5"],
    [row({ type: "integer" }), "", 'it must be a whole number, not ""'],
    [row({ type: "boolean" }), "maybe", 'it must be true or false, not "maybe"'],
    [row({ type: "level" }), "loud", 'it must be one of debug, info, warn, error (or 10 to 50), not "loud"'],
    [row({ type: "list" }), "[1]", 'it must be a list of texts, not "[1]"'],
    [row({ type: "record" }), "[]", "it must be an object, not []"],
    [row({ choices: ["a", "b"] }), "c", 'it must be one of a, b, not "c"'],
  ])("that does not fit is refused in one sentence (%#)", (option, text, message) => {
    expect(() => parseValue(option, text, "it")).toThrow(new ConfigError(message));
  });

  it("of any text is read or refused with a ConfigError, nothing else", () => {
    const types = fc.constantFrom(...(["text", "integer", "number", "boolean", "level", "list", "record"] as const));
    fc.assert(
      fc.property(types, fc.string(), (type, text) => {
        expect(refusal(() => parseValue(row({ type }), text, "it"))).toSatisfy(isNoneOrConfigError);
      }),
    );
  });
});

describe("a value in a configuration file", () => {
  it("of any kind is taken or refused with a ConfigError, nothing else", () => {
    const types = fc.constantFrom(...(["text", "integer", "number", "boolean", "level", "list", "record"] as const));
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    fc.assert(
      fc.property(
        types,
        fc.oneof(
          fc.anything({ withBigInt: true, withDate: true }),
          fc.constant(circular),
          fc.constant(() => 1),
          fc.constant(Symbol("s")),
        ),
        (type, value) => {
          expect(refusal(() => checkValue(row({ type }), value, "it"))).toSatisfy(isNoneOrConfigError);
        },
      ),
    );
  });
});

it("a switch is read from the words people use", () => {
  expect(["true", "Yes", "on", "1"].map(parseBoolean)).toEqual([true, true, true, true]);
  expect(["FALSE", "no", "off", "0"].map(parseBoolean)).toEqual([false, false, false, false]);
  expect(parseBoolean("perhaps")).toBeUndefined();
});

describe.each(Object.entries(OPTION_TABLES))("the option table of %s", (_name, table) => {
  it("has no name, flag, environment variable or trait twice", () => {
    for (const key of ["name", "flag", "env"] as const) {
      const values = table.map((option) => option[key]).filter((value) => value !== undefined);
      expect(new Set(values).size).toBe(values.length);
    }
    const traits = table.flatMap((option) => option.traits ?? []);
    expect(new Set(traits).size).toBe(traits.length);
  });

  it("has defaults that pass their own check", () => {
    const defaults = table.filter((option) => option.default !== null);
    expect(defaults.map((option) => checkValue(option, option.default, option.name))).toEqual(defaults.map((option) => option.default));
  });

  it("documents every option in a phrase without a full stop, and every time in milliseconds", () => {
    expect(table.filter((option) => !/^[^A-Z].*[^.]$/.test(option.doc)).map((option) => option.name)).toEqual([]);
    expect(table.filter((option) => option.name.endsWith("Ms") && option.unit !== "ms").map((option) => option.name)).toEqual([]);
  });
});
