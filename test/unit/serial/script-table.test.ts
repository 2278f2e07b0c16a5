import { describe, expect, test } from "vitest";

import { readNames } from "../../../src/serial/script-table.ts";

describe("imports of a script", () => {
  const cases: readonly [source: string, name: string, from: [specifier: string, ...path: string[]] | undefined][] = [
    ['import { a as b } from "pkg"', "b", ["pkg", "a"]],
    ['import d, * as ns from "pkg/sub"', "d", ["pkg/sub", "default"]],
    ['import d, * as ns from "pkg/sub"', "ns", ["pkg/sub"]],
    ['const lib = require("lib")', "lib", ["lib", "default"]],
    ['const { x: y } = require("lib")', "y", ["lib", "x"]],
    ['var import_lib = __toESM(require("lib"))', "import_lib", ["lib"]],
    ['const lib_1 = __importDefault(require("lib"))', "lib_1", ["lib"]],
    ['const __vite_ssr_import_0__ = await __vite_ssr_import__("lib", {})', "__vite_ssr_import_0__", ["lib"]],
    ["const made = create('lib')", "made", undefined],
  ];

  test.each(cases)("%s: %s", (source, name, from) => {
    const found = readNames(source).imports.get(name);
    expect(found === undefined ? undefined : [found.specifier, ...found.path]).toEqual(from);
  });
});

describe("variables that may change", () => {
  const cases: readonly [source: string, isAssigned: boolean][] = [
    ["const x = 1", false],
    ["let x = 1", false],
    ["let x; x = 1", true],
    ["let x = 1; function f() { x++ }", true],
    ["var x = 1", false],
    ["var x = 1; var x = 2", true],
    ["for (;;) { var x = 1 }", true],
    ["for (const x of y) ;", false],
    ["for (var x of y) ;", true],
    ["let x; [x] = y", true],
    ["let x; ({ a: x = 1, ...z } = y)", true],
    ["const x = 1; eval(code)", true],
    ["with (o) { }; var x = 1", true],
    ["exports.x = exports.y = void 0; exports.x = 1", false],
    ["module.exports.x = 1", false],
    ["exports.x = 0; exports.x = 1", true],
    ["exports.x = 0; function f() { exports.x += 1 }", true],
    ["exports.x = 0; function f() { exports.x = 1 }", true],
    ["exports.x = 0; exports.x++", true],
    ["(function (x) {})(x || (exports.x = {}))", false],
    ["this is no program", true],
  ];

  test.each(cases)("%s", (source, isAssigned) => {
    expect(readNames(source).isAssigned("x")).toBe(isAssigned);
  });

  test("exports under another name are noted", () => {
    expect(readNames("const a = 1; export { a }; export function b() {}").renamesExports).toBe(false);
    expect(readNames("const a = 1; export { a as b }").renamesExports).toBe(true);
    expect(readNames('export * from "x"').renamesExports).toBe(true);
  });
});
