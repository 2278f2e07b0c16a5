// Random values there and back, and bytes that nobody should trust.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, SerializationError } from "../../../../src/base/index.ts";
import {
  NdArray,
  packPython,
  packPythonCall,
  PythonObject,
  pythonFunction,
  readPickle,
  unpackPython,
  unpackPythonCall,
  writePickle,
} from "../../../../src/serial/python/index.ts";
import { Reference } from "../../../../src/serial/index.ts";

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.string({ unit: "binary" }),
  fc.bigInt().filter((value) => !Number.isSafeInteger(Number(value))),
  fc.uint8Array({ maxLength: 2000 }),
  fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true }),
);
const typed = fc.oneof(
  fc.float64Array({ maxLength: 300 }),
  fc.float32Array({ maxLength: 300 }),
  fc.int8Array({ maxLength: 300 }),
  fc.int16Array({ maxLength: 300 }),
  fc.uint16Array({ maxLength: 600 }),
  fc.int32Array({ maxLength: 300 }),
  fc.uint32Array({ maxLength: 300 }),
  fc.bigInt64Array({ maxLength: 300 }),
  fc.bigUint64Array({ maxLength: 300 }),
);
const matrix = fc.tuple(fc.nat(8), fc.nat(8), fc.nat(8), fc.constantFrom("C" as const, "F" as const)).map(
  ([a, b, c, order]) =>
    new NdArray(
      Float64Array.from({ length: a * b * c }, (_, i) => i),
      [a, b, c],
      { order },
    ),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    scalar,
    typed,
    matrix,
    fc.array(tie("any"), { maxLength: 80 }),
    fc.dictionary(fc.string(), tie("any")),
    fc.array(scalar.filter((item) => typeof item !== "object" || item === null)).map((items) => new Set(items)),
    fc.array(fc.tuple(fc.oneof(fc.integer(), fc.constant(null)), tie("any")), { minLength: 1 }).map((pairs) => new Map(pairs as [unknown, unknown][])),
  ),
})).any;

/** Objects made by the generator may have no prototype; those that come back have the usual one. */
const plain = (data: unknown): unknown => (typeof data === "object" && data !== null && Object.getPrototypeOf(data) === null ? { ...data } : data);

const GOLDEN = (JSON.parse(readFileSync(new URL("../../../fixtures/python/vectors.json", import.meta.url), "utf8")) as { protocols: string[] }[]).flatMap(
  ({ protocols }) => protocols.filter((hex) => hex.length < 3000).map((hex) => Buffer.from(hex, "hex")),
);

/** Whether it reads, or refuses with the one error that is meant for it. */
function readsOrRefuses(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    return error instanceof SerializationError && /^the Python pickle cannot be read: .+/.test(error.message);
  }
}

describe("any value", () => {
  it("is the same after a pickle, and after frames", () => {
    fc.assert(
      fc.property(value, (data) => {
        expect(readPickle(writePickle(data))).toEqual(plain(data));
        const frames = packPython(data);
        expect(unpackPython(frames, 0)).toEqual({ value: plain(data), next: frames.length });
      }),
      { numRuns: 300 },
    );
  });

  it("is an argument of a call, and a keyword", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), (args) => {
        const call = unpackPythonCall(packPythonCall("math.sqrt", args), () => undefined);
        expect(call).toEqual({ fn: pythonFunction("math.sqrt"), args: args.map(plain), keywords: {} });
      }),
      { numRuns: 100 },
    );
  });

  it("that holds itself arrives so", () => {
    const list: unknown[] = [1];
    list.push({ list });
    const back = readPickle(writePickle(list)) as [number, { list: unknown }];
    expect(back[1].list).toBe(back);
    const shared = Float64Array.of(1, 2);
    const [a, b] = readPickle(writePickle([[shared], [shared]])) as [unknown[], unknown[]];
    expect(a[0]).toBe(b[0]);
  });

  it("large enough shares its memory with the frame", () => {
    const data = new Float64Array(1000);
    const [, frame] = packPython({ data });
    expect(frame?.buffer).toBe(data.buffer);
    expect((unpackPython(packPython(data), 0).value as Float64Array).buffer).toBe(data.buffer);
  });

  it("that came as a tuple or frozenset goes back as one", () => {
    expect(writePickle(readPickle(Buffer.from("80044b014b0286942e", "hex"))).toString("hex")).toBe("8004284b014b0274942e");
    expect(writePickle(readPickle(Buffer.from("8004284b0191942e", "hex"))).toString("hex")).toBe("8004284b0191942e");
  });
});

describe("what cannot travel", () => {
  class Point {
    x = 1;
  }
  it.each([
    ["a function", () => 1, /args\[0\] to Python: it is a function of TypeScript/],
    ["a symbol", Symbol("s"), /is a symbol/],
    ["an instance of a class", { p: new Point() }, /args\[0\]\.p to Python: it is an instance of class Point/],
    ["an error", new Error("e"), /an instance of class Error/],
    ["shared memory", new Int32Array(new SharedArrayBuffer(8)), /shared memory/],
    ["a Reference deep inside", [[new Reference("x")]], /args\[0\]\[0\]\[0\].*a Reference deep inside/],
    ["a date without year", new Date(Number.NaN), /outside of the years/],
  ])("%s is refused, naming the path", (_, thing, message) => {
    expect(() => packPythonCall("f", [thing])).toThrow(SerializationError);
    expect(() => packPythonCall("f", [thing])).toThrow(message);
  });

  it("nor what is nested without end", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 5000; i += 1) deep = [deep];
    expect(() => packPython(deep)).toThrow(/nested deeper than 1000/);
  });

  it("nor a name that is none", () => {
    for (const name of ["", "a b", "1.x", "os.", ".path", "a:b:c", "f()"]) expect(() => pythonFunction(name)).toThrow(InvalidArgumentError);
    expect(["len", "os.path.join", "datetime:datetime.now"].map((name) => [pythonFunction(name).module, pythonFunction(name).name])).toEqual([
      ["builtins", "len"],
      ["os.path", "join"],
      ["datetime", "datetime.now"],
    ]);
  });
});

describe("bytes of anybody", () => {
  it("are read or refused in one sentence", () => {
    const law = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => readsOrRefuses(() => readPickle(bytes)));
    expect(fc.check(law, { numRuns: 2000 })).toMatchObject({ failed: false });
  });

  it("that were a good pickle, with bytes changed, cut off or put in, likewise", () => {
    const change = fc.record({ pickle: fc.nat(GOLDEN.length - 1), at: fc.nat(), byte: fc.nat(255), how: fc.constantFrom("change", "cut", "insert", "repeat") });
    const law = fc.property(change, ({ pickle, at, byte, how }) => {
      const good = GOLDEN[pickle] as Buffer;
      const place = at % good.length;
      const rest = good.subarray(how === "change" ? place + 1 : place);
      const bytes =
        how === "cut"
          ? good.subarray(0, place)
          : how === "repeat"
            ? Buffer.concat([good.subarray(0, place), rest, rest])
            : Buffer.concat([good.subarray(0, place), Buffer.of(byte), rest]);
      const reads = [() => readPickle(bytes), () => unpackPython([bytes], 0), () => unpackPythonCall([bytes, bytes, bytes], () => undefined)];
      return reads.every(readsOrRefuses);
    });
    expect(fc.check(law, { numRuns: 3000 })).toMatchObject({ failed: false });
  });

  it("execute nothing: what they would call comes back as a stand-in", () => {
    const attack = Buffer.from("cos\nsystem\n(S'echo hacked'\ntR.");
    expect(readPickle(attack)).toEqual(new PythonObject("os", "system", { args: ["echo hacked"] }));
    expect(String(readPickle(attack))).toBe('<Python os.system("echo hacked")>');
  });

  it("cannot reach the prototype of objects", () => {
    const read = readPickle(Buffer.from("80047d8c095f5f70726f746f5f5f7d8c08706f6c6c757465644b0173732e", "hex")) as object;
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("that ask for the same bytes again and again are refused before memory runs out", () => {
    // One long text, encoded anew by each of many short calls.
    const text = Buffer.alloc(1024 * 1024, 97);
    const head = Buffer.concat([
      Buffer.from("800458", "hex"),
      Buffer.from(Uint32Array.of(text.length).buffer),
      text,
      Buffer.from("71003063", "hex"),
      Buffer.from("_codecs\nencode\n"),
      Buffer.from("710130", "hex"),
    ]);
    const call = Buffer.concat([Buffer.from("68016800", "hex"), Buffer.from("X\x06\0\0\0latin1"), Buffer.from("8652", "hex")]);
    const bomb = Buffer.concat([head, ...Array.from({ length: 20_000 }, () => call), Buffer.from(".")]);
    expect(() => readPickle(bomb)).toThrow(/unfolds into far more than its own size/);
  });

  it("that announce more than there is are refused without memory for it", () => {
    for (const hex of [
      "80044effffff7f2e",
      "8004588effffff7f",
      "80048effffffffffffff7f",
      "800496ffffffffffffffff",
      "80048bffffffff",
      "80048dffffffffffffff00",
    ]) {
      expect(() => readPickle(Buffer.from(hex, "hex")), hex).toThrow(SerializationError);
    }
  });

  it("nested two hundred thousand times are read without a stack overflow", () => {
    const depth = 200_000;
    const deep = Buffer.concat([Buffer.from("8004", "hex"), Buffer.alloc(depth, 0x5d), Buffer.alloc(depth - 1, 0x61), Buffer.from(".")]);
    let at = readPickle(deep) as unknown[];
    let levels = 1;
    for (; at.length > 0; levels += 1) at = at[0] as unknown[];
    expect(levels).toBe(depth);
  });

  it("whose array does not fit its bytes are refused", () => {
    const frames = packPython(Float64Array.from({ length: 200 }, (_, i) => i));
    expect(() => unpackPython([frames[0] as Uint8Array, new Uint8Array(1599)], 0)).toThrow(/1599 bytes are no array of <f8 with the shape \[200\]/);
    expect(() => unpackPython([frames[0] as Uint8Array], 0)).toThrow(/a buffer that belongs to it is missing/);
  });
});

describe("an NdArray", () => {
  const data = Float64Array.of(1, 2, 3, 4, 5, 6);
  it("finds items by their indexes in either order", () => {
    const c = new NdArray(data, [2, 3]);
    const f = new NdArray(data, [2, 3], { order: "F" });
    expect([c.at(1, 0), c.at(-1, -1), f.at(1, 0), f.at(0, 2)]).toEqual([4, 6, 2, 5]);
    expect(() => c.at(2, 0)).toThrow(InvalidArgumentError);
    expect(() => c.at(1)).toThrow(InvalidArgumentError);
    expect([c.size, c.dtype, new NdArray(data).shape]).toEqual([6, "<f8", [6]]);
    expect(new NdArray(data, [3], { dtype: "<c16" }).at(1)).toEqual([3, 4]);
  });

  it("refuses shapes and types that do not fit", () => {
    expect(() => new NdArray(data, [2, 2])).toThrow(InvalidArgumentError);
    expect(() => new NdArray(data, [2.5])).toThrow(InvalidArgumentError);
    expect(() => new NdArray(data, [6], { dtype: "<f4" })).toThrow(InvalidArgumentError);
    expect(() => new NdArray([1, 2], [2], { dtype: "<f8" })).toThrow(InvalidArgumentError);
  });
});
