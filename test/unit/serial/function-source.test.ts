import { describe, expect, test } from "vitest";

import { parseFunctionSource } from "../../../src/serial/function-source.ts";

const freeOf = (source: string): string[] => parseFunctionSource(source)?.free.map(({ name }) => name) ?? ["unreadable"];

describe("free names", () => {
  const cases: readonly [source: string, free: string[]][] = [
    ["(a) => a + b", ["b"]],
    ["function f(a, { b, c: [d] = e, ...r } = g) { var h = i; return f(a, b, d, r, h); }", ["g", "e", "i"]],
    ["() => { hoisted(); function hoisted() { return x; } if (y) { var late = 1; } return late; }", ["x", "y"]],
    ["() => { { let inner = 1; } return inner; }", ["inner"]],
    ["() => { for (const [k, v] of m) k(v); for (let i = 0; i < n; i++) {} return i; }", ["m", "n", "i"]],
    ["() => { try { a(); } catch ({ message }) { b(message); } catch2(); }", ["a", "b", "catch2"]],
    ["() => { label: while (true) { break label; } }", []],
    ["() => ({ key: value, short, [computed]: 1, method() { return this.x + arguments.length; } })", ["value", "short", "computed"]],
    ["(a) => a.b.c?.d[e]", ["e"]],
    ["() => { x = 1; y++; [z] = [w]; ({ p: q } = r); s.t = 1; }", ["x", "y", "z", "w", "q", "r", "s"]],
    ["class A extends B { #p = q; static s = t; m() { return A + this.#p + super.m(); } }", ["B", "q", "t"]],
    ["() => `${a} ${tag`x${b}`}`", ["a", "tag", "b"]],
    ["async function* g() { yield* a; for await (const x of b) await c(x); }", ["a", "b", "c"]],
    ["(a = b, b) => a", []],
    ["(f = () => x) => { var x = 2; return f() + x; }", ["x"]],
    ["function f(a) { var a; { var b; } return a + b + arguments.length; }", []],
    ["() => class { [k]() {} }", ["k"]],
    ["() => import(spec)", ["spec"]],
    ["() => { switch (a) { case b: let c = 1; default: return c; } }", ["a", "b"]],
    ["m(x) { return x + y; }", ["y"]],
    ["get v() { return z; }", ["z"]],
    ["async *[name](x) { yield y; }", ["y"]],
  ];

  test.each(cases)("%s", (source, free) => {
    expect(freeOf(source).toSorted()).toEqual(free.toSorted());
  });

  test("members are told when a name is used for nothing else", () => {
    const [ns, both, set] = parseFunctionSource("() => ns.a(ns.b) + both.c + both + (set.d = 1)")?.free ?? [];
    expect(ns).toMatchObject({ name: "ns", members: new Set(["a", "b"]) });
    expect(both).toMatchObject({ name: "both", members: undefined });
    expect(set).toMatchObject({ name: "set", members: undefined });
  });

  test("a class needs at once what it extends, its computed keys, and everything when a static initialiser may run it", () => {
    const eager = (source: string): string[] => (parseFunctionSource(source)?.free ?? []).filter((name) => name.eager).map(({ name }) => name);
    expect(eager("class A extends B { [k]() { return late; } static n = 1; static f = () => late; }")).toEqual(["B", "k"]);
    expect(eager("class A { static one = new A(); m() { return late; } }")).toEqual(["late"]);
    expect(eager('class A { static { __name(this, "A"); } m() { return late; } }')).toEqual([]);
    expect(eager("() => class extends B {}")).toEqual([]);
  });
});

describe("what no text can carry", () => {
  const cases: readonly [source: string, fact: string | undefined][] = [
    ["() => this.x", "it uses `this` of the code around it"],
    ["() => () => this", "it uses `this` of the code around it"],
    ["() => function () { return this; }", undefined],
    ["() => class { x = this; static { this.y = 1; } }", undefined],
    ["(a = this) => a", "it uses `this` of the code around it"],
    ["m() { return super.m(); }", "it uses `super` of the object it belongs to"],
    ["() => ({ m() { return super.m(); } })", undefined],
    ["() => arguments[0]", "it uses `arguments` of the function around it"],
    ["function f() { return () => arguments[0]; }", undefined],
    ["() => import.meta.url", "it uses `import.meta`"],
    ["function F() { return new.target; }", undefined],
    ["#secret() { return 1; }", "it is a private method"],
  ];

  test.each(cases)("%s", (source, fact) => {
    expect(parseFunctionSource(source)?.obstacle?.fact).toBe(fact);
  });

  test("private members of instances are noted, static ones are not", () => {
    expect(parseFunctionSource("class A { #p = 1 }")?.hasPrivate).toBe(true);
    expect(parseFunctionSource("class A { static #p = 1; m() { return class { #q = 1 }; } }")?.hasPrivate).toBe(false);
  });

  test("text that is no function is not understood", () => {
    expect(parseFunctionSource("function sqrt() { [native code] }")).toBeUndefined();
  });
});
