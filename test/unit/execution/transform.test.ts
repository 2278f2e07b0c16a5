import vm from "node:vm";
import { describe, expect, it } from "vitest";
import { planCell, type CellPlan } from "../../../src/execution/cells/transform.ts";

/** Runs cells one after another in one global scope, as the engine does, in a context of the test's own. */
class Scope {
  readonly context = vm.createContext({});
  #count = 0;

  declare(name: string): void {
    vm.runInContext(
      `if (!(${JSON.stringify(name)} in globalThis)) Object.defineProperty(globalThis, ${JSON.stringify(name)}, { value: undefined, writable: true, configurable: true, enumerable: true })`,
      this.context,
    );
  }

  run(code: string): unknown {
    const plan = planCell(code);
    const filename = `cell-${(this.#count += 1)}.ts`;
    for (const name of plan.names) this.declare(name);
    const head = plan.isStrict ? '"use strict";(' : "(";
    for (const { name, source, line, column } of plan.functions) {
      const value: unknown = new vm.Script(`${head}${source})`, { filename, lineOffset: line, columnOffset: column - head.length }).runInContext(this.context);
      (this.context as Record<string, unknown>)[name] = value;
    }
    const value: unknown = new vm.Script(plan.script, { filename, columnOffset: plan.columnOffset }).runInContext(this.context);
    return plan.isAsync ? (value as Promise<{ v?: unknown } | undefined>).then((wrapped) => wrapped?.v) : plan.hasValue ? value : undefined;
  }
}

const last = async (...cells: string[]): Promise<unknown> => {
  const scope = new Scope();
  let value: unknown;
  for (const cell of cells) value = await scope.run(cell);
  return value;
};

describe("the value of a cell", () => {
  it.each([
    ["1 + 1", 2],
    ["const a = 1", undefined],
    ["const a = 1; a", 1],
    ["let a = 1\na", 1],
    ["a = 5;", 5],
    ["if (true) 5", undefined],
    ["function f() { return 3 }\nf()", 3],
    ["f(); function f() { return 4 }", undefined],
    ["'use strict'; 7", 7],
    ["'text'", "text"],
    ["1; ;", 1],
    ["", undefined],
    ["// nothing", undefined],
    ["(1, 2)", 2],
    ["await 3", 3],
    ["await 3;", 3],
    ["const x = await 4\nx + 1 // the value", 5],
    ["await 1; const y = 2", undefined],
    ["await 1\n;(2, 3)", 3],
    ["for await (const x of [1]) {}\n9", 9],
    ["#!/usr/bin/env node\n5", 5],
    ["6;\nvar n;", 6],
    ["await 7;\nvar n;", 7],
    ["using u = { a: 8 }; u.a", 8],
    ["await using u = await { a: 9 }\nusing v = u; v.a", 9],
  ])("%j is %j", async (code, value) => {
    expect(await last(code)).toEqual(value);
  });

  it("of an object in braces is the object", async () => {
    expect(await last("{a: 1, b: 2}")).toEqual({ a: 1, b: 2 });
    expect(await last("{a: await 1}")).toEqual({ a: 1 });
    expect(await last("{ let a = 1; a }")).toBeUndefined();
  });
});

describe("names of a cell", () => {
  it.each([
    ["const a = 1", "a", 1],
    ["let a = 1, b = a + 1", "b", 2],
    ["let a = 1", "let a", undefined],
    ["const {a, b: [c], ...d} = {a: 1, b: [2], e: 3}", "[a, c, d.e]", [1, 2, 3]],
    ["const [x, , y = 9] = [1, 2]", "[x, y]", [1, 9]],
    ["const {a = 5} = {}, b = a", "b", 5],
    ["var {q} = {q: 1}", "q", 1],
    ["class A { m() { return new A() instanceof A } }", "new A().m()", true],
    ["class A {}\n(1, 2)", "typeof A", "function"],
    ["function f() { return f.name }", "f()", "f"],
    ["const f = () => 1", "f.name", "f"],
    ["const f = class {}", "f.name", "f"],
    ["for (var i = 0; i < 3; i++) {}", "i", 3],
    ["if (true) { var z = 1 }", "z", 1],
    ["for (var i = 0; i < 3; i++) { await null }", "i", 3],
    ["for (var k of [1, 2]) await null", "k", 2],
    ["for (var [p, q] of [[1, 2]]) await null", "[p, q]", [1, 2]],
    ["for (var k in {x: 1}) await null", "k", "x"],
    ["await null; if (true) var {z} = {z: 4}", "z", 4],
    ["await null; switch (1) { case 1: var s = 5 }", "s", 5],
    ["await null; { var a = 1, b; var [c] = [2] }", "[a, b, c]", [1, undefined, 2]],
    ["async function* g() { yield 1 }\nawait null", "typeof g", "function"],
    ["export const e = 1", "e", 1],
    ["export function ef() { return 2 }", "ef()", 2],
    ["export class EC {}", "typeof EC", "function"],
    ["export default class DC {}", "typeof DC", "function"],
    ["const a = 1\nexport { a }", "a", 1],
    ["x1 = 1\nconst [y1] = [2]", "[x1, y1]", [1, 2]],
    ["x2 = 1\nconst {y2} = {y2: 2}", "[x2, y2]", [1, 2]],
    ["x3 = 1\nfunction g3() {}\n(4)", "x3", 1],
  ])("%j leaves %j as %j", async (cell, expression, value) => {
    expect(await last(cell, expression)).toEqual(value);
  });

  it("of `using` at the top stay for later cells, and are not disposed of", async () => {
    expect(await last("using u = { [Symbol.dispose ?? 0]() { u = 'gone' } }", "using u = { n: 1 }; await 0; using w = { n: u.n + 1 }", "[u.n, w.n]")).toEqual([
      1, 2,
    ]);
    expect(planCell("const a = 1; await using b = a").script).toHaveLength("const a = 1; await using b = a".length);
    expect(() => planCell("switch (1) { case 1: using a = null }")).toThrow(SyntaxError);
    expect(() => planCell("using a = ;")).toThrow("Unexpected token (1:10)");
  });

  it("may be declared again in a later cell", async () => {
    expect(await last("const a = 1; class C {}; function f() { return 1 }", "const a = 2; class C {}; function f() { return 2 }", "a + f()")).toBe(4);
  });

  it("are seen by functions of earlier cells, also functions of the same cell", async () => {
    expect(await last("function main() { return helper() } function helper() { return 1 }", "function helper() { return 2 }", "main()")).toBe(2);
    expect(await last("await null; function main() { return helper() } function helper() { return 1 }", "helper = () => 3", "main()")).toBe(3);
  });

  it("can be deleted", async () => {
    expect(
      await last(
        "const a = 1; function f() {} var v = 1; class C {}",
        "delete globalThis.a && delete globalThis.f && delete globalThis.v && delete globalThis.C",
        "typeof a + typeof f + typeof v + typeof C",
      ),
    ).toBe("undefined".repeat(4));
  });

  it("stay usable when their declaration failed", async () => {
    const scope = new Scope();
    expect(() => scope.run("const a = (() => { throw new Error('no') })()")).toThrow("no");
    expect(scope.run("const a = 1; a")).toBe(1);
  });

  it("of loops and blocks do not leak", async () => {
    expect(await last("for (let i = 0; i < 1; i++) { const inner = 1 }", "typeof i + typeof inner")).toBe("undefinedundefined");
    expect(await last("{ let inner = 1; await null }", "typeof inner")).toBe("undefined");
  });
});

describe("imports", () => {
  const importsOf = (code: string): CellPlan["imports"] => planCell(code).imports;

  it("are taken out and listed with their bindings", () => {
    expect(importsOf('import d, { a as b, "odd name" as c } from "m"; import * as ns from "n"; import "side"')).toEqual([
      {
        specifier: "m",
        attributes: {},
        bindings: [
          { imported: "default", local: "d" },
          { imported: "a", local: "b" },
          { imported: "odd name", local: "c" },
        ],
      },
      { specifier: "n", attributes: {}, bindings: [{ imported: "*", local: "ns" }] },
      { specifier: "side", attributes: {}, bindings: [] },
    ]);
  });

  it("keep their attributes", () => {
    expect(importsOf('import d from "./d.json" with { type: "json", "x": "y" }')[0]?.attributes).toEqual({ type: "json", x: "y" });
  });

  it("leave the lines of the rest where they were", () => {
    const plan = planCell('import {\n  a\n} from "m"\n(a)');
    expect(plan.script.split("\n")).toHaveLength(4);
    expect(plan.isAsync).toBe(false);
    expect(plan.script).toMatch(/^;/);
  });

  it("of this package in import() are redirected, also inside functions", () => {
    const own = (specifier: string): string | undefined => (specifier === "tsparallel/engine" ? "file:///own.js" : undefined);
    expect(planCell('import("tsparallel/engine")', own).script).toBe('import("file:///own.js")');
    expect(planCell('function f() { return import("tsparallel/engine") }', own).functions[0]?.source).toBe('function f() { return import("file:///own.js") }');
    expect(planCell('import("other")', own).script).toBe('import("other")');
  });

  it("of everything by export are refused", () => {
    expect(() => planCell('export * from "m"')).toThrow(SyntaxError);
    expect(() => planCell('export { a } from "m"')).toThrow(SyntaxError);
  });
});

describe("positions of errors", () => {
  const positionOf = async (code: string): Promise<string | undefined> => {
    const scope = new Scope();
    try {
      await scope.run(code);
    } catch (error) {
      return /cell-1\.ts:(\d+:\d+)/.exec((error as Error).stack ?? "")?.[1];
    }
    return undefined;
  };

  it.each([
    ["null.x", "1:6"],
    ["\n\n  null.x", "3:8"],
    ["await null\nnull.x", "2:6"],
    ["const a = null.x", "1:16"],
    ["let a = 1, b = null.x", "1:21"],
    ["const {a} = null.x", "1:18"],
    ["await null; const {a} = null.x", "1:30"],
    ["let q = 1\nclass A { static x = null.x }", "2:27"],
    ["function f() {\n  null.x\n}\nf()", "2:8"],
    ["function f() { null.x }; f()", "1:21"],
    ["    function f() { null.x }; f()", "1:25"],
    ["await 1; function f() { null.x }; f()", "1:30"],
    ["import { join } from 'node:path'; null.x", "1:40"],
    ["'use strict'; function f() { null.x }; f()", "1:35"],
    ["{a: null.x}", "1:10"],
    ["await 2\n{ a: null.x }\nnull.y", "2:11"],
  ])("of %j is %s", async (code, position) => {
    expect(await positionOf(code)).toBe(position);
  });
});

describe("what is not JavaScript", () => {
  it.each(["const a: number = 1", "foo(", "return 1", "interface A {}", "let 1x"])("%j is a SyntaxError with a place", (code) => {
    let thrown: unknown;
    try {
      planCell(code);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SyntaxError);
    expect((thrown as { loc?: { line: number } }).loc?.line).toBe(1);
  });

  it("but reads as a comparison is recognised as TypeScript", () => {
    expect(planCell("f<string>(x)").looksGeneric).toBe(true);
    expect(planCell("make<Map, T>(1)").looksGeneric).toBe(false);
    expect(planCell("a < b && c > (d)").looksGeneric).toBe(false);
    expect(planCell("a < b").looksGeneric).toBe(false);
  });
});
