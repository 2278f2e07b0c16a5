// A first look, start to finish: a private cluster on this machine, a million decimals of pi computed on its engines and
// checked, each file of digits counted by a shell job and again by a TypeScript function, both compared and timed
// against doing the same work one after the other. Run it with `npm run quickstart`.

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Cluster, type AsyncMapResult, type Client } from "tsparallel";
import { Bakapara, type Job } from "tsparallel/bakapara";
import { combineAll, contradictions, decimalsFrom, sumTerms, termsFor } from "./pi/chudnovsky.ts";

const FILES = 16;
const DIGITS_PER_FILE = 62_500;
const DECIMALS = FILES * DIGITS_PER_FILE;
/** Lengths of the groups of digits that are counted. */
const WIDTHS = [1, 2, 3];

type Counts = Record<string, number>;

interface Row {
  readonly work: string;
  readonly serialMs: number;
  readonly parallelMs: number;
  /** Busy milliseconds by engine id. */
  readonly busyMs: ReadonlyMap<number, number>;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const number = (index: number): string => String(index).padStart(2, "0");
const name = (index: number): string => `digits-${number(index)}.txt`;
const countsName = (index: number): string => `counts-${number(index)}.txt`;

async function timed<T>(work: () => T | Promise<T>): Promise<{ value: T; ms: number }> {
  const began = performance.now();
  const value = await work();
  return { value, ms: performance.now() - began };
}

/** Shows a bar on a terminal, a line every second otherwise, until the work is done. */
async function watched<T>(label: string, total: number, done: () => number, work: Promise<T>): Promise<T> {
  const isTerminal = process.stdout.isTTY === true;
  const show = (): void => {
    const bar = "█".repeat(Math.round((done() / total) * 24)).padEnd(24, "·");
    process.stdout.write(isTerminal ? `\r  ${bar} ${done()}/${total} ${label}` : `  ${done()}/${total} ${label}\n`);
  };
  const timer = setInterval(show, isTerminal ? 100 : 1000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    show();
    if (isTerminal) process.stdout.write("\n");
  }
}

function busyByEngine(result: AsyncMapResult<unknown>): Map<number, number> {
  const busy = new Map<number, number>();
  for (const { engineId, started, completed } of result.metadata) {
    if (typeof engineId !== "number" || started === undefined || completed === undefined) continue;
    busy.set(engineId, (busy.get(engineId) ?? 0) + (Date.parse(completed) - Date.parse(started)));
  }
  return busy;
}

async function computeDigits(rc: Client): Promise<{ decimals: string; row: Row }> {
  const terms = termsFor(DECIMALS);
  const edges = Array.from({ length: FILES + 1 }, (_, i) => Math.floor((terms * i) / FILES));
  const ranges = edges.slice(1).map((to, i) => [edges[i] ?? 0, to] as const);
  const serial = await timed(() => ranges.map(([from, to]) => sumTerms(from, to)).length);
  const view = rc.loadBalancedView().with({ chunkSize: 1 });
  const result = view.map(([from, to]: readonly [number, number]) => sumTerms(from, to), ranges);
  const parallel = await timed(() => watched("ranges of the series summed", FILES, () => result.progress, result.get()));
  console.log("  joining them, a square root and an inverse …");
  const decimals = decimalsFrom(combineAll(parallel.value, DECIMALS), DECIMALS);
  const wrong = contradictions(decimals);
  if (wrong.length > 0) throw new Error(`the digits are wrong: ${wrong.join("; ")}`);
  return { decimals, row: { work: "summing the series (lview.map)", serialMs: serial.ms, parallelMs: parallel.ms, busyMs: busyByEngine(result) } };
}

/** Counts single digits, pairs and triples of one file. */
const pipeline = (index: number): string => `for width in ${WIDTHS.join(" ")}; do fold -w$width ${name(index)} | sort | uniq -c; done > ${countsName(index)}`;

async function countByShell(rc: Client, folder: string, engines: number): Promise<{ counts: Counts[]; row: Row }> {
  const environment = { ...process.env, LC_ALL: "C" };
  const serial = await timed(() => {
    for (let i = 0; i < FILES; i += 1) spawnSync("/bin/bash", ["-o", "pipefail", "-c", pipeline(i)], { cwd: folder, env: environment });
  });
  const jobs: Job[] = Array.from({ length: FILES }, (_, i) => ({ cmd: pipeline(i), cd: folder, env: { LC_ALL: "C" } }));
  const bakapara = new Bakapara(rc);
  const parallel = await timed(async () => {
    bakapara.run(jobs);
    await watched(`shell jobs on ${engines} engines`, FILES, () => jobs.filter((job) => job.result !== undefined).length, bakapara.wait());
  });
  const failed = jobs.filter((job) => job.result?.code !== 0);
  if (failed.length > 0) throw new Error(`${failed.length} shell jobs failed, the first: ${JSON.stringify(failed[0])}`);
  const busyMs = new Map<number, number>();
  for (const { result } of jobs) {
    const ms = Number(result?.elapsed?.split(":").at(-1)) * 1000;
    if (typeof result?.engine_id === "number") busyMs.set(result.engine_id, (busyMs.get(result.engine_id) ?? 0) + ms);
  }
  const counts = await Promise.all(jobs.map(async (_, i) => parseCounts(await readFile(join(folder, countsName(i)), "utf8"))));
  return { counts, row: { work: "counting by shell jobs (bakapara)", serialMs: serial.ms, parallelMs: parallel.ms, busyMs } };
}

function parseCounts(text: string): Counts {
  const lines = text.trimEnd().split("\n");
  const counts: Counts = {};
  // The last group of a file may be as short as those of another width.
  for (const [count, group = ""] of lines.map((line) => line.trim().split(/\s+/))) counts[group] = (counts[group] ?? 0) + Number(count);
  return counts;
}

/** The same in TypeScript; `WIDTHS` travels with it to the engines. */
function countGroups(digits: string): Counts {
  const counts: Counts = {};
  for (const width of WIDTHS) {
    for (let i = 0; i < digits.length; i += width) {
      const group = digits.slice(i, i + width);
      counts[group] = (counts[group] ?? 0) + 1;
    }
  }
  return counts;
}

async function countByFunction(rc: Client, folder: string): Promise<{ counts: Counts[]; row: Row }> {
  const files = Array.from({ length: FILES }, (_, i) => join(folder, name(i)));
  const countFile = async (file: string): Promise<Counts> => countGroups(await readFile(file, "utf8"));
  const serial = await timed(async () => {
    for (const file of files) await countFile(file);
  });
  const result = rc.loadBalancedView().with({ chunkSize: 1 }).map(countFile, files);
  const parallel = await timed(() => watched("files counted by a TypeScript function", FILES, () => result.progress, result.get()));
  return {
    counts: parallel.value,
    row: { work: "counting by a function (lview.map)", serialMs: serial.ms, parallelMs: parallel.ms, busyMs: busyByEngine(result) },
  };
}

function report(rows: readonly Row[], totals: Counts): void {
  const pairs = Object.entries(totals).filter(([group]) => group.length === 2);
  const ranked = pairs.toSorted((a, b) => b[1] - a[1]);
  const show = (list: [string, number][]): string => list.map(([pair, count]) => `${pair} (${count})`).join(", ");
  console.log(`\n${DECIMALS.toLocaleString("en")} decimals of pi, checked against published ones; shell and TypeScript counted the same.`);
  console.log(`most frequent pairs:  ${show(ranked.slice(0, 3))}`);
  console.log(`least frequent pairs: ${show(ranked.slice(-3))}\n`);
  console.log(`${"work".padEnd(36)}${"one by one".padStart(11)}${"cluster".padStart(9)}${"speed-up".padStart(10)}   busy time of each engine`);
  for (const { work, serialMs, parallelMs, busyMs } of rows) {
    const busy = [...busyMs].toSorted(([a], [b]) => a - b).map(([id, ms]) => `${id}: ${seconds(ms)}`);
    const speedUp = `${(serialMs / parallelMs).toFixed(2)}x`;
    console.log(`${work.padEnd(36)}${seconds(serialMs).padStart(11)}${seconds(parallelMs).padStart(9)}${speedUp.padStart(10)}   ${busy.join("  ")}`);
  }
}

async function main(): Promise<void> {
  const began = performance.now();
  const engines = availableParallelism();
  const folder = await mkdtemp(join(tmpdir(), "tsparallel-quickstart-"));
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort(new Error("interrupted; everything was stopped")));
  try {
    console.log(`starting a cluster: one controller, ${engines} engines …`);
    await using cluster = await Cluster.start({ n: engines, private: true, signal: interrupted.signal });
    const rc = await cluster.connect();
    console.log(`ready after ${seconds(performance.now() - began)}: engines ${rc.ids.join(", ")}\n`);
    const work = (async () => {
      const { decimals, row: summing } = await computeDigits(rc);
      await Promise.all(
        Array.from({ length: FILES }, (_, i) => writeFile(join(folder, name(i)), decimals.slice(i * DIGITS_PER_FILE, (i + 1) * DIGITS_PER_FILE))),
      );
      const shell = await countByShell(rc, folder, engines);
      const own = await countByFunction(rc, folder);
      const differing = shell.counts.findIndex((counts, i) => JSON.stringify(sorted(counts)) !== JSON.stringify(sorted(own.counts[i] ?? {})));
      if (differing >= 0) throw new Error(`shell and TypeScript disagree about ${name(differing)}`);
      const totals: Counts = {};
      for (const counts of own.counts) for (const [pair, count] of Object.entries(counts)) totals[pair] = (totals[pair] ?? 0) + count;
      report([summing, shell.row, own.row], totals);
    })();
    const stopped = new Promise<never>((_, reject) => interrupted.signal.addEventListener("abort", () => reject(interrupted.signal.reason as Error)));
    await Promise.race([work, stopped]);
    await rc.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  console.log(`\nall stopped after ${seconds(performance.now() - began)}. Read on: docs/tutorial/first-steps.md, docs/guide/bakapara.md`);
}

const sorted = (counts: Counts): [string, number][] => Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1));

try {
  await main();
} catch (error) {
  console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
