// What the kernel tells about code without running it.

import { afterEach, describe, expect, it } from "vitest";
import { checkCell } from "../../../src/execution/index.ts";
import { toCodePoints, toIndex } from "../../../src/kernel/code-points.ts";
import { complete } from "../../../src/kernel/completion.ts";
import { completenessOf } from "../../../src/kernel/completeness.ts";
import { inspectAt } from "../../../src/kernel/inspection.ts";
import { pathAround, pathBefore } from "../../../src/kernel/name-path.ts";

const own = globalThis as unknown as Record<string, unknown>;
afterEach(() => {
  for (const name of Object.keys(own).filter((key) => key.startsWith("kt_"))) delete own[name];
});
const matches = (code: string): string[] => complete(code, code.length).matches.map(({ text }) => text);

describe("positions", () => {
  it("count code points on the wire and UTF-16 units here", () => {
    const code = "a😀b";
    expect([0, 1, 2, 3, 9, Number.POSITIVE_INFINITY].map((at) => toIndex(code, at))).toEqual([0, 1, 3, 4, 4, 4]);
    expect([0, 1, 3, 4].map((at) => toCodePoints(code, at))).toEqual([0, 1, 2, 3]);
  });
});

describe("whether a cell is whole", () => {
  it.each([
    ["", "complete"],
    ["1 + 1", "complete"],
    ["await f(1)", "complete"],
    ["function f<T>(x: T): T { return x; }", "complete"],
    ["const s = '{'; // {", "complete"],
    ["const r = /[{(]/.test(x)", "complete"],
    ["%px x y z", "complete"],
    ["const a = 1;\n  %px -t 0 {\na", "complete"],
    ["%%px\nlet a = {\n", "complete"],
    ["const 1 = 2", "invalid"],
    ["f(]", "invalid"],
    ["'open", "invalid"],
    ["a b", "invalid"],
  ])("%j is %s", async (code, status) => {
    expect(await completenessOf(code, checkCell)).toEqual({ status });
  });

  it.each([
    ["function f(x: number) {", "  "],
    ["f({", "    "],
    ["const a =", ""],
    ["const a: number =", ""],
    ["`line", ""],
    ["`${f(", "    "],
    ["/* comment", ""],
    ["a +", ""],
    ["if (a)", ""],
    ["%%px", ""],
    ["%%px -t 0\na", ""],
    ["%px x\nf({", "    "],
  ])("%j is incomplete", async (code, indent) => {
    expect(await completenessOf(code, checkCell)).toEqual({ status: "incomplete", indent });
  });
});

describe("names at a position", () => {
  it("are those joined by dots and indexes", () => {
    expect(pathBefore("x = a.b[0]?.c", 13)).toEqual({ holders: ["a", "b", "0"], word: "c", start: 12, isUnknown: false });
    expect(pathBefore("f().le", 6)).toMatchObject({ holders: [], word: "le", isUnknown: true });
    expect(pathBefore("[...re", 6)).toMatchObject({ word: "re", isUnknown: false });
  });

  it("are whole around a position, and the called function's behind its bracket", () => {
    expect(pathAround("abc.def", 1)).toMatchObject({ word: "abc" });
    expect(pathAround("g(abc, ", 7)).toMatchObject({ word: "g" });
  });
});

describe("completion", () => {
  it("knows globals, keywords, members own and inherited, and modules", () => {
    own["kt_box"] = { alpha: 1, "not a name": 2, beta(): void {} };
    expect(matches("kt_b")).toEqual(["kt_box"]);
    expect(matches("awai")).toEqual(["await"]);
    expect(matches("kt_box.")).toEqual(expect.arrayContaining(["alpha", "beta", "hasOwnProperty"]));
    expect(matches("kt_box.")).not.toContain("not a name");
    own["kt_rows"] = [1, 2];
    own["kt_bytes"] = new Uint8Array(2);
    expect(matches("kt_rows.")).toEqual(expect.arrayContaining(["length", "map", "hasOwnProperty"]));
    expect(matches("kt_bytes.")).toEqual(expect.arrayContaining(["length", "subarray"]));
    expect(matches("process.versi")).toEqual(["version", "versions"]);
    expect(matches("import x from 'node:child")).toEqual(["node:child_process"]);
    expect(matches("f().a")).toEqual([]);
  });

  it("runs neither getters nor proxies", () => {
    const touched: string[] = [];
    own["kt_proxy"] = new Proxy({}, { ownKeys: () => (touched.push("keys"), []), getPrototypeOf: () => (touched.push("prototype"), null) });
    own["kt_got"] = {
      get value(): object {
        return (touched.push("getter"), {});
      },
    };
    expect(matches("kt_proxy.")).toEqual([]);
    expect(matches("kt_got.value.")).toEqual([]);
    expect(matches("kt_got.val")).toContain("value");
    expect(inspectAt("kt_proxy", 3, 1)).toContain("a proxy");
    expect(inspectAt("kt_got", 3, 1)).toContain("[Getter]");
    expect(touched).toEqual([]);
  });
});

describe("inspection", () => {
  it("tells type, value, size and signature", () => {
    own["kt_list"] = [1, 2, 3];
    own["kt_f"] = function add(a: number, b = { c: 1 }): number {
      return a + b.c;
    };
    own["kt_C"] = class Sub extends Map {};
    expect(inspectAt("kt_list", 4, 0)).toBe("Name:      kt_list\nType:      Array\nLength:    3\nValue:     [ 1, 2, 3 ]");
    expect(inspectAt("kt_f(1, ", 8, 0)).toMatch(/^Signature: function add\(a, b = \{ c: 1 \}\)$/m);
    expect(inspectAt("Math.max", 6, 0)).toMatch(/^Signature: function max\(…\)$/m);
    expect(inspectAt("kt_C", 4, 0)).toMatch(/^Class: +class Sub extends Map$/m);
    expect(inspectAt("kt_f", 4, 1)).toContain("return a + b.c");
    expect(inspectAt("kt_none", 4, 0)).toBeUndefined();
  });
});
