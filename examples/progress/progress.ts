// A long run that tells how far it is. Engines look for the numbers with the longest chains of Collatz below a limit; each publishes what it
// has found so far, and the program shows it while they work. Ctrl-C stops the engines, and what was found until then is kept. What a whole run
// finds is compared with what is published.
//
//   npm run example -- progress [--below=5000000] [--engines=N] [--out=DIR]

import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { Cluster, TaskAborted, type Client } from "tsparallel";
import { currentTask } from "tsparallel/engine";
import { Plot, plotInto } from "../plots.ts";
import { count, engineCount, folder, makeFolder, readOptions, runExample, seconds, whole } from "../program.ts";
import { longestOf, PUBLISHED, stepsFrom, type LongChain } from "./chains.ts";
import { showProgress } from "./display.ts";

const OPTIONS = {
  below: whole(5_000_000, "the numbers that are looked at", { min: 1000, max: 100_000_000 }),
  engines: engineCount(),
  out: folder("long-chains", "where the plots go"),
};

/** Numbers in a block; each engine takes the next one in turn. */
const BLOCK = 5000;
/** How often an engine publishes what it has. */
const PUBLISH_MS = 100;

/** What an engine publishes while it works. */
interface Partial {
  readonly done: number;
  readonly chains: readonly LongChain[];
}

/** Before the first publication. */
const NOTHING: Partial = { done: 0, chains: [] };

/** How far the engines were at a moment. */
interface Sample {
  readonly engine: number;
  readonly seconds: number;
  readonly percent: number;
}

/** One engine's share: blocks `rank`, `rank + size`, and so on. Between blocks the event loop turns, so that what is published leaves. */
async function search(below: number, rank: number, size: number): Promise<LongChain[]> {
  const { signal, publish } = currentTask();
  const chains: LongChain[] = [];
  let done = 0;
  let publishedMs = 0;
  for (let begin = rank * BLOCK; begin < below; begin += size * BLOCK) {
    const end = Math.min(begin + BLOCK, below);
    for (let number = Math.max(begin, 1); number < end; number += 1) {
      const steps = stepsFrom(number);
      if (steps > (chains.at(-1)?.steps ?? -1)) chains.push({ number, steps });
    }
    done += end - begin;
    if (performance.now() - publishedMs > PUBLISH_MS) {
      publish({ done, chains });
      publishedMs = performance.now();
    }
    await turn();
    signal.throwIfAborted();
  }
  publish({ done, chains });
  return chains;
}

/** Runs the search on all engines, and shows it. Gives what was found, also when it was stopped. */
async function searchTogether(rc: Client, below: number, signal: AbortSignal): Promise<{ lists: LongChain[][]; samples: Sample[]; done: number }> {
  const view = rc.directView();
  const ranks = [...rc.ids.keys()];
  const began = performance.now();
  const result = view.map((rank: number) => search(below, rank, ranks.length), ranks);
  const stop = (): void => void result.cancel();
  signal.addEventListener("abort", stop);

  const partials = (): Partial[] => result.data.map((data) => ({ ...NOTHING, ...(data as Partial) }));
  const shareOf = ({ done }: Partial): number => Math.min(1, (done * ranks.length) / below);
  const display = showProgress(() =>
    partials().map((partial, i) => {
      const best = partial.chains.at(-1);
      return { engine: rc.ids[i]!, share: shareOf(partial), found: best === undefined ? "" : `${count(best.number)} takes ${best.steps} steps` };
    }),
  );
  const samples: Sample[] = [];
  const sample = (): void => {
    const now = (performance.now() - began) / 1000;
    for (const [i, partial] of partials().entries()) samples.push({ engine: rc.ids[i]!, seconds: now, percent: 100 * shareOf(partial) });
  };
  const sampling = setInterval(sample, PUBLISH_MS);
  const failures = (await result.get({ returnExceptions: true })).filter((one) => one instanceof Error);
  await result.waitForOutput();
  clearInterval(sampling);
  sample();
  display.stop();
  const real = failures.find((error) => !(signal.aborted && error instanceof TaskAborted));
  if (real !== undefined) throw real;
  return { lists: partials().map(({ chains }) => [...chains]), samples, done: partials().reduce((sum, { done }) => sum + done, 0) };
}

async function draw(out: string, chains: readonly LongChain[], samples: readonly Sample[]): Promise<string[]> {
  const engines = [...new Set(samples.map(({ engine }) => engine))];
  // The name of each line stands at another moment, so that none covers another.
  const names = engines.flatMap((id, i) => {
    const own = samples.filter(({ engine }) => engine === id);
    return own.slice(Math.floor((own.length * (i + 1)) / (engines.length + 1))).slice(0, 1);
  });
  return [
    await plotInto(join(out, "chains.svg"), {
      title: "Numbers whose chains are longer than those of all smaller ones",
      x: { type: "log", label: "number", grid: true },
      y: { label: "steps to 1", grid: true },
      marks: [
        Plot.line(chains, { x: "number", y: "steps", curve: "step-after", stroke: "#bbb" }),
        Plot.dot(chains, { x: "number", y: "steps", fill: "steelblue" }),
      ],
    }),
    await plotInto(join(out, "progress.svg"), {
      title: "How far each engine was, as the program was told",
      x: { label: "seconds", grid: true },
      y: { label: "percent of its share", domain: [0, 100], grid: true },
      color: { type: "categorical", domain: engines },
      marks: [
        Plot.lineY(samples, { x: "seconds", y: "percent", stroke: "engine" }),
        Plot.text(names, {
          x: "seconds",
          y: "percent",
          text: ({ engine }: Sample) => `engine ${engine}`,
          dx: -6,
          dy: -8,
          textAnchor: "end",
          fill: "engine",
          stroke: "white",
        }),
      ],
    }),
  ];
}

async function main(signal: AbortSignal): Promise<void> {
  const { below, engines, out } = readOptions(OPTIONS);
  await makeFolder(out);
  await using cluster = await Cluster.start({ n: engines, private: true, signal });
  const rc = await cluster.connect();
  signal.throwIfAborted();
  console.log(`the longest chains of the numbers below ${count(below)}, on ${engines} engines; Ctrl-C stops, and keeps what was found`);
  const began = performance.now();
  const { lists, samples, done } = await searchTogether(rc, below, signal);
  const chains = longestOf(lists);
  const best = chains.at(-1);
  const ms = performance.now() - began;
  if (best === undefined) signal.throwIfAborted();
  else {
    console.log(`${signal.aborted ? "stopped" : "done"} after ${seconds(ms)}: ${count(done)} numbers, ${count(Math.round(done / (ms / 1000)))} a second`);
    console.log(`the longest chain${signal.aborted ? " so far" : ""} begins at ${count(best.number)} and has ${best.steps} steps`);
    if (stepsFrom(best.number) !== best.steps) throw new Error(`${best.number} takes ${stepsFrom(best.number)} steps, and not ${best.steps}`);
    console.log(`drawn in ${(await draw(out, chains, samples)).join(" and ")}`);
  }
  signal.throwIfAborted();
  const published = PUBLISHED.filter((number) => number < below);
  const found = chains.map(({ number }) => number);
  if (found.join() !== published.join()) throw new Error(`found were ${found.join(", ")}; published are ${published.join(", ")}`);
  console.log(`  all ${found.length} numbers with chains longer than those before are those that are published`);
}

await runExample("progress", main);
