// The small pure parts of running code: signals, display data, failures, modules, compiling.

import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { UnmetDependency } from "../../../src/base/index.ts";
import { compileCell } from "../../../src/execution/cells/compile-cell.ts";
import { inspectText, mimeBundle } from "../../../src/execution/cells/mime.ts";
import { failureOf, interruptedFailure, shownStack } from "../../../src/execution/failure.ts";
import { ownModule } from "../../../src/execution/namespace.ts";
import { signalName, signalNumber } from "../../../src/execution/side/signals.ts";

describe("signals", () => {
  it.each([
    [2, 2],
    ["SIGINT", 2],
    ["int", 2],
    ["15", 15],
    [0, 0],
    ["SIGUSR1", constants.signals.SIGUSR1],
    [4711, undefined],
    ["SIGNOPE", undefined],
    [undefined, undefined],
    [2.5, undefined],
    ["toString", undefined],
  ])("%j is number %j", (signal, number) => {
    expect(signalNumber(signal)).toBe(number);
  });

  it("have names", () => {
    expect([signalName(9), signalName(4711)]).toEqual(["SIGKILL", "4711"]);
  });
});

describe("display data", () => {
  it("has text always and the value's own forms besides", () => {
    expect(mimeBundle([1])).toEqual({ "text/plain": "[ 1 ]" });
    expect(mimeBundle({ toMime: () => ({ "image/png": "aGk=" }) })).toMatchObject({ "image/png": "aGk=" });
    expect(mimeBundle({ toMime: () => "no forms" })).toHaveProperty(["text/plain"]);
    expect(mimeBundle(null)).toEqual({ "text/plain": "null" });
  });

  it("has an element as HTML, or as an SVG file that names its namespace", () => {
    const element = (localName: string, outerHTML: string): object => ({ nodeType: 1, localName, outerHTML });
    const xmlns = 'xmlns="http://www.w3.org/2000/svg"';
    expect(mimeBundle(element("figure", "<figure></figure>"))).toEqual({ "text/plain": "<figure>", "text/html": "<figure></figure>" });
    expect(mimeBundle(element("svg", '<svg width="1"></svg>'))["image/svg+xml"]).toBe(`<svg ${xmlns} width="1"></svg>`);
    expect(mimeBundle(element("svg", `<svg width="1" ${xmlns}></svg>`))["image/svg+xml"]).toBe(`<svg width="1" ${xmlns}></svg>`);
  });

  it("has a canvas as PNG and a chart's specification as that", () => {
    expect(mimeBundle({ toDataURL: (type: string) => `data:${type};base64,AQID` })["image/png"]).toBe("AQID");
    const chart = { $schema: "https://vega.github.io/schema/vega-lite/v5.json", mark: "bar" };
    expect(mimeBundle(chart)["application/vnd.vegalite.v5+json"]).toEqual(chart);
  });

  it("is bounded", () => {
    expect(inspectText(Array.from({ length: 1e6 }, () => "x")).length).toBeLessThan(10_000);
    expect(inspectText("y".repeat(1e7)).length).toBeLessThan(11_000);
  });
});

describe("failures", () => {
  it("keep the wire's name of errors that travel", () => {
    expect(failureOf(new UnmetDependency("no gpu")).ename).toBe("UnmetDependency");
    expect(interruptedFailure().ename).toBe("KeyboardInterrupt");
  });

  it("leave out frames of the language that are called by our own, and keep those that users call", () => {
    const own = `    at pick (${new URL("../../../src/client/direct-view.js", import.meta.url).href}:1:1)`;
    const each = "    at Array.map (<anonymous>)";
    const user = "    at f (/home/me/a.ts:1:1)";
    const error = Object.assign(new Error("x"), { stack: ["Error: x", own, each, own, user, each, user].join("\n") });
    expect(shownStack(error).split("\n")).toEqual(["Error: x", user, each, user]);
  });

  it("have a name and a text for whatever is thrown", () => {
    for (const thrown of ["text", 5, null, undefined, { a: 1 }, Symbol("s"), new (class Own extends Error {})("own")]) {
      const { ename, evalue, traceback } = failureOf(thrown);
      expect([typeof ename, typeof evalue, Array.isArray(traceback)]).toEqual(["string", "string", true]);
    }
    expect(failureOf(new (class Own extends Error {})("own")).ename).toBe("Own");
  });
});

describe("modules of this package", () => {
  it("are found in this very copy, and nothing outside of it", () => {
    expect(ownModule("tsparallel/engine")).toMatch(/\/engine\/public\.js$/);
    expect(ownModule("tsparallel/jobs")).toMatch(/\/jobs\/index\.js$/);
    expect(ownModule("tsparallelx")).toBeUndefined();
    expect(() => ownModule("tsparallel/../../etc/passwd")).toThrow("names no module");
  });
});

describe("compiling a cell", () => {
  it("takes JavaScript as it is and TypeScript without its types, with exact positions", async () => {
    const cell = await compileCell("const a: number = 1;\nnull!.x as unknown", "ipp-cell-1.ts");
    expect(cell.names).toEqual(["a"]);
    let stack = "";
    try {
      cell.script.runInThisContext();
    } catch (error) {
      stack = (error as Error).stack ?? "";
    }
    expect(stack).toContain("ipp-cell-1.ts:2:7");
  });

  it.each([
    ["foo(", "ipp-cell-1.ts:1\nfoo(\n    ^\nSyntaxError: Unexpected token (line 1, column 5)"],
    ["let ok = 1\nconst t: = 5", "ipp-cell-1.ts:2\nconst t: = 5\n         ^"],
    ["interface A { x: number }\nfoo(", "ipp-cell-1.ts:2\nfoo(\n    ^"],
  ])("tells where %j is wrong", async (code, head) => {
    const error = (await compileCell(code, "ipp-cell-1.ts").catch((thrown: unknown) => thrown)) as Error;
    expect(error).toBeInstanceOf(SyntaxError);
    expect(error.stack).toContain(head);
  });
});
