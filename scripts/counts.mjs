// The closing line `N passed, N failed, N skipped` of every command that runs tests, and the sum of several: each command
// appends its counts to the file that TSPARALLEL_COUNTS_FILE names, and this script, run by itself, adds them up.

import { appendFileSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Prints the closing line and hands the counts on.
 *
 * @returns {number} the exit status they deserve: a skip is a failure under CI=true, and so is a run without any test
 */
export function closingLine({ passed, failed, skipped }) {
  const isForbidden = process.env.CI === "true" && skipped > 0;
  if (isForbidden) console.log("a skipped test is a failure under CI=true");
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  const file = process.env.TSPARALLEL_COUNTS_FILE;
  if (file) appendFileSync(file, `${JSON.stringify({ passed, failed, skipped })}\n`);
  return isForbidden || failed > 0 || passed + skipped === 0 ? 1 : 0;
}

function printSum() {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const line of readFileSync(process.env.TSPARALLEL_COUNTS_FILE, "utf8").split("\n")) {
    if (line === "") continue;
    for (const [name, count] of Object.entries(JSON.parse(line))) sum[name] += count;
  }
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printSum();
