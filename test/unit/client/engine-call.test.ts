// Which payload a call takes, and what is refused before anything is sent.

import { describe, expect, it } from "vitest";
import { engineId, engineUuid } from "../../../src/base/index.ts";
import { CallPacker, kindsOf, packForAny, type EngineCall } from "../../../src/client/engine-call.ts";
import type { EngineFacts } from "../../../src/core/index.ts";
import { isPickle, pythonFunction, Reference } from "../../../src/serial/index.ts";

const engine = (id: number, language?: string): EngineFacts => ({
  id: engineId(id),
  uuid: engineUuid(`E${id}`),
  properties: language === undefined ? {} : { language },
});
const OURS = engine(0, "typescript");
const PYTHON = engine(1, "python");
const UNKNOWN = engine(2);

const apply = (fn: unknown): EngineCall => ({ type: "apply", fn, args: [] });
const sqrt = pythonFunction("math.sqrt");
const double = (x: number): number => 2 * x;
const push: EngineCall = { type: "push", values: { a: 1 } };

const languageFor = (call: EngineCall, engines: readonly EngineFacts[]): string => {
  const { buffers, reading } = packForAny(call, kindsOf(engines));
  expect(isPickle(buffers)).toBe(reading.language === "python");
  return reading.language;
};

describe("a call", () => {
  it("of a function takes the form of its language, also while an engine's language is not known", () => {
    expect([[OURS], [UNKNOWN], [OURS, UNKNOWN], []].map((engines) => languageFor(apply(double), engines))).toEqual(Array(4).fill("typescript"));
    expect([[PYTHON], [UNKNOWN], [PYTHON, UNKNOWN], []].map((engines) => languageFor(apply(sqrt), engines))).toEqual(Array(4).fill("python"));
  });

  it("that all engines can do takes ours where all are ours, and else Python's, which ours read too", () => {
    expect([[], [OURS], [PYTHON], [UNKNOWN], [OURS, PYTHON]].map((engines) => languageFor(push, engines))).toEqual([
      "typescript",
      "typescript",
      "python",
      "python",
      "python",
    ]);
  });

  it("of a Reference takes the form of its engines, and is refused where they are of both kinds", () => {
    const call = apply(new Reference("f"));
    expect([[OURS], [PYTHON], [UNKNOWN]].map((engines) => languageFor(call, engines))).toEqual(["typescript", "python", "python"]);
    expect(() => languageFor(call, [OURS, PYTHON])).toThrow("this view has TypeScript (0) and Python (1); choose one");
  });

  it("of a TypeScript function is refused for Python engines, naming function, engines and remedy", () => {
    expect(() => languageFor(apply(double), [PYTHON])).toThrow(
      'the TypeScript function double cannot run here: engine 1 runs Python; call a Python function by its name, as in view.call("math.sqrt", 2)',
    );
    expect(() => languageFor({ type: "map", fn: double, sequences: [[1]] }, [OURS, PYTHON, engine(3, "python")])).toThrow(
      'engines 1, 3 run Python; choose engines 0, as with targets { language: "typescript" }',
    );
  });

  it("of a Python function is refused for TypeScript engines", () => {
    expect(() => languageFor(apply(sqrt), [OURS])).toThrow(
      "the Python function math.sqrt cannot run here: engine 0 runs TypeScript; send a TypeScript function",
    );
    expect(() => languageFor(apply(sqrt), [OURS, PYTHON])).toThrow('choose engines 1, as with targets { language: "python" }');
  });

  it("to several engines is packed once for each language", () => {
    const packer = new CallPacker(push);
    expect(packer.packFor(OURS)).toBe(packer.packFor(engine(5, "typescript")));
    expect(packer.packFor(PYTHON)).toBe(packer.packFor(UNKNOWN));
    expect(packer.packFor(OURS)).not.toBe(packer.packFor(PYTHON));
  });
});
