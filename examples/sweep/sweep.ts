// A parameter sweep that can be killed and goes on where it was. A double pendulum is let go at rest at each pair of angles, and the seconds until
// one of its rods turns over are computed on all engines, a row of pairs a task. Each row is saved the moment it comes. The whole is drawn as a map.
//
//   npm run example -- sweep [--size=60] [--seconds=20] [--engines=N] [--out=DIR]

import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Cluster, type Client } from "tsparallel";
import { Plot, plotInto } from "../plots.ts";
import { count, engineCount, folder, makeFolder, readOptions, runExample, seconds, whole } from "../program.ts";
import { secondsToFlip } from "./pendulum.ts";
import { SavedRows, type Row } from "./saved.ts";

const OPTIONS = {
  size: whole(60, "angles of each rod", { min: 2, max: 1000 }),
  seconds: whole(20, "after which a pendulum counts as one that does not turn over", { max: 10_000 }),
  engines: engineCount(),
  out: folder("pendulum-sweep", "where the results and the plot go"),
};

const TELL_MS = 1000;

/** Angles from -π to π. Those of `i` and `size - 1 - i` differ in nothing but the sign. */
const angleOf = (i: number, size: number): number => ((2 * i + 1 - size) / size) * Math.PI;

/** A row of the map: the first rod's angle is the row's, the second's is each. */
function computeRow(row: number, size: number, secondsMax: number): Row {
  return { row, seconds: Array.from({ length: size }, (_, column) => secondsToFlip(angleOf(row, size), angleOf(column, size), secondsMax)) };
}

/** Computes the rows that are missing, and saves each as it comes. */
async function sweep(rc: Client, saved: SavedRows, size: number, secondsMax: number): Promise<number> {
  const missing = Array.from({ length: size }, (_, row) => row).filter((row) => !saved.rows.has(row));
  const view = rc.loadBalancedView().with({ chunkSize: 1 });
  const running = view.map((row: number) => computeRow(row, size, secondsMax), missing);
  let toldMs = performance.now();
  for await (const row of running.items({ order: "completion" })) {
    await saved.add(row);
    if (performance.now() - toldMs < TELL_MS) continue;
    toldMs = performance.now();
    console.log(`  ${saved.rows.size} of ${size} rows are saved`);
  }
  return missing.length;
}

/** What is wrong with the map. A pendulum and its mirror image must turn over at the same time, to the last bit. */
function contradictions(rows: ReadonlyMap<number, Row>, size: number): string[] {
  const all = Array.from({ length: size }, (_, i) => i);
  return all.flatMap((row) =>
    all
      .filter((column) => rows.get(row)?.seconds[column] !== rows.get(size - 1 - row)?.seconds[size - 1 - column] || rows.get(row) === undefined)
      .map((column) => `row ${row}, column ${column} differs from its mirror image`),
  );
}

async function draw(out: string, rows: ReadonlyMap<number, Row>, size: number): Promise<string> {
  const degrees = (i: number): number => (angleOf(i, size) / Math.PI) * 180;
  const half = 180 / size;
  const cells = [...rows.values()].flatMap(({ row, seconds: times }) => times.map((time, column) => ({ first: degrees(row), second: degrees(column), time })));
  const ends = {
    x1: (cell: Cell) => cell.first - half,
    x2: (cell: Cell) => cell.first + half,
    y1: (cell: Cell) => cell.second - half,
    y2: (cell: Cell) => cell.second + half,
  };
  return plotInto(join(out, "sweep.svg"), {
    title: "Seconds until a double pendulum turns over; the light grey ones do not",
    width: 640,
    height: 620,
    x: { label: "first rod (degrees)", ticks: [-180, -90, 0, 90, 180] },
    y: { label: "second rod (degrees)", ticks: [-180, -90, 0, 90, 180] },
    color: { type: "threshold", domain: [0.75, 1, 1.5, 2, 3, 5, 10], scheme: "viridis", reverse: true, legend: true, label: "seconds", unknown: "#ddd" },
    marks: [Plot.rect(cells, { ...ends, inset: -0.2, fill: (cell: Cell) => cell.time ?? Number.NaN })],
  });
}

interface Cell {
  readonly first: number;
  readonly second: number;
  readonly time: number | null;
}

async function main(signal: AbortSignal): Promise<void> {
  const { size, seconds: secondsMax, engines, out } = readOptions(OPTIONS);
  await makeFolder(out);
  const saved = await SavedRows.open(join(out, "results.jsonl"), { size, seconds: secondsMax });
  const before = saved.rows.size;
  console.log(`${size} rows of ${size} pendulums: ${before === 0 ? "none is" : before === size ? "all are" : `${before} are`} in ${saved.path} already`);
  if (before < size) {
    await using cluster = await Cluster.start({ n: engines, private: true, signal });
    signal.addEventListener("abort", () => void cluster.stop());
    const began = performance.now();
    const computed = await sweep(await cluster.connect(), saved, size, secondsMax);
    console.log(`  ${computed} rows computed by ${engines} engines in ${seconds(performance.now() - began)}`);
  }

  const wrong = contradictions(saved.rows, size);
  if (wrong.length > 0) throw new Error(`${wrong.length} results are wrong, the first: ${wrong[0]}`);
  const [first] = saved.rows.values();
  if (first !== undefined && JSON.stringify(first) !== JSON.stringify(computeRow(first.row, size, secondsMax)))
    throw new Error(`row ${first.row} is another when it is computed here`);
  const still = [...saved.rows.values()].flatMap((row) => row.seconds).filter((time) => time === null).length;
  console.log(`all ${count(size * size)} are there, each like its mirror image; ${count(still)} do not turn over within ${secondsMax} s`);
  console.log(`drawn in ${await draw(out, saved.rows, size)}`);
}

await runExample("sweep", main);
