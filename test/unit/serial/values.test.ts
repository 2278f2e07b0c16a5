import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { SerializationError } from "../../../src/base/index.ts";
import { isPickle, packCall, packValue, unpackCall, unpackValue, unpackValues } from "../../../src/serial/index.ts";
import { arrived, engineEnv, received, returned } from "./support.ts";

class Point {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
  twice(): number {
    return this.x * 2;
  }
}

class Ledger extends Map<string, number> {
  owner = "nobody";
}

class Stack extends Array<number> {
  top(): number | undefined {
    return this.at(-1);
  }
}

class Secret {
  readonly #key = 1;
  reveal(): number {
    return this.#key;
  }
}

class QuotaError extends RangeError {
  readonly used: number;
  constructor(used: number, options?: ErrorOptions) {
    super(`used ${used}`, options);
    this.used = used;
  }
}

describe("plain values", () => {
  const samples: readonly [name: string, value: unknown][] = [
    ["undefined", undefined],
    ["null", null],
    ["true", true],
    ["false", false],
    ["a number", 1.5],
    ["minus zero", -0],
    ["NaN", NaN],
    ["infinity", -Infinity],
    ["text", "héllo"],
    ["a lone surrogate", "\ud800"],
    ["a bigint", 2n ** 70n],
    ["an empty object", {}],
    ["a flat object", { a: 1, b: "two", c: null, d: true }],
    ["members that are undefined", { a: undefined, b: -0 }],
    ["a key named __proto__", JSON.parse('{"__proto__":{"x":1},"b":[1]}')],
    ["a date", new Date(0)],
    ["a regular expression", /a(b)c/giu],
    ["a map", new Map<unknown, unknown>([[{ k: 1 }, new Set([1, "2"])]])],
    ["boxed primitives", [Object(1), Object("s"), Object(2n)]],
    ["a small typed array", Float32Array.of(1, 2)],
    ["a large typed array", new Float64Array(500).fill(2.5)],
    ["a BigInt64Array", BigInt64Array.of(-1n)],
    ["a Buffer", Buffer.from("bytes")],
    ["a large Buffer", Buffer.alloc(5000, 7)],
    ["an ArrayBuffer", new ArrayBuffer(8)],
    ["a large ArrayBuffer", Uint8Array.from({ length: 4096 }, (_, i) => i).buffer],
    ["a URL", new URL("https://host/path?q=1#h")],
  ];

  test.each(samples)("%s arrives as it left", (_, value) => {
    expect(arrived(value)).toStrictEqual(value);
    expect(arrived({ deep: [value] })).toStrictEqual({ deep: [value] });
  });

  test("the language's own objects without members, and functions of theirs, are the receiver's", () => {
    const own = { Math, JSON, Reflect, Intl, Atomics, console, globalThis, sqrt: Math.sqrt };
    for (const value of Object.values(own)) expect(arrived(value)).toBe(value);
    const deep = arrived({ lib: Math, list: [JSON], map: new Map([["m", Math]]) }) as { lib: object; list: object[]; map: Map<string, object> };
    expect([deep.lib, deep.list[0], deep.map.get("m")]).toEqual([Math, JSON, Math]);
    expect([deep.lib === Math, deep.list[0] === JSON, returned(Math) === Math]).toEqual([true, true, true]);
    expect(arrived([{}, [{}]])).toEqual([{}, [{}]]);
  });

  test("a sparse array keeps its holes, an array with names its names", () => {
    const sparse: unknown[] = [1];
    sparse[2] = 3;
    expect(Object.keys(arrived(sparse) as object)).toEqual(["0", "2"]);
    const match = /b/.exec("abc");
    expect((arrived(match) as RegExpExecArray).index).toBe(1);
    expect((arrived([match, Symbol.for("x")]) as [RegExpExecArray])[0].index).toBe(1);
  });

  test("a huge nearly empty array is sent at once", () => {
    const sparse: unknown[] = [];
    sparse[2 ** 31] = "end";
    expect((arrived(sparse) as unknown[])[2 ** 31]).toBe("end");
  });

  test("circular and shared references hold, also through functions, errors and instances", () => {
    const shared = { n: 1 };
    const error = new Error("e");
    const point = Object.assign(new Point(1), { error, shared });
    const value = { shared, again: shared, map: new Map([[shared, point]]), error, point, fn: () => shared, self: null as unknown };
    error.cause = value;
    value.self = value;
    const copy = arrived(value) as typeof value;
    expect(copy.self).toBe(copy);
    expect(copy.again).toBe(copy.shared);
    expect(copy.map.get(copy.shared)).toBe(copy.point);
    expect(copy.point).toMatchObject({ shared: copy.shared });
    expect(copy.error.cause).toBe(copy);
    expect(copy.fn()).toBe(copy.shared);
  });

  test("a DataView keeps its window", () => {
    const view = new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2);
    expect((arrived(view) as DataView).getUint16(0)).toBe(0x0203);
  });

  test("any JSON-like, binary or keyed value survives", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withBoxedValues: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(unpackValue(received(packValue(value)))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });
});

describe("memory", () => {
  test("a large view travels as a frame that shares its memory, and arrives as a view on what was received", () => {
    const array = new Float64Array(1000).fill(1);
    const frames = packValue({ array, part: array.subarray(0, 500), small: Uint8Array.of(1) });
    expect(frames.map((frame) => frame.byteLength).slice(1)).toEqual([8000, 4000]);
    expect(frames[1]?.buffer).toBe(array.buffer);
    const copies = received(frames);
    const value = unpackValue(copies) as { array: Float64Array; small: Uint8Array };
    expect(value.array.buffer).toBe(copies[1]?.buffer);
    expect(value.small.buffer.byteLength).toBe(1);
  });

  test("a frame that is not aligned is copied", () => {
    const [head, raw] = packValue(new Float64Array(200).fill(3)) as [Uint8Array, Uint8Array];
    const shifted = new Uint8Array(new ArrayBuffer(raw.length + 1), 1);
    shifted.set(raw);
    expect(unpackValue([head, shifted])).toStrictEqual(new Float64Array(200).fill(3));
    expect(unpackValue([head, Buffer.from(shifted.buffer, 1)])).toStrictEqual(new Float64Array(200).fill(3));
  });

  test("values one after another are told apart", () => {
    const big = new Uint8Array(2000).fill(9);
    const values = [1, [big, big], undefined, { a: big }, "end"];
    expect(unpackValues(received(values.flatMap((value) => packValue(value))))).toStrictEqual(values);
  });
});

describe("instances", () => {
  test("an instance of a class that can travel arrives as an instance, and comes back as one of the original class", () => {
    const copy = returned([new Point(2), new Point(3)]) as Point[];
    expect(copy.map((point) => point instanceof Point && point.twice())).toEqual([4, 6]);
  });

  test("subclasses of Map and Array keep items, own members and methods", () => {
    const ledger = new Ledger([["a", 1]]);
    ledger.owner = "me";
    const copy = arrived({ ledger, stack: Stack.of(1, 2, 3) }) as { ledger: Ledger; stack: Stack };
    expect(copy.ledger).toBeInstanceOf(Ledger);
    expect([copy.ledger.get("a"), copy.ledger.owner, copy.stack.top(), copy.stack.length]).toEqual([1, "me", 3, 3]);
  });

  test("a class written as a function takes its methods along", () => {
    function Old(this: { n: number }, n: number): void {
      this.n = n;
    }
    Old.prototype.next = function next(this: { n: number }): number {
      return this.n + 1;
    };
    const old = new (Old as unknown as new (n: number) => { next(): number })(4);
    expect((arrived(old) as typeof old).next()).toBe(5);
  });
});

describe("errors", () => {
  test("class name, message, stack, cause and own members arrive", () => {
    const error = Object.assign(new TypeError("bad", { cause: new RangeError("inner") }), { code: "E_BAD", detail: { n: 1n } });
    const copy = returned(error) as typeof error;
    expect(copy).toBeInstanceOf(TypeError);
    expect(copy.stack).toBe(error.stack);
    expect(copy).toMatchObject({ message: "bad", code: "E_BAD", detail: { n: 1n } });
    expect(copy.cause).toBeInstanceOf(RangeError);
    expect(Object.keys(copy)).toEqual(["code", "detail"]);
  });

  test("an AggregateError keeps its errors", () => {
    const copy = returned(new AggregateError([new Error("one"), "two"], "both")) as AggregateError;
    expect(copy).toBeInstanceOf(AggregateError);
    expect([copy.message, (copy.errors[0] as Error).message, copy.errors[1]]).toEqual(["both", "one", "two"]);
  });

  test("an error of a user's class comes back as an instance of it", () => {
    const copy = returned(new QuotaError(7, { cause: "disk" })) as QuotaError;
    expect(copy).toBeInstanceOf(QuotaError);
    expect([copy.used, copy.cause, copy.name]).toEqual([7, "disk", "RangeError"]);
  });

  test("an error whose class cannot travel arrives by name", () => {
    const handle = new WeakMap();
    class Held extends Error {
      held(): boolean {
        return handle.has(this);
      }
    }
    const copy = returned({ error: new Held("x"), more: { sym: Symbol.for("s") } }) as { error: Error; more: { sym: symbol } };
    expect([copy.error.name, copy.error.message, copy.error instanceof Held]).toEqual(["Held", "x", false]);
    expect(copy.more.sym).toBe(Symbol.for("s"));
  });
});

describe("what cannot travel is refused with its path and a remedy", () => {
  const conn = Object.assign(Object.create({ constructor: class Socket {} }) as object, { _handle: {} });
  const samples: readonly [name: string, value: unknown, message: RegExp, path: string][] = [
    ["a promise", { a: [Promise.resolve()] }, /value\.a\[0\]: it is a Promise; await it/, "value.a[0]"],
    ["a symbol", { "odd key": Symbol("s") }, /value\["odd key"\]: it is the Symbol\(s\)/, 'value["odd key"]'],
    ["a WeakMap", new Map([["k", new WeakMap()]]), /value\.get\("k"\): it is a WeakMap/, 'value.get("k")'],
    ["a WeakRef", [new WeakRef({})], /it is a WeakRef, which lives in this process only/, "value[0]"],
    ["a proxy of plain data", new Proxy({ a: 1 }, {}), /value: it is a Proxy; send what it stands for/, "value"],
    ["a proxy deep down", { p: new Proxy({}, {}), f: () => 1 }, /value\.p: it is a Proxy/, "value.p"],
    ["shared memory", { s: new SharedArrayBuffer(8) }, /value\.s: it is shared memory; send a copy/, "value.s"],
    ["a view on shared memory", [new Uint8Array(new SharedArrayBuffer(8))], /view on shared memory/, "value[0]"],
    ["private members", { s: new Secret() }, /value\.s: it is a Secret with private #fields/, "value.s"],
    ["a running generator", { g: (function* () {})() }, /running generator/, "value.g"],
    ["a native handle", { db: { conn } }, /value\.db\.conn: it is a Socket \(native handle\); open it on the engine/, "value.db.conn"],
    [
      "an object of Node",
      [new AbortController()],
      /value\[0\]: it is an AbortController, which lives in this process only; look at `currentTask\(\)\.signal`/,
      "value[0]",
    ],
    ["an anonymous prototype", [Object.create({ m: 1 })], /prototype that belongs to no class; send a plain copy/, "value[0]"],
    [
      "a getter that throws",
      {
        x: Symbol.for("s"),
        get bad(): never {
          throw new Error("no");
        },
      },
      /value\.bad: it is a getter that throws/,
      "value.bad",
    ],
  ];

  test.each(samples)("%s", (_, value, message, path) => {
    let thrown: unknown;
    try {
      packValue(value);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SerializationError);
    expect((thrown as SerializationError).message).toMatch(message);
    expect((thrown as SerializationError).path).toBe(path);
  });

  test("a value nested without end", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 200_000; i += 1) deep = [deep];
    expect(() => packValue(deep)).toThrow(SerializationError);
  });

  test("an argument is named by its number", () => {
    expect(() => packCall(() => 1, [1, { a: Promise.resolve() }])).toThrow("cannot send args[1].a: it is a Promise");
  });
});

describe("foreign payloads", () => {
  test("a pickle is told apart, and read", () => {
    const pickle = Uint8Array.of(0x80, 4, 0x4b, 1, 0x2e);
    expect(isPickle([pickle])).toBe(true);
    expect(isPickle(packValue(1))).toBe(false);
    expect(isPickle([])).toBe(false);
    expect(unpackValue([pickle])).toBe(1);
  });

  test("another format, another version, missing and left-over frames are said in a sentence", async () => {
    expect(() => unpackValue([Buffer.from("GET / HTTP/1.1\r\n\r\n")])).toThrow("it does not begin as one of ours");
    const future = Uint8Array.from(packValue(1)[0] as Uint8Array);
    future[4] = 9;
    expect(() => unpackValue([future])).toThrow("format version 9");
    const frames = packValue(new Uint8Array(5000));
    expect(() => unpackValue(frames.slice(0, 1))).toThrow("announces 1 buffers and only 0 came");
    await expect(unpackCall(packValue(1), engineEnv())).rejects.toThrow("it is a value, not a call");
    await expect(unpackCall([...packCall(() => 1, []), ...frames], engineEnv())).rejects.toThrow("left over");
    await expect(unpackCall([], engineEnv())).rejects.toThrow("there is none");
    expect(() => unpackValue(packCall(() => 1, []))).toThrow("it is a call, not a value");
  });
});
