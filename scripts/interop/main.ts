// `npm run test:interop`: ipyparallel's own tests, with its controller and with ours, and a table that compares them test
// by test. The clone is built already when this runs.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { closingLine } from "../counts.mjs";
import { withLock } from "../file-lock.mjs";
import { ensurePython, NoPythonError } from "../python-environment.mjs";
import { baselineOf, countOutcomes, findRegressions, type Baseline, type FileRun, type Regression } from "./compare.ts";
import { parseOptions, USAGE, type InteropOptions } from "./options.ts";
import { readRecorded, writeRecorded } from "./recorded.ts";
import { LOGS, logFileOf, runFile, type Side } from "./run-file.ts";
import { FILES, LEFT_OUT } from "./suite.ts";
import { fileLine, headLine, totalLine } from "./table.ts";

/** Everything known of the last run, each test with its time. */
const RESULTS = join(LOGS, "results.json");
const LOCK = join(LOGS, "lock");

interface SideRuns {
  readonly original: FileRun[];
  readonly ours: FileRun[];
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.isHelp) {
    console.log(USAGE);
    return;
  }
  const python = await findPython();
  if (python === undefined) return;
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => interruption.abort());
  const runs = await withLock(LOCK, 0, () => runAll(options, python, interruption.signal));
  if (interruption.signal.aborted) {
    process.exitCode = 130;
    return;
  }
  writeFileSync(RESULTS, `${JSON.stringify(runs, undefined, 2)}\n`);
  if (options.isRecording) writeRecorded(baselineOf(runs.original));
  const original = runs.original.length > 0 ? baselineOf(runs.original) : readRecorded();
  conclude(options, runs, original);
}

/** Without Python the whole suite counts as skipped, each test of it. */
async function findPython(): Promise<string | undefined> {
  try {
    return await ensurePython();
  } catch (error) {
    if (!(error instanceof NoPythonError)) throw error;
    const count = [...readRecorded().values()].filter((outcome) => outcome === "passed").length;
    console.log(`skipped: ipyparallel's own tests (${FILES.length} files, ${count} tests): ${error.message}`);
    process.exitCode = closingLine({ passed: 0, failed: 0, skipped: count });
    return undefined;
  }
}

/** One run at a time: the tests measure seconds, and another run on the same cores would make them fail. */
async function runAll(options: InteropOptions, python: string, signal: AbortSignal): Promise<SideRuns> {
  const runs: SideRuns = { original: [], ours: [] };
  console.log(headLine());
  for (const file of options.files) {
    const row: Partial<Record<Side, FileRun>> = {};
    for (const side of options.sides) {
      if (signal.aborted) return runs;
      const run = await runFile({ file, side, python, extra: options.extra, signal });
      row[side] = run;
      runs[side].push(run);
    }
    console.log(fileLine(file, row.original, row.ours));
  }
  console.log(totalLine(runs.original, runs.ours));
  return runs;
}

function conclude(options: InteropOptions, runs: SideRuns, original: Baseline): void {
  for (const [name, reason] of Object.entries(LEFT_OUT)) console.log(`left out: ${name}: ${reason}`);
  tellFailures("original", runs.original);
  if (!options.sides.includes("ours")) return;
  const regressions = findRegressions(original, runs.ours, { isChoice: options.isChoice });
  for (const regression of regressions) console.log(`passes with the original, not with ours: ${sentence(regression)}`);
  const tests = runs.ours.flatMap((run) => run.tests);
  const regressed = new Set(regressions.map((regression) => regression.name));
  const others = tests.filter((test) => !regressed.has(test.name));
  for (const test of others) if (test.outcome === "skipped" || test.outcome === "failed") console.log(`${describeOther(test.outcome)}: ${sentence(test)}`);
  const counts = countOutcomes(others);
  process.exitCode = closingLine({
    passed: counts.passed + counts.xfailed + counts.xpassed,
    failed: regressions.length,
    skipped: counts.skipped + counts.failed,
  });
}

const describeOther = (outcome: "skipped" | "failed"): string => (outcome === "skipped" ? "skipped" : "skipped (does not pass with the original either)");

function tellFailures(side: Side, runs: readonly FileRun[]): void {
  for (const run of runs) {
    for (const test of run.tests) if (test.outcome === "failed") console.log(`fails with the ${side}: ${sentence(test)}; see ${logFileOf(run.file, side)}`);
  }
}

function sentence(test: Pick<Regression, "name" | "outcome" | "reason">): string {
  const [firstLine = ""] = test.reason.trim().split("\n");
  return `${test.name} (${test.outcome}): ${firstLine.slice(0, 200)}`;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
