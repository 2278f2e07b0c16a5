// Values in both languages: what Python makes of an expression, and what it is here. `scripts/python-vectors.ts` has a
// real Python write and read them all; the tests compare with what it said.

import { NdArray, PythonObject } from "../../src/serial/python/index.ts";

/** One value. */
export interface PythonVector {
  readonly name: string;
  /** Evaluated by Python, with `np`, `datetime`, `decimal` and `collections` imported. */
  readonly expression: string;
  /** What it is when read here. */
  readonly value: unknown;
  /** Python's protocols that can write it; default all, 0 to 5. */
  readonly readOnly?: boolean;
}

const text = (name: string, expression: string, value: unknown): PythonVector => ({ name, expression, value });
const onlyRead = (name: string, expression: string, value: unknown): PythonVector => ({ name, expression, value, readOnly: true });

const PLAIN: readonly PythonVector[] = [
  text("none", "None", null),
  text("true", "True", true),
  text("false", "False", false),
  text("zero", "0", 0),
  text("byte", "255", 255),
  text("negative", "-1", -1),
  text("short", "300", 300),
  text("int32", "70000", 70_000),
  text("lowest int32", "-2**31", -(2 ** 31)),
  text("beyond int32", "2**31", 2 ** 31),
  text("below int32", "-2**31 - 1", -(2 ** 31) - 1),
  text("largest safe", "2**53 - 1", Number.MAX_SAFE_INTEGER),
  text("lowest safe", "-(2**53 - 1)", Number.MIN_SAFE_INTEGER),
  text("beyond safe", "2**53", 2n ** 53n),
  text("below safe", "-2**53", -(2n ** 53n)),
  text("int64 edge", "-2**63", -(2n ** 63n)),
  text("large", "2**3000 + 1", 2n ** 3000n + 1n),
  text("large negative", "-2**3000", -(2n ** 3000n)),
  text("float", "1.5", 1.5),
  text("negative zero", "-0.0", -0),
  text("infinity", "float('inf')", Infinity),
  text("nan", "float('nan')", Number.NaN),
  text("tiny", "5e-324", 5e-324),
  onlyRead("whole float", "2.0", 2),
  text("empty text", "''", ""),
  text("text", "'hé\\n\\\\ \\U0001f600 \\x00'", "hé\n\\ \u{1f600} \0"),
  text("half a surrogate pair", "'a\\ud800b\\udfff'", "a\ud800b\udfff"),
  text("long text", "'é' * 300", "é".repeat(300)),
  text("bytes", "b'abc\\x00\\xff'", Uint8Array.of(97, 98, 99, 0, 255)),
  text("empty bytes", "b''", new Uint8Array(0)),
  text(
    "long bytes",
    "bytes(range(256)) * 6",
    Uint8Array.from({ length: 1536 }, (_, i) => i % 256),
  ),
  onlyRead("bytearray", "bytearray(b'abc')", Uint8Array.of(97, 98, 99)),
  onlyRead("empty bytearray", "bytearray()", new Uint8Array(0)),
];

const CONTAINERS: readonly PythonVector[] = [
  text("empty list", "[]", []),
  text("list", "[1, 'a', None, [2.5, True]]", [1, "a", null, [2.5, true]]),
  text(
    "long list",
    "list(range(1001))",
    Array.from({ length: 1001 }, (_, i) => i),
  ),
  onlyRead("empty tuple", "()", []),
  onlyRead("tuple of 1", "(1,)", [1]),
  onlyRead("tuple of 3", "(1, 'b', None)", [1, "b", null]),
  onlyRead("tuple of 4", "(1, 2, 3, (4,))", [1, 2, 3, [4]]),
  text("empty dict", "{}", {}),
  text("dict", "{'b': 1, 'a': {'c': [None]}, '__proto__': 7}", Object.defineProperty({ b: 1, a: { c: [null] } }, "__proto__", { value: 7, enumerable: true })),
  text(
    "dict of ints",
    "{1: 'one', 2: 'two'}",
    new Map([
      [1, "one"],
      [2, "two"],
    ]),
  ),
  text(
    "dict of mixed keys",
    "collections.OrderedDict({1: 'one', 'two': 2, None: 3})",
    new Map<unknown, unknown>([
      [1, "one"],
      ["two", 2],
      [null, 3],
    ]),
  ),
  text("long dict", "{str(i): i for i in range(1001)}", Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [String(i), i]))),
  onlyRead("ordered dict", "collections.OrderedDict(b=1, a=2)", { b: 1, a: 2 }),
  onlyRead("default dict", "collections.defaultdict(list, {'a': [1]})", { a: [1] }),
  text("set", "{1, 2, 3}", new Set([1, 2, 3])),
  text("empty set", "set()", new Set()),
  onlyRead("frozenset", "frozenset([1])", new Set([1])),
  text("records", "[{'name': 'a', 'n': 1}, {'name': 'b', 'n': 2}]", [
    { name: "a", n: 1 },
    { name: "b", n: 2 },
  ]),
];

const OBJECTS: readonly PythonVector[] = [
  text("aware datetime", "datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)", new Date("2026-01-02T03:04:05.678Z")),
  onlyRead(
    "datetime with offset",
    "datetime.datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=datetime.timezone(datetime.timedelta(hours=-5, minutes=-30)))",
    new Date("2026-01-02T08:34:05.678Z"),
  ),
  onlyRead("naive datetime", "datetime.datetime(2026, 7, 2, 3, 4, 5)", new Date(2026, 6, 2, 3, 4, 5)),
  onlyRead("datetime of the year 50", "datetime.datetime(50, 1, 2, tzinfo=datetime.timezone.utc)", new Date("0050-01-02T00:00:00Z")),
  text("complex", "complex(1.5, -2.5)", new PythonObject("builtins", "complex", { args: [1.5, -2.5] })),
];

const numbers = (name: string, dtype: string, value: unknown): PythonVector => text(`array of ${name}`, `np.array([1, 2, 3], dtype='${dtype}')`, value);

const ARRAYS: readonly PythonVector[] = [
  numbers("int8", "i1", Int8Array.of(1, 2, 3)),
  numbers("uint8", "u1", new NdArray(Uint8Array.of(1, 2, 3))),
  numbers("int16", "i2", Int16Array.of(1, 2, 3)),
  numbers("uint16", "u2", Uint16Array.of(1, 2, 3)),
  numbers("int32", "i4", Int32Array.of(1, 2, 3)),
  numbers("uint32", "u4", Uint32Array.of(1, 2, 3)),
  numbers("int64", "i8", BigInt64Array.of(1n, 2n, 3n)),
  numbers("uint64", "u8", BigUint64Array.of(1n, 2n, 3n)),
  numbers("float32", "f4", Float32Array.of(1, 2, 3)),
  numbers("float64", "f8", Float64Array.of(1, 2, 3)),
  numbers("float16", "f2", new NdArray(Uint16Array.of(0x3c00, 0x4000, 0x4200), [3], { dtype: "<f2" })),
  numbers("complex64", "c8", new NdArray(Float32Array.of(1, 0, 2, 0, 3, 0), [3], { dtype: "<c8" })),
  numbers("complex128", "c16", new NdArray(Float64Array.of(1, 0, 2, 0, 3, 0), [3], { dtype: "<c16" })),
  onlyRead("array of big-endian float64", "np.array([1, 2, 3], dtype='>f8')", Float64Array.of(1, 2, 3)),
  text("array of booleans", "np.array([True, False])", new NdArray(Uint8Array.of(1, 0), [2], { dtype: "|b1" })),
  text("array of texts", "np.array(['a', 'béc', '\\U0001f600'])", new NdArray(["a", "béc", "\u{1f600}"], [3], { dtype: "<U3" })),
  text("array of bytes", "np.array([b'a', b'bc'])", new NdArray([Uint8Array.of(97), Uint8Array.of(98, 99)], [2], { dtype: "|S2" })),
  text("array of objects", "np.array([1, 'a', None], dtype=object)", new NdArray([1, "a", null], [3])),
  text("array of dates", "np.array(['2026-01-02'], dtype='M8[ms]')", new NdArray(BigInt64Array.of(1_767_312_000_000n), [1], { dtype: "<M8[ms]" })),
  text("array of durations", "np.array([5], dtype='m8[25s]')", new NdArray(BigInt64Array.of(5n), [1], { dtype: "<m8[25s]" })),
  text("matrix", "np.arange(6, dtype='f8').reshape(2, 3)", new NdArray(Float64Array.of(0, 1, 2, 3, 4, 5), [2, 3])),
  text(
    "matrix in Fortran order",
    "np.asfortranarray(np.arange(6, dtype='i4').reshape(2, 3))",
    new NdArray(Int32Array.of(0, 3, 1, 4, 2, 5), [2, 3], { order: "F" }),
  ),
  text("array without dimensions", "np.array(7.5)", new NdArray(Float64Array.of(7.5), [])),
  text("empty array", "np.array([], dtype='f8')", new Float64Array(0)),
  text("empty matrix", "np.zeros((3, 0), dtype='i2')", new NdArray(new Int16Array(0), [3, 0])),
  text(
    "long array",
    "np.arange(150, dtype='f8')",
    Float64Array.from({ length: 150 }, (_, i) => i),
  ),
  text(
    "long matrix",
    "np.arange(300, dtype='f4').reshape(10, 30)",
    new NdArray(
      Float32Array.from({ length: 300 }, (_, i) => i),
      [10, 30],
    ),
  ),
  text("list of arrays", "[np.arange(300, dtype='i4'), 1, b'x' * 2000]", [Int32Array.from({ length: 300 }, (_, i) => i), 1, new Uint8Array(2000).fill(120)]),
  text("dict of arrays", "{'z': np.arange(300, dtype='f8'), 'a': np.arange(200, dtype='i8')}", {
    z: Float64Array.from({ length: 300 }, (_, i) => i),
    a: BigInt64Array.from({ length: 200 }, (_, i) => BigInt(i)),
  }),
  text("arrays deep inside", "{'a': [{'b': np.arange(150, dtype='f8')}]}", { a: [{ b: Float64Array.from({ length: 150 }, (_, i) => i) }] }),
  text("arrays in a long list", "[np.arange(20, dtype='i2')] + list(range(70))", [
    Int16Array.from({ length: 20 }, (_, i) => i),
    ...Array.from({ length: 70 }, (_, i) => i),
  ]),
];

const SCALARS: readonly PythonVector[] = [
  onlyRead("float64 scalar", "np.float64(1.5)", 1.5),
  onlyRead("float32 scalar", "np.float32(1.5)", 1.5),
  onlyRead("float16 scalar", "np.float16(-1.5)", -1.5),
  onlyRead("tiny float16 scalar", "np.float16(6e-8)", 2 ** -24),
  onlyRead("int64 scalar", "np.int64(-5)", -5),
  onlyRead("large int64 scalar", "np.int64(2**60)", 2n ** 60n),
  onlyRead("uint8 scalar", "np.uint8(200)", 200),
  onlyRead("bool scalar", "np.bool_(True)", true),
  onlyRead("text scalar", "np.str_('abc')", "abc"),
  onlyRead("complex scalar", "np.complex128(1+2j)", new PythonObject("builtins", "complex", { args: [1, 2] })),
];

/** All of them. */
export const PYTHON_VECTORS: readonly PythonVector[] = [...PLAIN, ...CONTAINERS, ...OBJECTS, ...ARRAYS, ...SCALARS];
