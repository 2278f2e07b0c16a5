// `npm test`: sets the clone up when needed, runs the test projects and ends with one line that adds up what the
// runner reported. Arguments name projects (`unit`, `types`, `integration`); none means all. After `--` they go to vitest.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ensureSetup, entry, runBin } from "./bootstrap.mjs";
import { closingLine } from "./counts.mjs";
import { findMarked, killMarked, MARK } from "./leftovers.mjs";
import { ensurePython } from "./python-environment.mjs";

const ALL = ["unit", "types", "integration"];

/** How long vitest may take to end after Ctrl-C, and a test's processes after the last test. */
const INTERRUPT_GRACE_MS = 10_000;
const LEFTOVER_GRACE_MS = 3000;
/** Exit status of what Ctrl-C ended. */
const INTERRUPTED = 130;

function splitArguments(argv) {
  const at = argv.indexOf("--");
  const own = at < 0 ? argv : argv.slice(0, at);
  const projects = own.filter((word) => ALL.includes(word));
  const flags = own.filter((word) => !ALL.includes(word));
  return { projects: projects.length === 0 ? ALL : projects, extra: [...flags, ...(at < 0 ? [] : argv.slice(at + 1))] };
}

/** Adds up vitest's JSON report. */
function count(report) {
  /** @type {string[]} */
  const skippedNames = [];
  const sum = { passed: 0, failed: 0, skipped: 0, skippedNames };
  for (const file of report.testResults) {
    if (file.assertionResults.length === 0 && file.status === "failed") sum.failed += 1;
    for (const test of file.assertionResults) {
      if (test.status === "passed") sum.passed += 1;
      else if (test.status === "failed") sum.failed += 1;
      else {
        sum.skipped += 1;
        sum.skippedNames.push(test.fullName);
      }
    }
  }
  return sum;
}

/** Tests with Python's peers run where Python is: CI makes the environment, others use it when it is there. */
async function preparePython() {
  try {
    await ensurePython();
  } catch (error) {
    console.log(`tests with Python's peers will be skipped: ${error.message}`);
  }
}

/**
 * Runs vitest with a folder for temporary files of its own, and a mark by which its processes are known. Ctrl-C reaches
 * vitest too, which ends its tests and then itself, or is killed.
 */
async function runTests(args, folder) {
  const interrupted = new AbortController();
  const overdue = new AbortController();
  const interrupt = () => {
    interrupted.abort();
    setTimeout(() => overdue.abort(), INTERRUPT_GRACE_MS).unref();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  // As open as the system's own: some tests have programs run as another user.
  chmodSync(folder, 0o755);
  chmodSync(temporary, 0o1777);
  const env = { [MARK]: folder, TMPDIR: temporary, TMP: temporary, TEMP: temporary };
  try {
    const { code } = await runBin("vitest/vitest.mjs", args, { allowFailure: true, env, signal: overdue.signal });
    return interrupted.signal.aborted ? INTERRUPTED : code;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

/** Whether the tests left no process behind; what they left is killed and told. */
async function leftNothing(folder) {
  const deadline = Date.now() + LEFTOVER_GRACE_MS;
  while (findMarked(folder).length > 0 && Date.now() < deadline) await delay(50);
  const left = killMarked(folder);
  for (const command of left) console.log(`left behind by a test: ${command}`);
  return left.length === 0;
}

async function main() {
  const { projects, extra } = splitArguments(process.argv.slice(2));
  await ensureSetup();
  if (process.env.CI === "true" && projects.includes("integration")) await preparePython();
  const folder = mkdtempSync(join(tmpdir(), "tsparallel-test-"));
  const reportFile = join(folder, "report.json");
  try {
    const chosen = projects.flatMap((name) => ["--project", name]);
    const args = ["run", ...chosen, "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`, ...extra];
    const code = await runTests(args, folder);
    if (code === INTERRUPTED) {
      process.exitCode = INTERRUPTED;
      return;
    }
    const isClean = await leftNothing(folder);
    const sum = count(JSON.parse(readFileSync(reportFile, "utf8")));
    for (const name of sum.skippedNames) console.log(`skipped: ${name}`);
    const status = closingLine(sum);
    process.exitCode = code !== 0 ? code : !isClean || sum.passed === 0 ? 1 : status;
  } finally {
    killMarked(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

entry(main);
