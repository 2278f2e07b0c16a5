// A virtual environment with the Python packages that tests of Python peers need, under the git-ignored `.tmp/`. It is
// made once, by `python3 -m venv` and pip with the versions of test/interop/requirements.txt, and made anew when these or
// Python change. Nothing here knows what the packages are for.

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./bootstrap.mjs";
import { withLock } from "./file-lock.mjs";

const FOLDER = join(ROOT, ".tmp", "python");
const LOCK = join(ROOT, ".tmp", "python.lock");
const REQUIREMENTS = join(ROOT, "test", "interop", "requirements.txt");
const CLUSTER_CONFIG = join(ROOT, "test", "interop", "ipcluster_config.py");
const STAMP = join(FOLDER, "complete.txt");
const PYTHON = join(FOLDER, "bin", "python");

const VERSION_MIN = [3, 11];
const STEP_LIMIT_MS = 600_000;
const LOCK_LIMIT_MS = 900_000;

/** Why there is no environment, as one sentence. */
export class NoPythonError extends Error {}

/** Runs a program silently; resolves with its exit status and output, and ends it when it takes too long. */
function capture(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: STEP_LIMIT_MS, killSignal: "SIGKILL" });
    let output = "";
    const add = (chunk) => (output += chunk);
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.once("error", (error) => resolve({ code: 1, output: error.message }));
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

const lastLine = (output) => output.trim().split("\n").at(-1) ?? "";

async function basePython() {
  const command = process.env.TSPARALLEL_PYTHON || "python3";
  const { code, output } = await capture(command, ["-c", "import sys; print(sys.version_info[0], sys.version_info[1], sys.executable)"]);
  if (code !== 0) throw new NoPythonError(`there is no ${command}: install Python ${VERSION_MIN.join(".")} or newer, or name one by TSPARALLEL_PYTHON`);
  const [major, minor, ...path] = lastLine(output).split(" ");
  if (Number(major) !== VERSION_MIN[0] || Number(minor) < VERSION_MIN[1])
    throw new NoPythonError(`${command} is Python ${major}.${minor}: Python ${VERSION_MIN.join(".")} or newer is needed; name one by TSPARALLEL_PYTHON`);
  return { command, identity: `${major}.${minor} ${path.join(" ")}` };
}

async function make(python, stamp) {
  console.log("making a Python environment for the tests (once) …");
  rmSync(FOLDER, { recursive: true, force: true });
  const made = await capture(python, ["-m", "venv", FOLDER]);
  if (made.code !== 0) throw new NoPythonError(`${python} -m venv failed (on Debian, install python3-venv): ${lastLine(made.output)}`);
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r", REQUIREMENTS];
  const installed = await capture(PYTHON, args);
  if (installed.code !== 0) throw new NoPythonError(`pip could not install test/interop/requirements.txt: ${lastLine(installed.output)}`);
  writeFileSync(STAMP, stamp);
}

/**
 * The environment's Python; makes the environment when it is missing or out of date.
 *
 * @returns {Promise<string>} path of the interpreter
 * @throws NoPythonError with one sentence when it cannot be had
 */
export async function ensurePython() {
  const { command, identity } = await basePython();
  const stamp = `${identity}\n${readFileSync(REQUIREMENTS, "utf8")}`;
  const isComplete = () => existsSync(STAMP) && existsSync(PYTHON) && readFileSync(STAMP, "utf8") === stamp;
  if (!isComplete()) {
    await withLock(LOCK, LOCK_LIMIT_MS, async () => {
      if (!isComplete()) await make(command, stamp);
    });
  }
  const configFolder = join(FOLDER, "etc", "ipython");
  mkdirSync(configFolder, { recursive: true });
  copyFileSync(CLUSTER_CONFIG, join(configFolder, "ipcluster_config.py"));
  return PYTHON;
}
