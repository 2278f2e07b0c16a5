// Runs the benchmarks and prints the table. `--quick` takes small inputs, `--list` names the measures, names choose.
// Exit status 1 when a measure fails or stays under its floor (not with `--quick`, whose figures mean nothing).

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { broadcast, shortTasks, singleTasks, submission } from "./cluster/client.ts";
import { bakapara } from "./cluster/jobs.ts";
import { pythonEngines } from "./cluster/python-engines.ts";
import { routing } from "./cluster/routing.ts";
import { memory, million, start } from "./cluster/footprint.ts";
import { start16, startSlurm, startSsh } from "./cluster/launchers.ts";
import { kernelCell, kernelStart } from "./cluster/notebook-kernel.ts";
import { map, push, roundtrip, tasks } from "./cluster/throughput.ts";
import { reaches, type Measure, type Outcome } from "./measure.ts";
import { capture, recapture } from "./micro/capture-measure.ts";
import { scheduler } from "./micro/scheduler-measure.ts";
import { findParallel, findPython } from "./peers.ts";

const MEASURES: readonly Measure[] = [
  tasks,
  roundtrip,
  map,
  submission,
  shortTasks,
  singleTasks,
  bakapara,
  start,
  start16,
  startSsh,
  startSlurm,
  memory,
  push,
  broadcast,
  million,
  routing,
  pythonEngines,
  kernelStart,
  kernelCell,
  scheduler,
  capture,
  recapture,
];

const number = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function floorText(measure: Measure): string {
  return "atLeast" in measure.floor ? `≥ ${number(measure.floor.atLeast)}` : `≤ ${number(measure.floor.atMost)}`;
}

function row(measure: Measure, outcome: Outcome): string {
  // What needs the peer's engines is not measured without them.
  const ours = Number.isNaN(outcome.ours.value) ? "–" : `${number(outcome.ours.value)} ${outcome.ours.unit}`;
  const peer =
    outcome.peer === undefined
      ? outcome.missing === undefined
        ? "–"
        : `${outcome.missing}: not installed`
      : `${number(outcome.peer.value)} ${outcome.peer.unit}`;
  const ratio = outcome.ratio === undefined ? "–" : number(outcome.ratio);
  const verdict = reaches(measure, outcome);
  const mark = verdict === undefined ? "not compared" : verdict ? "reached" : "NOT REACHED";
  return `| ${measure.title} | ${ours} | ${peer} | ${ratio} | ${floorText(measure)} | ${mark} | ${outcome.notes ?? ""} |`;
}

async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes("--list")) {
    for (const measure of MEASURES) console.log(`${measure.name.padEnd(12)} ${measure.title}`);
    return;
  }
  const quick = argv.includes("--quick");
  const names = argv.filter((word) => !word.startsWith("--"));
  const unknown = names.filter((word) => !MEASURES.some((measure) => measure.name === word));
  if (unknown.length > 0) throw new Error(`no measure is called ${unknown.join(", ")}; there are: ${MEASURES.map((measure) => measure.name).join(", ")}`);
  const context = { quick, python: findPython(), parallel: findParallel() };
  const lines = ["| measure | tsparallel | peer | ratio | floor | | notes |", "|---|---|---|---|---|---|---|"];
  let failures = 0;
  for (const measure of MEASURES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    process.stderr.write(`${measure.name}: ${measure.title} …\n`);
    try {
      const outcome = await measure.run(context);
      if (reaches(measure, outcome) === false && !quick) failures += 1;
      lines.push(row(measure, outcome));
    } catch (error) {
      failures += 1;
      lines.push(`| ${measure.title} | failed: ${error instanceof Error ? error.message : String(error)} | | | | | |`);
    }
  }
  const cpu = cpus();
  const table = `${lines.join("\n")}\n\nNode ${process.versions.node}, ${cpu.length} cores (${cpu[0]?.model ?? "unknown"})${quick ? "; quick: small inputs, figures mean nothing" : ""}`;
  console.log(table);
  mkdirSync(new URL("./results/", import.meta.url), { recursive: true });
  writeFileSync(new URL(`./results/${new Date().toISOString().replaceAll(":", "-")}.md`, import.meta.url), `${table}\n`);
  process.exitCode = failures === 0 ? 0 : 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
