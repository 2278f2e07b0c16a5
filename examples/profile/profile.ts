// Where the time of tasks goes. Tasks of three kinds (next to nothing to do, much to compute, a megabyte there and back) are submitted at once;
// the times that come with their results tell how long each waited, was on its way, was computed and was on its way back, by kind and by engine.
//
//   npm run example -- profile [--tasks=240] [--engines=N] [--records=sqlite|memory|none] [--out=DIR]

import { join } from "node:path";
import { Cluster, type AsyncResult, type LoadBalancedView } from "tsparallel";
import { Plot, plotInto } from "../plots.ts";
import { choice, engineCount, folder, makeFolder, readOptions, runExample, seconds, tableOf, timed, whole } from "../program.ts";
import { contradictions, PHASES, profilesOf, spent, type Phase, type Profile } from "./phases.ts";

const OPTIONS = {
  tasks: whole(240, "tasks, a third of each kind", { min: 3, max: 20_000 }),
  engines: engineCount(),
  records: choice(["sqlite", "memory", "none"], "sqlite", "where the controller keeps records of tasks, with what was sent"),
  out: folder("task-profile", "where the plots go"),
};

const KINDS = ["short", "compute", "megabyte"] as const;
const COLORS = { domain: PHASES, range: ["#dddddd", "#f28e2b", "#4e79a7", "#e15759"] };

/** Some milliseconds of arithmetic. */
function compute(seed: number): number {
  let sum = 0;
  for (let i = 1; i <= 400_000; i += 1) sum += Math.sin(seed + i) / i;
  return sum;
}

/** A task of a kind; and what it must give. */
function submit(view: LoadBalancedView, kind: (typeof KINDS)[number], seed: number): { result: AsyncResult<unknown>; isRight: (value: unknown) => boolean } {
  const labelled = view.with({ label: kind });
  switch (kind) {
    case "short":
      return { result: labelled.apply((x: number) => x + 1, seed), isRight: (value) => value === seed + 1 };
    case "compute":
      return { result: labelled.apply(compute, seed), isRight: (value) => value === compute(seed) };
    case "megabyte": {
      const numbers = new Float64Array(125_000).fill(seed);
      const isRight = (value: unknown): boolean => value instanceof Float64Array && value.length === numbers.length && value.every((x) => x === 2 * seed);
      return { result: labelled.apply((all: Float64Array) => all.map((x) => 2 * x), numbers), isRight };
    }
  }
}

const total = (profiles: readonly Profile[], phase: Phase): number => profiles.reduce((sum, profile) => sum + spent(profile, phase), 0);

/** Mean milliseconds of each phase, by kind. */
function tableByKind(profiles: readonly Profile[]): string {
  const rows = KINDS.map((kind) => {
    const own = profiles.filter((profile) => profile.kind === kind);
    return [kind, String(own.length), ...PHASES.map((phase) => (total(own, phase) / own.length).toFixed(2))];
  });
  return tableOf([["kind", "tasks", ...PHASES.map((phase) => `${phase} (ms)`)], ...rows]);
}

/** What each engine did with the time from the first submission to the last result. */
function tableByEngine(profiles: readonly Profile[], wallMs: number): string {
  const engines = [...new Set(profiles.map(({ engine }) => engine))].toSorted((a, b) => a - b);
  const rows = engines.map((id) => {
    const own = profiles.filter(({ engine }) => engine === id);
    const [there, busy] = [total(own, "there"), total(own, "compute")];
    const share = (ms: number): string => `${((100 * ms) / wallMs).toFixed(1)} %`;
    return [String(id), String(own.length), share(busy), share(there), share(wallMs - busy - there)];
  });
  return tableOf([["engine", "tasks", "computes", "waits for what is sent", "has nothing to do"], ...rows]);
}

/** Each task as a line from its submission to its result. */
async function drawTasks(out: string, profiles: readonly Profile[]): Promise<string> {
  const lines = profiles.flatMap((profile, task) =>
    PHASES.map((phase, i) => ({ task, phase, kind: profile.kind, from: profile.times[i]!, to: profile.times[i + 1]! })),
  );
  return plotInto(join(out, "tasks.svg"), {
    title: "Each task: waiting (grey), on its way (orange), computing (blue), on its way back (red)",
    width: 900,
    height: Math.min(900, 100 + 2.4 * profiles.length),
    x: { label: "milliseconds since the first submission", grid: true },
    y: { label: "tasks in the order in which they began", reverse: true },
    color: COLORS,
    marks: [Plot.rect(lines, { x1: "from", x2: "to", y1: "task", y2: ({ task }: { task: number }) => task + 0.8, fill: "phase" })],
  });
}

/** What engines run over time, a row for each kind on each engine. */
async function drawEngines(out: string, profiles: readonly Profile[]): Promise<string> {
  const bars = profiles.flatMap(({ kind, engine, times: [, free, started, completed] }) => [
    { row: `${engine}: ${kind}`, phase: "there", from: free, to: started },
    { row: `${engine}: ${kind}`, phase: "compute", from: started, to: completed },
  ]);
  const rows = [...new Set(profiles.map(({ engine }) => engine))].toSorted((a, b) => a - b).flatMap((engine) => KINDS.map((kind) => `${engine}: ${kind}`));
  return plotInto(join(out, "engines.svg"), {
    title: "What each engine did: computing (blue), waiting for what was sent (orange), nothing (white)",
    width: 900,
    height: 80 + 26 * rows.length,
    marginLeft: 90,
    x: { label: "milliseconds since the first submission", grid: true },
    y: { label: null, domain: rows, padding: 0.2 },
    color: COLORS,
    marks: [Plot.barX(bars, { x1: "from", x2: "to", y: "row", fill: "phase" })],
  });
}

async function main(signal: AbortSignal): Promise<void> {
  const { tasks, engines, records, out } = readOptions(OPTIONS);
  await makeFolder(out);
  await using cluster = await Cluster.start({ n: engines, private: true, signal, controller: { args: [`--db=${records}`] } });
  signal.addEventListener("abort", () => void cluster.stop());
  const rc = await cluster.connect();
  const view = rc.loadBalancedView();
  for (const kind of KINDS) for (const id of rc.ids) await submit(view.with({ targets: [id] }), kind, 0).result; // the first call of a function compiles it

  const { value: submitted, ms } = await timed(async () => {
    const all = Array.from({ length: tasks }, (_, i) => submit(view, KINDS[(i + Math.floor(i / 3)) % KINDS.length]!, i));
    await rc.wait(all.map(({ result }) => result));
    return all;
  });
  const wrong = submitted.findIndex(({ result, isRight }) => !isRight(result.result));
  if (wrong >= 0) throw new Error(`task ${wrong} gave a wrong value`);
  const profiles = profilesOf(submitted.map(({ result }) => result.metadata));
  const odd = contradictions(profiles);
  if (odd.length > 0) throw new Error(`the times cannot be: ${odd.join("; ")}`);

  console.log(`${tasks} tasks on ${engines} engines: ${seconds(ms)}, all values right; no engine ran two at once\n`);
  console.log(`${tableByKind(profiles)}\n`);
  console.log(tableByEngine(profiles, Math.max(...profiles.map(({ times }) => times[4]))));
  console.log(`\ndrawn in ${await drawTasks(out, profiles)} and ${await drawEngines(out, profiles)}`);
}

await runExample("profile", main);
