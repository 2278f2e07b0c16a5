// Digits of pi on a cluster. First 10,000 of them here, each digit counted and drawn. Then many more, computed by all engines into
// files; one function counts the pairs 00 to 99 of a file, a map runs it on every file, and the sums are drawn as a 10 x 10 picture.
// What was done in parallel is done one after the other too, as far as `--serial` says, and the times are compared.
//
//   npm run example -- pi [--files=15] [--digits-each=200000] [--engines=N] [--out=DIR] [--serial=all|count|none]

import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Cluster, type Client } from "tsparallel";
import { Plot, plotInto } from "../plots.ts";
import { choice, count, engineCount, folder, readOptions, runExample, seconds, timed, whole, type Timed } from "../program.ts";
import {
  combine,
  combineAll,
  contradictions,
  decimalsFrom,
  digitsOf,
  fractionFrom,
  KNOWN_DECIMALS,
  rootFor,
  split,
  sumTerms,
  termsFor,
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

/** Joins neighbouring sums on the engines, pair by pair, until one is left. */
async function joinAll(rc: Client, sums: readonly PartialSum[]): Promise<PartialSum> {
  const [only] = sums;
  if (only !== undefined && sums.length === 1) return only;
  const left = sums.filter((_, i) => i % 2 === 0 && i + 1 < sums.length);
  const right = sums.filter((_, i) => i % 2 === 1);
  const joined = await rc.loadBalancedView().with({ chunkSize: 1 }).map(combine, left, right);
  return joinAll(rc, sums.length % 2 === 0 ? joined : [...joined, ...sums.slice(-1)]);
}

const fileName = (index: number): string => `pi-${String(index).padStart(3, "0")}.txt`;

/** Computes the digits on the engines; each file is written by the engine that makes its digits. */
async function computeInParallel(rc: Client, { files, digitsEach, engines, folder }: Sizes): Promise<void> {
  const digits = files * digitsEach;
  const view = rc.loadBalancedView().with({ chunkSize: 1 });
  const root = view.apply(rootFor, digits); // needs nothing of the series
  const sums = await view.map((range: [number, number]) => sumTerms(...range), rangesOf(termsFor(digits), engines * RANGES_PER_ENGINE));
  const fraction = fractionFrom(await joinAll(rc, sums), digits, await root);
  const paths = Array.from({ length: files }, (_, i) => join(folder, fileName(i)));
  await view.map((piece: Fraction, path: string) => writeFile(path, digitsOf(piece, digitsEach)), split(fraction, files, digitsEach), paths);
}

function computeSerially({ files, digitsEach, engines }: Sizes): string[] {
  const digits = files * digitsEach;
  const sum = combineAll(rangesOf(termsFor(digits), engines * RANGES_PER_ENGINE).map(([from, to]) => sumTerms(from, to)));
  return split(fractionFrom(sum, digits), files, digitsEach).map((piece) => digitsOf(piece, digitsEach));
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

/** Reads the files as one text, and compares it with published digits. */
async function check(paths: readonly string[], digits: number): Promise<void> {
  const texts = await Promise.all(paths.map((path) => readFile(path, "latin1")));
  const wrong = contradictions(texts.join(""));
  if (wrong.length > 0) throw new Error(`the digits are wrong: ${wrong.join("; ")}`);
  const known = KNOWN_DECIMALS.filter(({ position, digits: some }) => position - 1 + some.length <= digits);
  console.log(`  agrees with published digits at ${known.map(({ position }) => count(position)).join(", ")}`);
}

async function main(signal: AbortSignal): Promise<void> {
  const { files, "digits-each": digitsEach, engines, out, serial } = readOptions(OPTIONS);
  const own: Sizes = { files, digitsEach, engines, folder: out };
  const digits = files * digitsEach;
  await mkdir(out, { recursive: true });
  await first(out);
  await using cluster = await Cluster.start({ n: engines, private: true, signal });
  signal.addEventListener("abort", () => void cluster.stop());
  const rc = await cluster.connect();
  const paths = Array.from({ length: files }, (_, i) => join(out, fileName(i)));

  const computed = await timed(() => computeInParallel(rc, own));
  const texts = serial === "all" ? await timed(() => computeSerially(own)) : undefined;
  compare(`${count(digits)} digits computed by ${engines} engines into ${files} files`, digits, computed, texts);
  for (const [i, text] of texts?.value.entries() ?? [])
    if (text !== (await readFile(paths[i] ?? "", "latin1"))) throw new Error(`${paths[i]} differs from what was computed one after the other`);
  await check(paths, digits);

  const view = rc.loadBalancedView().with({ chunkSize: 1 });
  await rc.directView().apply(countFile, paths[0] ?? ""); // the first call of a function compiles it
  const counted = await timed(async () => sumCounts(await view.map(countFile, paths)));
  await countFile(paths[0] ?? "");
  const again = serial !== "none" ? await timed(() => countSerially(paths)) : undefined;
  compare("pairs counted, a file a task", digits, counted, again);
  if (again !== undefined && again.value.join() !== counted.value.join()) throw new Error("the counts of both ways differ");
  await drawPairs(out, counted.value, digits);
  const { size } = await stat(paths[0] ?? "");
  console.log(
    `\n${files} files of ${count(size)} digits and two plots are in ${out}; at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB of memory here`,
  );
}

await runExample("pi", main);
