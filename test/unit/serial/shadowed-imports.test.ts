// Names that an import and a variable of a function share. The scripts are compiled by Node itself: vitest gives imports other names.

import Module, { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { inMainContext, remotely } from "./support.ts";

const MODULE = `import * as t from "node:os"; import { basename as b } from "node:path";
const make = (t, b) => () => t.f() + b(2);
export const made = make({ f: function () { return 5; } }, function (x) { return x * 3; });
export const real = () => [t.EOL.length, b("/a/b")];
`;
const COMMON = `const lib = require("acorn");
const { isNewLine } = require("acorn");
const acorn_1 = __importStar(require("acorn"));
function __importStar(module) { return { ...module, default: module }; }
const make = (lib, isNewLine) => () => lib.part() + isNewLine(4);
exports.made = make({ part: function () { return 5; } }, (x) => x + 1);
exports.nested = () => ((acorn_1) => acorn_1)(1);
exports.real = () => [lib.isNewLine(10), isNewLine(10), acorn_1.isNewLine(10)];
`;

type Made = Record<"made" | "real" | "nested", () => unknown>;

/** Compiles a CommonJS script as if it were a file of this project; nothing is written. */
function common(text: string): Made {
  const filename = fileURLToPath(new URL("../../../shadowed.cjs", import.meta.url));
  const script = new Module(filename) as Module & { _compile: (text: string, filename: string) => void };
  script.paths = createRequire(filename).resolve.paths("acorn") ?? [];
  script._compile(text, filename);
  return script.exports as Made;
}

test("what a function closes over goes before an import of the same name", async () => {
  const script = (await inMainContext(`import(${JSON.stringify(`data:text/javascript,${encodeURIComponent(MODULE)}`)})`)) as Made;
  expect(await remotely(script.made)).toBe(11);
  expect(await remotely(script.real)).toEqual([1, "b"]);
  expect(await remotely(script.made)).toBe(11);
});

test("what a function closes over goes before a required module of the same name", async () => {
  const script = common(COMMON);
  expect(await remotely(script.made)).toBe(10);
  expect(await remotely(script.nested)).toBe(1);
  expect(await remotely(script.real)).toEqual([true, true, true]);
  expect(await remotely(script.made)).toBe(10);
});
