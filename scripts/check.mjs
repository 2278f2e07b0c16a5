// `npm run check`: everything a change must pass, each step named with its time; goes on after a failure so that one
// run shows them all. `--without-tests` leaves the tests to the caller.

import { performance } from "node:perf_hooks";
import { ensureSetup, entry, run, runBin } from "./bootstrap.mjs";

/** @type {readonly [string, () => Promise<unknown>][]} */
const STEPS = [
  ["format", () => runBin("oxfmt/bin/oxfmt", ["--check", "."])],
  ["lint", () => runBin("oxlint/bin/oxlint", ["--type-aware", "--deny-warnings"])],
  ["types of tests", () => runBin("typescript/bin/tsc", ["-p", "test/tsconfig.json"])],
  ["unused code and dependencies", () => runBin("knip/bin/knip.js", [])],
  ["package", () => run(process.execPath, ["scripts/check-package.mjs"])],
  ["tests", () => run(process.execPath, ["scripts/test.mjs"])],
];

async function main() {
  await ensureSetup();
  const isWithoutTests = process.argv.includes("--without-tests");
  const failed = [];
  for (const [name, step] of STEPS) {
    if (isWithoutTests && name === "tests") continue;
    const began = performance.now();
    console.log(`\n== ${name}`);
    try {
      await step();
    } catch (error) {
      failed.push(name);
      console.error(error.message);
    }
    console.log(`== ${name}: ${failed.includes(name) ? "FAILED" : "ok"} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  console.log(failed.length === 0 ? "\ncheck: all ok" : `\ncheck: failed: ${failed.join(", ")}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

entry(main);
