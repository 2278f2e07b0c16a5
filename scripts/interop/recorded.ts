// The original's outcomes as recorded in the repository: what `--ours` alone is held against.

import { readFileSync, writeFileSync } from "node:fs";
import type { Baseline } from "./compare.ts";
import type { Outcome } from "./report.ts";

const FILE = new URL("../../test/interop/original.json", import.meta.url);

/** The recorded outcomes, by test. */
export function readRecorded(): Baseline {
  return new Map(Object.entries(JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Outcome>));
}

/** Records outcomes, sorted by name. */
export function writeRecorded(baseline: Baseline): void {
  const sorted = [...baseline].toSorted(([left], [right]) => (left < right ? -1 : 1));
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
}
