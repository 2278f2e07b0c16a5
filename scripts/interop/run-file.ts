// Runs one file of ipyparallel's tests with one controller: a pytest of its own with a home of its own, a deadline, and
// nothing left running afterwards.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { killMarked, MARK } from "../leftovers.mjs";
import type { FileRun } from "./compare.ts";
import { parseReport } from "./report.ts";
import { FILE_LIMIT_MS, LEFT_OUT } from "./suite.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PLUGINS = join(ROOT, "test", "interop");
/** Where logs and results are kept until the next run. */
export const LOGS: string = join(ROOT, ".tmp", "interop");

/** Which controller the tests start. */
export type Side = "original" | "ours";

/** What is run. */
export interface FileRunOptions {
  readonly file: string;
  readonly side: Side;
  /** The environment's interpreter. */
  readonly python: string;
  /** Further arguments of pytest. */
  readonly extra: readonly string[];
  readonly signal: AbortSignal;
}

/** Where the output of pytest and of all it started is kept. */
export function logFileOf(file: string, side: Side): string {
  return join(LOGS, `${basename(file, ".py")}-${side}.log`);
}

/** Runs one file with one controller. */
export async function runFile(options: FileRunOptions): Promise<FileRun> {
  const folder = mkdtempSync(join(tmpdir(), "tsparallel-interop-"));
  const mark = basename(folder);
  const reportFile = join(folder, "report.jsonl");
  const began = performance.now();
  try {
    const end = await runPytest(options, folder, { ...environment(options, folder, reportFile), [MARK]: mark });
    const seconds = (performance.now() - began) / 1000;
    const report = existsSync(reportFile) ? readFileSync(reportFile, "utf8") : JSON.stringify({ broken: options.file, reason: end }) + "\n";
    return { file: options.file, seconds, tests: parseReport(report, end) };
  } finally {
    killMarked(mark);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Resolves with a sentence on how pytest ended. */
async function runPytest(options: FileRunOptions, folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  mkdirSync(LOGS, { recursive: true });
  const log = openSync(logFileOf(options.file, options.side), "w");
  const module = `ipyparallel.tests.${basename(options.file, ".py")}`;
  const args = ["-m", "pytest", "-c", join(PLUGINS, "pytest.ini"), "-rA", "--pyargs", module, ...options.extra];
  const child = spawn(options.python, args, { cwd: folder, env, stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  const stop = (): void => killGroup(child);
  const deadline = setTimeout(stop, FILE_LIMIT_MS);
  options.signal.addEventListener("abort", stop, { once: true });
  if (options.signal.aborted) stop();
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    if (signal === "SIGKILL") return `not ended within ${FILE_LIMIT_MS / 1000} s`;
    return `pytest ended before with ${signal ?? `exit status ${code}`}`;
  } finally {
    clearTimeout(deadline);
    options.signal.removeEventListener("abort", stop);
    killGroup(child);
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

/** What a user has set for IPython, Jupyter or Python must not change the outcome. */
function environment(options: FileRunOptions, folder: string, reportFile: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(IPP_|IPYTHON|JUPYTER|PYTHON|PYTEST|XDG_|NODE_OPTIONS|npm_|TSPARALLEL_)/.test(name));
  // Beside one another: paths under the home directory are shown with `~`, and a test looks at what is shown.
  const home = join(folder, "home");
  const temporary = join(folder, "tmp");
  for (const place of [home, temporary]) mkdirSync(place);
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    IPYTHONDIR: join(home, "ipython"),
    TMPDIR: temporary,
    MPLBACKEND: "agg",
    PYTHONPATH: PLUGINS,
    PYTHONDONTWRITEBYTECODE: "1",
    PATH: `${dirname(options.python)}:${process.env["PATH"] ?? ""}`,
    TSPARALLEL_INTEROP_FILE: options.file,
    TSPARALLEL_INTEROP_REPORT: reportFile,
    TSPARALLEL_INTEROP_LEFT_OUT: JSON.stringify(Object.keys(LEFT_OUT)),
    ...(options.side === "ours"
      ? { TSPARALLEL_INTEROP_CONTROLLER: JSON.stringify([process.execPath, join(ROOT, "dist", "cli", "bin", "ipcontroller.js")]) }
      : {}),
    ...mpiEnvironment(),
  };
}

/** Open MPI refuses to run as root, and on more processes than cores, unless told otherwise. */
function mpiEnvironment(): NodeJS.ProcessEnv {
  const isRoot = process.getuid?.() === 0;
  return {
    OMPI_MCA_rmaps_base_oversubscribe: "1",
    PRTE_MCA_rmaps_default_mapping_policy: ":oversubscribe",
    ...(isRoot ? { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" } : {}),
  };
}
