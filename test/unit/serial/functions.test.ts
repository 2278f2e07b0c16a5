import { readFileSync } from "node:fs";
import * as path from "node:path";
import os from "node:os";

import { parse as parseJs } from "acorn";
import { describe, expect, test } from "vitest";

import { InvalidArgumentError, InvalidStateError, SerializationError } from "../../../src/base/index.ts";
import { Reference, errorFacts, importable, named, packCall, packValue, unpackCall, unpackValue } from "../../../src/serial/index.ts";
import { Base, FACTOR, counter, countUp, triple } from "./local-helpers.ts";
import * as helpers from "./local-helpers.ts";
import { arrived, engineEnv, inMainContext, received, remotely, returned } from "./support.ts";

const LIMIT = 10;
const table = new Map([["a", 1]]);
const isEven = (n: number): boolean => n === 0 || isOdd(n - 1);
const isOdd = (n: number): boolean => n !== 0 && isEven(n - 1);

class Shape extends Base {
  static readonly unit = new Shape(1);
  static #made = 0;
  static made(): number {
    return ++Shape.#made;
  }
  override value(): number {
    return super.value() + LIMIT;
  }
  static {
    Object.defineProperty(this, "label", { value: "shape" });
  }
}

test("static members that a class was given later travel with it, and none comes back over those that are here", async () => {
  const Late = inMainContext(
    "(() => { class Late { static made = 1; twice() { return 2 * Late.FACTOR; } } Late.FACTOR = 3; Late.unit = new Late(); Late.cache = new WeakMap(); return Late; })()",
  ) as { new (): { twice: () => number }; FACTOR: number; made: number; readonly cache: object };
  const calls = Buffer.concat(packCall(() => new Late().twice(), [])).toString("latin1");
  expect(calls).toContain("FACTOR");
  expect(calls).toContain("unit");
  expect(calls).not.toContain("cache");
  const frames = received(packValue({ Late, value: new Late() }));
  Late.FACTOR = 4;
  const back = unpackValue(frames) as { Late: typeof Late; value: { twice: () => number } };
  expect([back.Late === Late, back.value.twice(), Late.FACTOR]).toEqual([true, 8, 4]);
});

describe("closures", () => {
  const cases: readonly [name: string, fn: () => unknown, expected: unknown][] = [
    ["constants", () => LIMIT + 1, 11],
    ["data", () => table.get("a"), 1],
    ["imported functions and what they use", () => triple(FACTOR), 9],
    ["a whole namespace of a local module", () => Object.keys(helpers).length + helpers.triple(2), 11],
    ["mutually recursive functions", () => [isEven(10), isOdd(10)], [true, false]],
    [
      "a class with its base, statics and private members",
      () => [new Shape(2).value(), Shape.unit.value(), Shape.made(), (Shape as unknown as { label: string }).label, Shape.unit instanceof Base],
      [16, 13, 1, "shape", true],
    ],
    ["functions of builtin modules", () => [typeof readFileSync, path.join("a", "b"), os.EOL], ["function", "a/b", os.EOL]],
    ["packages", () => (parseJs("1+1", { ecmaVersion: 2020 }) as { type: string }).type, "Program"],
    ["globals", () => Math.max(1, parseInt("7", 10)), 7],
    ["typeof of a name that is nowhere", () => typeof (globalThis as { nowhere?: unknown }).nowhere, "undefined"],
    [
      "labels, catch, destructuring, defaults",
      ({ a = LIMIT, ...rest }: { a?: number } = {}) => {
        outer: for (const [k] of table) {
          try {
            throw new Error(k);
          } catch (caught) {
            if ((caught as Error).message === "a") break outer;
          }
        }
        const { length: n, ["0"]: first = a } = [a].filter((item) => item > LIMIT) as { readonly length: number; readonly "0"?: number };
        return [n, first, Object.keys(rest).length];
      },
      [0, 10, 0],
    ],
    [
      "functions made inside",
      () =>
        [1, 2].map((n) =>
          (function inner(this: void): number {
            return n + LIMIT;
          })(),
        ),
      [11, 12],
    ],
  ];

  test.each(cases)("take along %s", async (_, fn, expected) => {
    expect(await remotely(fn)).toEqual(expected);
  });

  test("a function of a factory takes the variables of its maker, each its own", async () => {
    const adder =
      (n: number) =>
      (x: number): number =>
        x + n;
    expect([await remotely(adder(1), 1), await remotely(adder(5), 1)]).toEqual([2, 6]);
  });

  test("variables of any name arrive: none collides with a name of the engine's own text", async () => {
    const make = (i: number, v: number, k: number): (() => number[]) => {
      const [a, b, value, index, set, get, open, entry, name, fn, args] = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
      return () => [i, v, k, a, b, value, index, set, get, open, entry, name, fn, args] as number[];
    };
    expect(await remotely(make(0, 1, 2))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    for (let i = 0; i < 3; i += 1) expect(await remotely(() => i)).toBe(i);
    for (const letter of "abcdefghijklmnopqrstuvwxyz_$") {
      const read = inMainContext(`((${letter}) => () => ${letter})("${letter}")`);
      expect(await remotely(read)).toBe(letter);
    }
  });

  test("async functions, generators and async generators run as what they are", async () => {
    async function* twice(): AsyncGenerator<number> {
      yield* numbers();
      yield LIMIT;
    }
    function* numbers(): Generator<number> {
      yield 1;
    }
    const collect = async (): Promise<number[]> => {
      const all: number[] = [];
      for await (const n of twice()) all.push(n);
      return all;
    };
    expect(await remotely(collect)).toEqual([1, 10]);
    const generator = (await remotely(numbers)) as Generator<number>;
    expect([...generator]).toEqual([1]);
  });

  test("methods with plain, computed and odd names travel", async () => {
    const key = "computed";
    const object = {
      plain(this: void, x: number): number {
        return x + LIMIT;
      },
      async [key](this: void, x: number): Promise<number> {
        return x;
      },
      *"odd name"(this: void): Generator<number> {
        yield LIMIT;
      },
    };
    expect(await remotely(object.plain, 1)).toBe(11);
    expect(await remotely(object[key], 2)).toBe(2);
    expect([...((await remotely(object["odd name"])) as Generator<number>)]).toEqual([10]);
    expect(((await unpackCall(packCall(object["odd name"], []), engineEnv())).fn as Function).name).toBe("odd name");
  });

  test("an arrow keeps the name of its variable, a function its own members", async () => {
    const counterOf = (): number => counterOf.start;
    counterOf.start = 5;
    expect(await remotely(counterOf)).toBe(5);
    expect((arrived(counterOf) as Function).name).toBe("counterOf");
  });

  test("a bound function keeps what it is bound to", async () => {
    const bound = function add(this: { n: number }, a: number, b: number): number {
      return this.n + a + b;
    }.bind({ n: 100 }, 10);
    expect(await remotely(bound, 1)).toBe(111);
    expect(await remotely((f: (x: number) => number) => f(2), bound)).toBe(112);
  });

  test("native functions of the language travel by name", async () => {
    const { sqrt } = Math;
    expect(await remotely((x: number) => sqrt(x), 16)).toBe(4);
    expect(await remotely(parseInt, "12")).toBe(12);
    expect(arrived(Array.prototype.map)).toBe(Array.prototype.map);
  });

  test("arguments may be functions, classes and instances", async () => {
    const apply = (f: (n: number) => number, C: typeof Shape, s: Shape): unknown[] => [f(1), new C(1).value(), s instanceof C];
    expect(await remotely(apply, (n: number) => n + LIMIT, Shape, new Shape(3))).toEqual([11, 13, true]);
  });

  test("functions deep in data travel and share what they share", async () => {
    const state = { n: 0 };
    const api = { up: () => (state.n += 1), read: () => state.n };
    expect(await remotely((a: typeof api) => [a.up(), a.up(), a.read()], api)).toEqual([1, 2, 2]);
    expect(state.n).toBe(0);
  });

  test("the text of a data: module does not go along with each of its functions", async () => {
    const url = `data:text/javascript,${encodeURIComponent(`/* ${"-".repeat(5000)} */ const one = 1; export const next = (x) => x + one;`)}`;
    const { next } = (await import(/* @vite-ignore */ url)) as { next: (x: number) => number };
    expect(packCall(next, [1])[0]?.length).toBeLessThan(1000);
    expect(await remotely(next, 1)).toBe(2);
  });

  test("import() works inside", async () => {
    const load = inMainContext("async () => (await import('node:path')).sep") as () => Promise<string>;
    expect(await remotely(load)).toBe(path.sep);
  });

  test("sloppy code stays sloppy and strict code strict", async () => {
    const sloppy = inMainContext("(function () { return typeof this; })") as () => string;
    const strict = function (this: unknown): string {
      return typeof this;
    };
    const call = (f: () => string): string => f();
    expect([await remotely(call, sloppy), await remotely(call, strict)]).toEqual(["object", "undefined"]);
  });
});

describe("values of variables", () => {
  test("are read at each send, also those of other modules", async () => {
    let level = 1;
    const read = (): number[] => [level, counter];
    expect(await remotely(read)).toEqual([1, 0]);
    level = 2;
    countUp();
    expect(await remotely(read)).toEqual([2, 1]);
    level += 1;
    expect(await remotely(read)).toEqual([3, 1]);
  });

  test("a variable that is not initialised at the first send is read at the next", async () => {
    const known = 1;
    const other = (): number => known;
    // Twice: now it is known which names of this file are ever assigned.
    expect([await remotely(other), await remotely(other)]).toEqual([1, 1]);
    const read = (): number => late;
    packCall(read, []);
    const late = 5;
    expect([await remotely(read), await remotely(read)]).toEqual([5, 5]);
  });

  test("a function kept in a variable may be exchanged between sends", async () => {
    let step = (n: number): number => n + 1;
    const run = (n: number): number => step(n);
    for (const expected of [2, 2, 2]) expect(await remotely(run, 1)).toBe(expected);
    step = (n) => n - 1;
    expect(await remotely(run, 1)).toBe(0);
  });

  test("a constant object is packed as it is now", async () => {
    const settings = { n: 1 };
    const read = (): number => settings.n;
    expect(await remotely(read)).toBe(1);
    settings.n = 2;
    expect(await remotely(read)).toBe(2);
    settings.n = 3;
    expect(await remotely(read)).toBe(3);
  });

  test("a name that is nowhere is the engine's own", async () => {
    const free = inMainContext("() => serialTestGlobal + 1") as () => number;
    await expect(remotely(free)).rejects.toThrow(ReferenceError);
    (globalThis as Record<string, unknown>)["serialTestGlobal"] = 5;
    try {
      expect(await remotely(free)).toBe(6);
    } finally {
      delete (globalThis as Record<string, unknown>)["serialTestGlobal"];
    }
  });

  test("a global of the sender is not captured", () => {
    (globalThis as Record<string, unknown>)["serialTestGlobal"] = Promise.resolve();
    try {
      const free = inMainContext("() => serialTestGlobal") as () => unknown;
      expect(() => packCall(free, [])).not.toThrow();
    } finally {
      delete (globalThis as Record<string, unknown>)["serialTestGlobal"];
    }
  });
});

describe("classes", () => {
  test("an instance made by an engine of the client's class comes back as an instance of it", async () => {
    const made = await remotely(() => new Shape(4));
    expect(returned(made)).toBeInstanceOf(Shape);
  });

  test("what a class extends goes along, though no function uses that variable", async () => {
    const make = (): readonly [new () => { hi(): string }, new () => { hi(): string }] => {
      const Base = class {
        hi(): string {
          return `hi ${counter >= 0}`;
        }
      };
      const shapes = { Base };
      class Sub extends Base {}
      class Member extends shapes.Base {}
      return [Sub, Member];
    };
    const [Sub, Member] = make();
    for (let round = 0; round < 3; round += 1) expect(await remotely(() => [new Sub().hi(), new Member().hi()])).toEqual(["hi true", "hi true"]);
    expect(await remotely((sub: InstanceType<typeof Sub>) => sub.hi(), new Sub())).toBe("hi true");
  });

  test("what a function closes over is the same whether it is flat data or not, and one object where it was one", async () => {
    const make = (...held: readonly unknown[]): ((...args: readonly unknown[]) => unknown[]) => {
      const [a, b, c] = held;
      return (...args) => [a, b, c, a === b, ...args.map((arg) => arg === a)];
    };
    const list = [1, "two", null];
    expect(await remotely(make(list, [...list], { x: 1 }), 1, list)).toEqual([list, list, { x: 1 }, false, false, true]);
    expect(await remotely(make(list, list, { x: 1 }), [...list])).toEqual([list, list, { x: 1 }, true, false]);
    expect(await remotely(make(-0, Number.NaN, undefined))).toEqual([-0, Number.NaN, undefined, false]);
    expect(await remotely(make([[1]], new Map([[1, 2]]), "\ud800"))).toEqual([[[1]], new Map([[1, 2]]), "\ud800", false]);
    expect(await remotely(make({ ["__proto__"]: 1 }, JSON, null))).toEqual([{ ["__proto__"]: 1 }, JSON, null, false]);
  });

  test("keys that a class computes go along, though no function uses those variables", async () => {
    const makeClass = (key: string, count: number): new () => Record<string, () => number> => {
      const names = { first: `${key}First`, getter: `${key}Getter` };
      const [symbol, still] = [Symbol.for("tsparallel.key"), `${key}Static`];
      return class {
        [key](): number {
          return count;
        }
        async *[names.first](): AsyncGenerator<number> {
          yield count + 1;
        }
        get [names.getter](): () => number {
          return () => count + 2;
        }
        static [still](): number {
          return count + 3;
        }
        [symbol](): number {
          return count + 4;
        }
      } as never;
    };
    const Made = makeClass("the", 5);
    const read = async (): Promise<unknown[]> => {
      const made = new Made();
      const statics = Made as unknown as Record<string, () => number>;
      const rest: number[] = [];
      for await (const item of (made["theFirst"] as unknown as () => AsyncGenerator<number>)()) rest.push(item);
      return [made["the"]?.(), ...rest, made["theGetter"]?.(), statics["theStatic"]?.(), (made as never)[Symbol.for("tsparallel.key") as never]];
    };
    expect((await remotely(read)) as unknown[]).toMatchObject([5, 6, 7, 8, expect.any(Function)]);
    expect(await remotely(() => (new Made() as unknown as Record<symbol, () => number>)[Symbol.for("tsparallel.key")]?.())).toBe(9);
  });

  test("a class that needed a variable for its definition that nothing shows any more is refused", () => {
    const make = (key: string, mix: (base: typeof Date) => typeof Date): readonly unknown[] => [
      class WithField {
        [key] = 1;
      },
      class Mixed extends mix(Date) {},
      class Joined {
        [`a${key}`](): void {}
      },
    ];
    const [WithField, Mixed, Joined] = make("k", (base) => class extends base {} as typeof Date);
    expect(() => packCall(WithField, [])).toThrow('cannot send function "WithField": defining it needs "key", which V8 has not kept');
    expect(() => packCall(Mixed, [])).toThrow('needs "mix"');
    expect(() => packCall(Joined, [])).toThrow('needs "key"');
  });

  test("classes that need each other while they are defined are refused", () => {
    const registry: { of?: unknown } = {};
    class First {
      static readonly others = [registry.of];
    }
    class Second extends First {}
    registry.of = Second;
    expect(() => packCall(() => First, [])).toThrow(/cannot send class "(First|Second)": while it is being defined/);
  });
});

describe("refused functions", () => {
  const db = { conn: Object.assign(Object.create({ constructor: class Socket {} }) as object, { _handle: {} }) };
  const handles = new WeakMap();
  const outside = { k: 1, arrow: null as (() => unknown) | null, sup: null as unknown };
  const make = function (this: unknown): () => unknown {
    return () => this;
  };
  function score(): unknown {
    return db.conn;
  }
  const parent = { hello: () => 1 };
  const child = {
    hello(this: void): number {
      return super.hello();
    },
  };
  Object.setPrototypeOf(child, parent);
  const rest = function (): () => number {
    return () => arguments.length;
  };

  const cases: readonly [name: string, fn: Function, message: string][] = [
    [
      "a captured handle",
      score,
      'cannot send function "score": captured variable "db.conn" is a Socket (native handle); open it on the engine, inside the function',
    ],
    ["one function further", () => score(), 'captured variable "score → db.conn" is a Socket'],
    ["a captured WeakMap", () => handles, 'captured variable "handles" is a WeakMap; send a Map'],
    ["`this` of an arrow", make.call(outside), "it uses `this` of the code around it; write it as a `function`"],
    ["`super` of a method", child.hello, "it uses `super` of the object it belongs to"],
    ["`arguments` of the maker", rest(), "it uses `arguments` of the function around it; use rest parameters"],
    ["a proxy", new Proxy(score, {}), "is a Proxy"],
    ["native code without a name", inMainContext('new Intl.NumberFormat("en").format') as Function, "its code is native"],
  ];

  test.each(cases)("%s", (_, fn, message) => {
    let thrown: unknown;
    try {
      packCall(fn, []);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SerializationError);
    expect((thrown as Error).message).toContain(message);
  });

  test("what is no function cannot be called", () => {
    expect(() => packCall(5, [])).toThrow(InvalidArgumentError);
    expect(() => packCall(null, [])).toThrow("not null");
  });
});

describe("stand-ins", () => {
  test("a named function is the engine's, and an unknown name an error", async () => {
    const frames = packCall(named("push"), [{ a: 1 }]);
    const call = await unpackCall(received(frames), engineEnv({ push: (values: object) => Object.keys(values) }));
    expect(call.fn(...call.args)).toEqual(["a"]);
    await expect(unpackCall(frames, engineEnv())).rejects.toThrow('no function named "push"');
    const nested = await unpackCall(
      packCall((f: (x: number) => number) => f(1), [named("up")]),
      engineEnv({ up: (x: number) => x + 1 }),
    );
    expect(nested.fn(...nested.args)).toBe(2);
  });

  test("an importable function is imported by the engine", async () => {
    expect(await remotely(importable("node:path", "join"), "x", "y")).toBe(path.join("x", "y"));
    expect(await remotely(importable("node:path", "posix.join"), "x", "y")).toBe("x/y");
    await expect(remotely(importable("node:path", "nothing"))).rejects.toThrow('module "node:path" has no export "nothing"');
    await expect(remotely(importable("./no-such-file.mjs", "x"))).rejects.toThrow(/no-such-file/);
  });

  test("calling one here says where it lives", () => {
    expect(() => named("push")()).toThrow(InvalidStateError);
    expect(() => importable("x", "y")()).toThrow('"y" of "x" is imported by the engines');
  });

  test("a Reference is evaluated where it arrives: as callable, as argument, inside arguments", async () => {
    expect(await remotely(new Reference("Math.max"), 1, 2)).toBe(2);
    expect(await remotely((...all: unknown[]) => all, new Reference("1 + 1"), { a: new Reference("'x'") }, [new Reference("null"), 1])).toEqual([
      2,
      { a: "x" },
      [null, 1],
    ]);
    expect(
      await remotely((m: Map<string, number>, s: Set<number>) => [m.get("k"), s.has(4)], new Map([["k", new Reference("3")]]), new Set([new Reference("4")])),
    ).toEqual([3, true]);
    await expect(remotely(new Reference("noSuchName"))).rejects.toThrow(ReferenceError);
    await expect(remotely(new Reference("40 + 2"))).rejects.toThrow("40 + 2 is not a function");
  });

  test("a client runs nothing of what an engine sends: functions come back as stand-ins that can be sent again", async () => {
    const frames = await (async () => {
      const call = await unpackCall(
        received(
          packCall(
            (n: number) => ({
              add: (x: number) => x + n + LIMIT,
              Made: class Made {
                static ran = ((globalThis as Record<string, unknown>)["serialTestRan"] = true);
                two(): number {
                  return 2;
                }
              },
            }),
            [1],
          ),
        ),
        engineEnv(),
      );
      return received(packValue(call.fn(...call.args)));
    })();
    delete (globalThis as Record<string, unknown>)["serialTestRan"];
    const value = unpackValue(frames) as { add: (x: number) => number; Made: new () => unknown };
    expect(() => value.add(1)).toThrow('function "add" came from an engine and is not run here');
    expect(await remotely(value.add, 1)).toBe(12);
    expect(await remotely((C: new () => { two(): number }) => new C().two(), value.Made)).toBe(2);
    delete (globalThis as Record<string, unknown>)["serialTestRan"];
  });
});

describe("tracebacks", () => {
  test("point into the file the function was written in", async () => {
    function failing(): never {
      const cause = new RangeError("inner");
      throw new TypeError("outer", { cause });
    }
    const here = new Error("here").stack?.split("\n")[1] ?? "";
    const facts = await remotely(failing).then(
      () => undefined,
      (error: unknown) => errorFacts(error),
    );
    expect(facts).toMatchObject({ ename: "TypeError", evalue: "outer" });
    const frame = facts?.traceback.find((line) => line.includes("failing")) ?? "";
    expect(frame).toMatch(/functions\.test\.ts:\d+:\d+\)$/);
    expect(Math.abs(lineOf(frame) - lineOf(here))).toBeLessThan(6);
    expect(facts?.traceback.some((line) => line.startsWith("caused by RangeError: inner"))).toBe(true);
    expect(facts?.traceback.some((line) => line.includes("ipp-task-"))).toBe(false);
  });

  test("anything thrown has facts", () => {
    class Odd extends Error {}
    expect(errorFacts("text")).toEqual({ ename: "string", evalue: "text", traceback: ["thrown value: text"] });
    expect(errorFacts(undefined).evalue).toBe("undefined");
    expect(errorFacts(Object.create(null)).evalue).toBe("[Object: null prototype] {}");
    const hostile = {
      code: 3,
      get secret(): never {
        throw new Error("called");
      },
      toString(): never {
        throw new Error("called");
      },
    };
    expect(errorFacts(hostile)).toMatchObject({ ename: "object", evalue: "{ code: 3, secret: [Getter], toString: [Function: toString] }" });
    expect(errorFacts(new Odd("x")).ename).toBe("Odd");
    const looped = new Error("loop");
    looped.cause = looped;
    expect(errorFacts(looped).traceback.length).toBeLessThanOrEqual(200);
    expect(errorFacts(new Error("e", { cause: "why" })).traceback.at(-1)).toBe("caused by why");
  });

  test("tells what errors an AggregateError puts together, within bounds", () => {
    const titles = (error: Error): string[] => errorFacts(error).traceback.filter((line) => !/^\s+at /.test(line));
    const two = new AggregateError([new RangeError("a", { cause: new Error("c") }), "b"], "many");
    expect(titles(two)).toEqual(["AggregateError: many", "1 of 2: RangeError: a", "caused by Error: c", "2 of 2: b"]);
    expect(titles(new AggregateError(Array.from({ length: 7 }, () => new Error("x")))).slice(-2)).toEqual(["5 of 7: Error: x", "and 2 more"]);
    const endless = new AggregateError([], "round");
    endless.errors.push(endless, endless);
    expect(titles(endless)).toHaveLength(7);
  });
});

function lineOf(frame: string): number {
  return Number(/:(\d+):\d+\)?$/.exec(frame)?.[1]);
}
