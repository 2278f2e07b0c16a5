// Decides, test by test, whether our controller does what the original does, and adds up.

import type { Outcome, TestResult } from "./report.ts";

/** What one file gave with one controller. */
export interface FileRun {
  readonly file: string;
  readonly seconds: number;
  readonly tests: readonly TestResult[];
}

/** How many tests ended how. */
export type Counts = Readonly<Record<Outcome, number>>;

/** A test that passes with the original and not with ours. */
export interface Regression {
  readonly name: string;
  readonly outcome: Outcome | "missing";
  readonly reason: string;
}

/** Outcomes of the original, by test. */
export type Baseline = ReadonlyMap<string, Outcome>;

/** Counts outcomes. */
export function countOutcomes(tests: readonly TestResult[]): Counts {
  const counts: Record<Outcome, number> = { passed: 0, failed: 0, skipped: 0, xfailed: 0, xpassed: 0 };
  for (const test of tests) counts[test.outcome] += 1;
  return counts;
}

/** The original's outcomes, by test. */
export function baselineOf(runs: readonly FileRun[]): Baseline {
  return new Map(runs.flatMap((run) => run.tests.map((test) => [test.name, test.outcome] as const)));
}

/**
 * Tests of these runs that pass in the baseline and do not pass here; a test that is gone counts, unless only a choice of
 * tests was run.
 */
export function findRegressions(baseline: Baseline, runs: readonly FileRun[], options: { readonly isChoice: boolean }): readonly Regression[] {
  const results = new Map(runs.flatMap((run) => run.tests.map((test) => [test.name, test] as const)));
  const files = new Set(runs.map((run) => run.file));
  const required = [...baseline].filter(([name, outcome]) => outcome === "passed" && files.has(name.split("::")[0] ?? "")).map(([name]) => name);
  return required.flatMap((name): readonly Regression[] => {
    const result = results.get(name);
    if (result === undefined) return options.isChoice ? [] : [{ name, outcome: "missing", reason: "the test was not run" }];
    return result.outcome === "passed" ? [] : [{ name, outcome: result.outcome, reason: result.reason }];
  });
}
