// Digits of pi on a cluster. First 10,000 of them here, each digit counted and drawn. Then many more, computed by all engines into
// files; one function counts the pairs 00 to 99 of a file, a map runs it on every file, and the sums are drawn as a 10 x 10 picture.
// What was done in parallel is done one after the other too, as far as `--serial` says, and the times are compared.
//
//   npm run example -- pi [--files=15] [--digits-each=200000] [--engines=N] [--out=DIR] [--serial=all|count|none]

import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Cluster, type Client, type LoadBalancedView } from "tsparallel";
import { Plot, plotInto } from "../plots.ts";
import { choice, count, engineCount, flag, folder, makeFolder, readOptions, runExample, seconds, timed, whole, type Timed } from "../program.ts";
import {
  combine,
  combineAll,
  contradictions,
  decimalsFrom,
  DECIMALS_MAX,
  digitsOf,
  fractionFrom,
  halve,
  inverseFor,
  KNOWN_DECIMALS,
  numeratorFor,
  split,
  sumTerms,
  termsFor,
  trim,
  type Fraction,
  type PartialSum,
} from "./chudnovsky.ts";
import { countDigits, countPairs, sumCounts } from "./count.ts";

/** What is also done one after the other: all, the counting only, nothing. */
const SERIAL = ["all", "count", "none"] as const;

const OPTIONS = {
  files: whole(15, "files of digits"),
  "digits-each": whole(200_000, "digits in each"),
  engines: engineCount(),
  out: folder("pi-digits", "where files and plots go"),
  serial: choice(SERIAL, "all", "done one after the other as well"),
  reuse: flag("take the files of an earlier run with the same sizes, and count only"),
};

interface Sizes {
  readonly files: number;
  readonly digitsEach: number;
  readonly engines: number;
  readonly folder: string;
}

const FIRST_DIGITS = 10_000;
/** Ranges of the series for each engine, so that none waits long for the last one. */
const RANGES_PER_ENGINE = 8;
/** How often counting is timed. */
const ROUNDS = 3;
/** A task of less gains little, since its message takes about a millisecond. */
const WORTH_SHARING_MS = 15;

const rate = (digits: number, ms: number): string => `${count(Math.round(digits / (ms / 1000)))} digits/s`;

function compare(what: string, digits: number, parallel: Timed<unknown>, serial: Timed<unknown> | undefined): void {
  console.log(`${what}: ${seconds(parallel.ms)}, ${rate(digits, parallel.ms)}`);
  if (serial !== undefined)
    console.log(`  one after the other: ${seconds(serial.ms)}, ${rate(digits, serial.ms)}; speed-up ${(serial.ms / parallel.ms).toFixed(2)}`);
}

/** 10,000 digits, counted here. */
async function first(folder: string): Promise<void> {
  const { value: digits, ms } = await timed(() => decimalsFrom(sumTerms(0, termsFor(FIRST_DIGITS)), FIRST_DIGITS));
  const counts = countDigits(digits);
  console.log(`${count(FIRST_DIGITS)} digits of pi in ${ms.toFixed(0)} ms; each digit occurs about ${count(FIRST_DIGITS / 10)} times: ${counts.join(" ")}`);
  const file = await plotInto(join(folder, "digits.svg"), {
    title: `Digits among the first ${count(FIRST_DIGITS)} of pi`,
    x: { label: "digit" },
    y: { label: "times", grid: true },
    marks: [
      Plot.barY(
        counts.map((times, digit) => ({ digit, times })),
        { x: "digit", y: "times", fill: "steelblue" },
      ),
      Plot.ruleY([FIRST_DIGITS / 10], { strokeDasharray: "4 3" }),
      Plot.ruleY([0]),
    ],
  });
  console.log(`  drawn in ${file}\n`);
}

/** Cuts `terms` terms into ranges. */
function rangesOf(terms: number, pieces: number): [number, number][] {
  return Array.from({ length: pieces }, (_, i) => [Math.floor((terms * i) / pieces), Math.floor((terms * (i + 1)) / pieces)]);
}

const multiply = (a: bigint, b: bigint): bigint => a * b;

/** Joins neighbouring sums on the engines, pair by pair, until one is left. */
async function joinAll(view: LoadBalancedView, sums: readonly PartialSum[], digits: number): Promise<PartialSum> {
  const [first, second] = sums;
  if (first === undefined || second === undefined) return first ?? combineAll([], digits);
  if (sums.length === 2) {
    // The last join is three large products, as many tasks; `p` is for a neighbour to the right, and there is none.
    const [q, below, above] = await view.map(multiply, [first.q, first.t, first.p], [second.q, second.q, second.t]);
    return trim({ p: 0n, q: q ?? 0n, t: (below ?? 0n) + (above ?? 0n) }, digits);
  }
  const left = sums.filter((_, i) => i % 2 === 0 && i + 1 < sums.length);
  const right = sums.filter((_, i) => i % 2 === 1);
  const joined = await view.map((one: PartialSum, next: PartialSum) => trim(combine(one, next), digits), left, right);
  return joinAll(view, sums.length % 2 === 0 ? joined : [...joined, ...sums.slice(-1)], digits);
}

/** Cuts a fraction for the files and writes each, on the engines: one piece into two, those into four, and so on. */
async function writeFiles(view: LoadBalancedView, fraction: Fraction, paths: readonly string[], digitsEach: number): Promise<void> {
  const [only] = paths;
  if (only !== undefined && paths.length === 1) return view.apply((path: string) => writeFile(path, digitsOf(fraction, digitsEach)), only);
  const left = Math.ceil(paths.length / 2);
  const [before, behind] = await view.apply(halve, fraction, paths.length, digitsEach);
  await Promise.all([writeFiles(view, before, paths.slice(0, left), digitsEach), writeFiles(view, behind, paths.slice(left), digitsEach)]);
}

const fileName = (index: number): string => `pi-${String(index).padStart(3, "0")}.txt`;

/** Computes the digits on the engines; each file is written by the engine that makes its digits. */
async function computeInParallel(rc: Client, { files, digitsEach, engines, folder }: Sizes): Promise<void> {
  const digits = files * digitsEach;
  const view = rc.loadBalancedView().with({ chunkSize: 1 });
  const ranges = rangesOf(termsFor(digits), engines * RANGES_PER_ENGINE);
  const sums = await view.map(([from, to]: [number, number]) => trim(sumTerms(from, to), digits), ranges);
  const sum = await joinAll(view, sums, digits);
  // Neither needs the other, and both take about as long.
  const [numerator, inverse] = await Promise.all([view.apply(numeratorFor, { q: sum.q }, digits), view.apply(inverseFor, { t: sum.t }, digits)]);
  const paths = Array.from({ length: files }, (_, i) => join(folder, fileName(i)));
  await writeFiles(view, fractionFrom(numerator, inverse, digits), paths, digitsEach);
}

function computeSerially({ files, digitsEach, engines }: Sizes): string[] {
  const digits = files * digitsEach;
  const sum = combineAll(
    rangesOf(termsFor(digits), engines * RANGES_PER_ENGINE).map(([from, to]) => trim(sumTerms(from, to), digits)),
    digits,
  );
  const fraction = fractionFrom(numeratorFor(sum, digits), inverseFor(sum, digits), digits);
  return split(fraction, files, digitsEach).map((piece) => digitsOf(piece, digitsEach));
}

const countFile = async (path: string): Promise<Uint32Array> => countPairs(await readFile(path));

async function countSerially(paths: readonly string[]): Promise<Uint32Array> {
  const counts: Uint32Array[] = [];
  for (const path of paths) counts.push(await countFile(path));
  return sumCounts(counts);
}

async function drawPairs(folder: string, counts: Uint32Array, digits: number): Promise<void> {
  const cells = [...counts].map((times, pair) => ({ first: Math.floor(pair / 10), second: pair % 10, pair: String(pair).padStart(2, "0"), times }));
  const ranked = cells.toSorted((a, b) => b.times - a.times);
  const show = (list: typeof cells): string => list.map(({ pair, times }) => `${pair} (${count(times)})`).join(", ");
  console.log(`most frequent pairs:  ${show(ranked.slice(0, 3))}\nleast frequent pairs: ${show(ranked.slice(-3).toReversed())}`);
  const middle = (digits - 1) / 100;
  const file = await plotInto(join(folder, "pairs.svg"), {
    title: `Pairs among the first ${count(digits)} digits of pi`,
    width: 640,
    height: 620,
    padding: 0.02,
    x: { label: "second digit" },
    y: { label: "first digit" },
    color: { scheme: "RdBu", reverse: true, pivot: middle, type: "diverging" },
    marks: [
      Plot.cell(cells, { x: "second", y: "first", fill: "times" }),
      Plot.text(cells, {
        x: "second",
        y: "first",
        text: ({ pair, times }: (typeof cells)[number]) => `${pair}\n${((times / middle - 1) * 100).toFixed(2)} %`,
        lineHeight: 1.3,
        fill: "black",
        stroke: "white",
      }),
    ],
  });
  console.log(`  drawn in ${file}: how much more or less often than the mean`);
}

/** Does each work some times, in turns, and gives the median of each: what is over in a second varies much. */
async function inTurns<T>(works: readonly (() => Promise<T>)[]): Promise<(Timed<T> | undefined)[]> {
  for (const work of works) await work(); // compiles the functions, here and on the engines
  const runs: Timed<T>[][] = works.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) for (const [i, work] of works.entries()) runs[i]?.push(await timed(work));
  return runs.map((all) => all.toSorted((a, b) => a.ms - b.ms)[all.length >> 1]);
}

/** Reads the files as one text, and compares it with published digits. */
async function check(paths: readonly string[], digits: number): Promise<void> {
  const texts = await Promise.all(paths.map((path) => readFile(path, "latin1")));
  const wrong = contradictions(texts.join(""));
  if (wrong.length > 0) throw new Error(`the digits are wrong: ${wrong.join("; ")}`);
  const known = KNOWN_DECIMALS.filter(({ position, digits: some }) => position - 1 + some.length <= digits);
  console.log(`  agrees with published digits at ${known.map(({ position }) => count(position)).join(", ")}`);
}

/** Computes the digits, once more one after the other when that is wanted, and compares. */
async function compute(rc: Client, sizes: Sizes, paths: readonly string[], isCompared: boolean): Promise<void> {
  const { files, digitsEach, engines } = sizes;
  const digits = files * digitsEach;
  const computed = await timed(() => computeInParallel(rc, sizes));
  const texts = isCompared ? await timed(() => computeSerially(sizes)) : undefined;
  compare(`${count(digits)} digits computed by ${engines} engines into ${files} files`, digits, computed, texts);
  for (const [i, text] of texts?.value.entries() ?? [])
    if (text !== (await readFile(paths[i] ?? "", "latin1"))) throw new Error(`${paths[i]} differs from what was computed one after the other`);
}

/** Files of an earlier run must be there, with the digits they should have. */
async function checkSizes(paths: readonly string[], digitsEach: number): Promise<void> {
  for (const path of paths) {
    const { size } = await stat(path);
    if (size !== digitsEach) throw new Error(`${path} has ${count(size)} digits, not ${count(digitsEach)}; without --reuse it is written anew`);
  }
  console.log(`${paths.length} files of ${count(digitsEach)} digits are there`);
}

async function main(signal: AbortSignal): Promise<void> {
  const { files, "digits-each": digitsEach, engines, out, serial, reuse } = readOptions(OPTIONS);
  const own: Sizes = { files, digitsEach, engines, folder: out };
  const digits = files * digitsEach;
  if (digits > DECIMALS_MAX) throw new Error(`--files times --digits-each must be at most ${count(DECIMALS_MAX)}, and is ${count(digits)}`);
  await makeFolder(out);
  await first(out);
  await using cluster = await Cluster.start({ n: engines, private: true, signal });
  signal.addEventListener("abort", () => void cluster.stop());
  const rc = await cluster.connect();
  const paths = Array.from({ length: files }, (_, i) => join(out, fileName(i)));

  if (reuse) await checkSizes(paths, digitsEach);
  else await compute(rc, own, paths, serial === "all");
  await check(paths, digits);

  const view = rc.loadBalancedView().with({ chunkSize: 1 });
  const ways = [async () => sumCounts(await view.map(countFile, paths)), ...(serial === "none" ? [] : [() => countSerially(paths)])];
  const [counted, again] = await inTurns(ways);
  if (counted === undefined) throw new Error("nothing was counted");
  compare("pairs counted, a file a task", digits, counted, again);
  const eachMs = (again?.ms ?? Infinity) / files;
  if (eachMs < WORTH_SHARING_MS) console.log(`  a file takes ${eachMs.toFixed(1)} ms: sharing that gains little; larger files do (--digits-each)`);
  if (again !== undefined && again.value.join() !== counted.value.join()) throw new Error("the counts of both ways differ");
  await drawPairs(out, counted.value, digits);
  const { size } = await stat(paths[0] ?? "");
  console.log(
    `\n${files} files of ${count(size)} digits and two plots are in ${out}; at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB of memory here`,
  );
}

await runExample("pi", main);
