// Reads what test/interop/report_plugin.py wrote about one run of pytest.

/** How a test ended; `xfailed` and `xpassed` were expected to fail by the suite itself. */
export type Outcome = "passed" | "failed" | "skipped" | "xfailed" | "xpassed";

/** One test. */
export interface TestResult {
  readonly name: string;
  readonly outcome: Outcome;
  readonly seconds: number;
  readonly reason: string;
}

type Line = { readonly collected: readonly string[] } | { readonly broken: string; readonly reason: string } | TestResult;

/**
 * The results in a report. A test that was collected and never reported has failed, with `unfinished` as its reason, and
 * so has a file that could not be collected.
 */
export function parseReport(text: string, unfinished: string): readonly TestResult[] {
  const results = new Map<string, TestResult>();
  const expected = new Set<string>();
  for (const line of linesOf(text)) {
    if ("collected" in line) for (const name of line.collected) expected.add(name);
    else if ("broken" in line) results.set(line.broken, { name: line.broken, outcome: "failed", seconds: 0, reason: line.reason });
    else results.set(line.name, line);
  }
  for (const name of expected) {
    if (!results.has(name)) results.set(name, { name, outcome: "failed", seconds: 0, reason: unfinished });
  }
  return [...results.values()];
}

function linesOf(text: string): readonly Line[] {
  const complete = text.slice(0, text.lastIndexOf("\n") + 1);
  return complete
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
