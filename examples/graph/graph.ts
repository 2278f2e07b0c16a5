// A graph of tasks that wait for one another. Each weather station is read, cleaned, summed up and freed on one engine, which keeps its
// values (`follow`); regions and the whole wait for what they join (`after`). All are submitted at once. From the times that the results tell
// it is checked that no task began too early or ran in the wrong place, and the graph and its schedule are drawn.
//
//   npm run example -- graph [--stations=6] [--values=1000000] [--engines=N] [--out=DIR]

import { Cluster, type AsyncResult, type Client } from "tsparallel";
import { count, engineCount, folder, makeFolder, readOptions, runExample, seconds, tableOf, timed, whole } from "../program.ts";
import { drawGraph, drawSchedule, type DoneTask } from "./drawing.ts";
import { join2, measure, readSums, smooth, sumsOf, writeSums, type Sums } from "./stations.ts";

const OPTIONS = {
  stations: whole(6, "weather stations", { min: 2, max: 30 }),
  values: whole(1_000_000, "temperatures of each station, on average"),
  engines: engineCount(),
  out: folder("task-graph", "where the sums and the plots go"),
};

/** A task of the graph. What it waits for stands before it in the list. */
interface Task {
  readonly name: string;
  /** Tasks that must have ended before. */
  readonly after: readonly string[];
  /** The task on whose engine it must run, for it works on what that has left there. */
  readonly follow?: string;
  readonly work: () => unknown;
}

/** By how much the clocks of two processes may differ. */
const CLOCKS_MS = 5;

/** What engines keep between tasks. */
declare const kept: Map<number, Float64Array>;

const regionOf = (station: number): string => (station % 2 === 0 ? "north" : "south");

/** The four tasks of a station. */
function tasksOf(station: number, values: number, out: string): Task[] {
  const [read, clean, sum, free] = ["read", "clean", "sum", "free"].map((step) => `${step} ${station}`) as [string, string, string, string];
  return [
    { name: read, after: [], work: () => kept.set(station, measure(station, values)).size },
    { name: clean, after: [read], follow: read, work: () => kept.set(station, smooth(kept.get(station)!)).size },
    { name: sum, after: [clean], follow: clean, work: () => writeSums(out, sum, sumsOf(kept.get(station)!)) },
    { name: free, after: [sum], follow: clean, work: () => kept.delete(station) },
  ];
}

/** A task that joins the sums of others. */
function joining(name: string, parts: readonly string[], out: string): Task {
  const work = async (): Promise<void> => {
    const sums: Sums[] = [];
    for (const part of parts) sums.push(await readSums(out, part));
    await writeSums(out, name, sums.reduce(join2));
  };
  return { name, after: parts, work };
}

/** Values of each station: some have more of them than others. */
const valuesOf = (station: number, mean: number): number => Math.round(mean * (0.5 + ((station * 5) % 7) / 6));

function graphOf(stations: number, values: number, out: string): Task[] {
  const all = Array.from({ length: stations }, (_, station) => station);
  const regions = ["north", "south"].map((region) => {
    const parts = all.filter((station) => regionOf(station) === region).map((station) => `sum ${station}`);
    return joining(region, parts, out);
  });
  return [...all.flatMap((station) => tasksOf(station, valuesOf(station, values), out)), ...regions, joining("total", ["north", "south"], out)];
}

/** Submits all tasks at once: what is to wait for what is the scheduler's business. */
function submit(rc: Client, graph: readonly Task[]): Map<string, AsyncResult<unknown>> {
  const lview = rc.loadBalancedView();
  const results = new Map<string, AsyncResult<unknown>>();
  for (const { name, after, follow, work } of graph) {
    const view = lview.with({
      label: name,
      after: after.map((other) => results.get(other)!),
      ...(follow === undefined ? {} : { follow: results.get(follow)! }),
    });
    results.set(name, view.apply(work));
  }
  return results;
}

/** Where and when each task ran, in milliseconds since the first began. */
function doneTasks(graph: readonly Task[], results: ReadonlyMap<string, AsyncResult<unknown>>): DoneTask[] {
  const facts = graph.map((task) => ({ task, metadata: results.get(task.name)!.metadata }));
  const times = facts.map(({ metadata }) => [Date.parse(metadata.started!), Date.parse(metadata.completed!)] as const);
  const beganMs = Math.min(...times.map(([started]) => started));
  return facts.map(({ task, metadata }, i) => ({
    name: task.name,
    after: task.after,
    follow: task.follow,
    engine: metadata.engineId as number,
    startMs: times[i]![0] - beganMs,
    endMs: times[i]![1] - beganMs,
  }));
}

/** What went against the graph. */
function violations(tasks: readonly DoneTask[]): string[] {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const early = tasks.flatMap(({ name, after, startMs }) =>
    after.filter((other) => startMs < byName.get(other)!.endMs - CLOCKS_MS).map((other) => `${name} began before ${other} had ended`),
  );
  const astray = tasks.flatMap(({ name, follow, engine }) =>
    follow !== undefined && byName.get(follow)!.engine !== engine ? [`${name} did not run where ${follow} had run`] : [],
  );
  return [...early, ...astray];
}

/** The chain of tasks, each waiting for the one before, that has most to compute. */
function longestChain(tasks: readonly DoneTask[]): { names: string[]; ms: number } {
  const chains = new Map<string, { names: string[]; ms: number }>();
  for (const { name, after, startMs, endMs } of tasks) {
    const before = after.map((other) => chains.get(other)!).reduce((best, one) => (one.ms > best.ms ? one : best), { names: [], ms: 0 });
    chains.set(name, { names: [...before.names, name], ms: before.ms + endMs - startMs });
  }
  return [...chains.values()].reduce((best, one) => (one.ms > best.ms ? one : best));
}

/** What the sums must be, computed here. */
function expected(stations: number, values: number): Sums {
  const sums = Array.from({ length: stations }, (_, station) => sumsOf(smooth(measure(station, valuesOf(station, values)))));
  const [north, south] = ["north", "south"].map((region) => sums.filter((_, station) => regionOf(station) === region).reduce(join2));
  return join2(north!, south!);
}

async function main(signal: AbortSignal): Promise<void> {
  const { stations, values, engines, out } = readOptions(OPTIONS);
  await makeFolder(out);
  await using cluster = await Cluster.start({ n: engines, private: true, signal });
  signal.addEventListener("abort", () => void cluster.stop());
  const rc = await cluster.connect();
  await rc.directView().push({ kept: new Map<number, Float64Array>() });

  const graph = graphOf(stations, values, out);
  const edges = graph.reduce((sum, { after }) => sum + after.length, 0);
  console.log(`${graph.length} tasks, ${edges} times one waits for another, submitted at once to ${engines} engines`);
  const results = submit(rc, graph);
  const { ms } = await timed(async () => {
    for (const result of results.values()) await result;
  });

  const tasks = doneTasks(graph, results);
  const wrong = violations(tasks);
  if (wrong.length > 0) throw new Error(`the schedule is wrong: ${wrong.join("; ")}`);
  const [total, exact] = [await readSums(out, "total"), expected(stations, values)];
  if (JSON.stringify(total) !== JSON.stringify(exact)) throw new Error(`the total is ${JSON.stringify(total)}, and must be ${JSON.stringify(exact)}`);
  console.log(`all done after ${seconds(ms)}: each began after what it waits for, and where its values lay`);
  console.log(
    `  mean of ${count(total.values)} temperatures ${(total.sum / total.values).toFixed(3)}, highest ${total.highest.toFixed(3)}; the same when computed here`,
  );
  const chain = longestChain(tasks);
  console.log(`  the longest chain computes ${seconds(chain.ms)}: ${chain.names.join(" → ")}\n`);

  const rows = rc.ids.map((id) => {
    const own = tasks.filter(({ engine }) => engine === id);
    const busyMs = own.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
    const reads = own.filter(({ name }) => name.startsWith("read")).map(({ name }) => name.slice("read ".length));
    return [String(id), String(own.length), seconds(busyMs), reads.join(" ")];
  });
  console.log(tableOf([["engine", "tasks", "busy", "stations"], ...rows]));
  console.log(`\ndrawn in ${await drawGraph(out, tasks)} and ${await drawSchedule(out, tasks)}`);
}

await runExample("graph", main);
