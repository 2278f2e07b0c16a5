// Values and functions into frames and back: primitives, a small object, large memory, calls, and capturing a closure of
// some 400 bytes the first time (inspector and parser) and after (its plan).

import { performance } from "node:perf_hooks";

import { packCall, packValue, unpackCall, unpackValue, type UnpackEnv } from "../../src/serial/index.ts";
import type { BenchRow } from "./types.ts";

const ROUNDS = 3;
const TEN_FIELDS = { a: 1, b: "two", c: true, d: null, e: 5.5, f: "six", g: 7, h: "eight", i: 9, j: "ten" };
const ENV: UnpackEnv = { named: () => undefined, evaluate: () => undefined, importModule: (specifier) => import(specifier) };

const THRESHOLD = 42;
const PREFIX = "x";
const DIVISORS = [1, 2, 3];

/** A new closure of about 400 bytes. */
function makeClosure(offset: number): (items: readonly number[]) => object {
  return (items) => {
    const out: (number | string)[] = [];
    for (const item of items) {
      if (item > THRESHOLD) out.push(item * 2 + offset);
      else out.push(`${PREFIX}${item}`);
    }
    const total = out.reduce<number>((sum, item) => sum + Number(item), 0);
    const average = total / Math.max(1, out.length);
    return { total, average, out, quotients: DIVISORS.map((divisor) => total / divisor) };
  };
}

const fixedClosure = (items: readonly number[]): object => {
  const out: (number | string)[] = [];
  for (const item of items) {
    if (item > THRESHOLD) out.push(item * 2);
    else out.push(`${PREFIX}${item}`);
  }
  const total = out.reduce<number>((sum, item) => sum + Number(item), 0);
  const average = total / Math.max(1, out.length);
  return { total, average, out, quotients: DIVISORS.map((divisor) => total / divisor) };
};

/** Measures; `calls` default 50,000. */
export async function run(options: { readonly calls?: number } = {}): Promise<BenchRow[]> {
  const calls = options.calls ?? 50_000;
  return [
    ...value("number", 3.25, calls),
    ...value("object of 10 fields", TEN_FIELDS, calls),
    ...value("Float64Array of 1,000,000", new Float64Array(1e6), Math.ceil(calls / 10)),
    ...value(
      "array of 10,000 numbers",
      Array.from({ length: 10_000 }, (_, i) => i + 0.5),
      Math.ceil(calls / 100),
    ),
    capture("canning: capture of a closure of 400 B, first", Math.ceil(calls / 50), (i) => packCall(makeClosure(i), [])),
    capture("canning: capture of a closure of 400 B, after", calls, () => packCall(fixedClosure, [])),
    await building("canning: unpack a call of a closure of 400 B", packCall(fixedClosure, [[1, 50]]), calls),
    await building(
      "canning: unpack a call of a function",
      packCall((x: number) => x, [1]),
      calls,
    ),
  ];
}

/** Median over the rounds of the microseconds a call takes. */
function median(count: number, call: (index: number) => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    for (let index = 0; index < count; index += 1) call(index);
    return ((performance.now() - start) * 1000) / count;
  });
  return rounds.toSorted((a, b) => a - b)[ROUNDS >> 1] as number;
}

function value(name: string, sample: unknown, calls: number): BenchRow[] {
  const frames = packValue(sample);
  let packed = 0;
  const pack = median(calls, () => {
    packed += packValue(sample).length;
  });
  let unpacked = 0;
  const unpack = median(calls, () => {
    unpacked += unpackValue(frames) === undefined ? 0 : 1;
  });
  return [
    { name: `canning: pack ${name}`, value: pack, unit: "µs", check: String(packed / calls / ROUNDS) },
    { name: `canning: unpack ${name}`, value: unpack, unit: "µs", check: String(unpacked / calls / ROUNDS) },
  ];
}

function capture(name: string, calls: number, pack: (index: number) => readonly Uint8Array[]): BenchRow {
  for (let index = 0; index < 3; index += 1) pack(index);
  let frames = 0;
  const took = median(calls, (index) => {
    frames += pack(index).length;
  });
  return { name, value: took, unit: "µs", check: String(frames / calls / ROUNDS) };
}

async function building(name: string, frames: readonly Uint8Array[], calls: number): Promise<BenchRow> {
  let last: unknown;
  const start = performance.now();
  for (let index = 0; index < calls; index += 1) {
    const { fn, args } = await unpackCall(frames, ENV);
    last = index === calls - 1 ? fn(...args) : undefined;
  }
  return { name, value: ((performance.now() - start) * 1000) / calls, unit: "µs", check: JSON.stringify(last) };
}
