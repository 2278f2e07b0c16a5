// The printed table: one row a file, then totals.

import { countOutcomes, type Counts, type FileRun } from "./compare.ts";

const WIDTHS = [26, 44, 44] as const;

/** The table's first line. */
export function headLine(): string {
  return rowLine("file", "original", "ours");
}

/** One file's line; a side that was not run is left blank. */
export function fileLine(file: string, original: FileRun | undefined, ours: FileRun | undefined): string {
  return rowLine(file, sideText(original), sideText(ours));
}

/** The last line. */
export function totalLine(original: readonly FileRun[], ours: readonly FileRun[]): string {
  return rowLine("total", sideText(sum(original)), sideText(sum(ours)));
}

function rowLine(...cells: readonly [string, string, string]): string {
  return cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join("  ")
    .trimEnd();
}

function sum(runs: readonly FileRun[]): FileRun | undefined {
  if (runs.length === 0) return undefined;
  return { file: "total", seconds: runs.reduce((total, run) => total + run.seconds, 0), tests: runs.flatMap((run) => run.tests) };
}

function sideText(run: FileRun | undefined): string {
  return run === undefined ? "" : `${countsText(countOutcomes(run.tests))}, ${run.seconds.toFixed(1)} s`;
}

/** E.g. `46 passed, 2 skipped, 1 xfailed`; counts of zero are left out. */
export function countsText(counts: Counts): string {
  const parts = (Object.entries(counts) as [string, number][]).filter(([, count]) => count > 0).map(([outcome, count]) => `${count} ${outcome}`);
  return parts.length === 0 ? "no tests" : parts.join(", ");
}
