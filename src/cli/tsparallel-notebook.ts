// `tsparallel notebook run`: executes a notebook's cells without a person, with a cluster or without.

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, InvalidArgumentError as InvalidArgument, InvariantError } from "../base/index.ts";
import {
  addCellIds,
  injectParameters,
  kernelNameOf,
  parametersCode,
  parseParameter,
  planRun,
  type Notebook,
  type NotebookEnd,
  type Parameter,
  type RunPlan,
} from "../core/notebook/index.ts";
import { KERNEL_NAME, kernelspec } from "../kernel/index.ts";
import { createLogger, fdWriter } from "../log/index.ts";
import { findKernel, kernelSpecOf, listKernels, readNotebook, runNotebook, shownKernels, type KernelSpec } from "../notebook/index.ts";
import { positiveNumber, wholeNumber } from "./cluster-flags.ts";
import { Interruption } from "./interruption.ts";
import { openNotebookCluster, type ClusterWish } from "./notebook-cluster.ts";
import { NotebookReport } from "./notebook-report.ts";
import { addExamples, ExitError, InvalidArgumentError, Option, type Command } from "./program.ts";
import { addProfileOptions } from "./schema-options.ts";

/** The bin whose `kernel start` runs our own kernel. */
const SCRIPT = fileURLToPath(new URL("./bin/tsparallel.js", import.meta.url));
const OUTPUT_MIB = 10;
const ALL_OUTPUT_CHARS_MAX = 256 * 1024 ** 2;
/** Nothing else keeps this process alive in every moment. */
const HOLD_MS = 60_000;

interface RunOptions extends ClusterWish {
  readonly output?: string;
  readonly inplace?: boolean;
  readonly kernel?: string;
  readonly param?: readonly Parameter[];
  readonly timeout?: number;
  readonly startAt?: number;
  readonly resume?: boolean;
  readonly allowErrors?: boolean;
  readonly stream?: boolean;
  readonly cwd?: string;
  readonly outputLimit: number;
}

/** Adds `notebook`, the group, with `run`. */
export function addNotebookCommand(program: Command): Command {
  const notebook = program.command("notebook").description("notebooks without a person: run");
  const run = notebook
    .command("run <notebook>")
    .description("execute a notebook's code cells in order, with any Jupyter kernel that is installed, or this package's own")
    .option("-o, --output <path>", "where the executed notebook is written (default: NAME.out.ipynb beside NAME.ipynb)")
    .addOption(new Option("--inplace", "write into the notebook itself").conflicts("output"))
    .option("--kernel <name>", "kernel to use (default: the one the notebook names)")
    .option("--param <name=value>", "set a parameter; JSON or else a text; may be given again", collectParameter)
    .option("--timeout <seconds>", "how long one cell may take (default: for ever)", positiveNumber)
    .option("--allow-errors", "go on after a cell that fails")
    .option("--resume", "begin at the first cell that has not run well in the output of the last run")
    .addOption(new Option("--start-at <n>", "begin at the n-th code cell").argParser(cellNumber).conflicts("resume"))
    .addOption(
      new Option("-n, --n <engines>", "start a private cluster of so many engines, for this run")
        .argParser(wholeNumber)
        .conflicts(["profile", "profileDir", "clusterId", "file"]),
    )
    .option("--cluster-id <id>", "which cluster of the profile (default: the one without an id)")
    .addOption(new Option("--file <path>", "connection file of the client, instead of a profile").conflicts(["profile", "profileDir", "clusterId"]))
    .option("--cwd <directory>", "where the kernel runs (default: the notebook's directory)")
    .option("--stream", "show what cells write, while they run")
    .option("--output-limit <MiB>", "what one cell's outputs may have together, in Mi characters", positiveNumber, OUTPUT_MIB);
  addExamples(
    addProfileOptions(run),
    [
      ["tsparallel notebook run analysis.ipynb", "writes analysis.out.ipynb"],
      ["tsparallel notebook run analysis.ipynb -n 4", "with a cluster of four engines for it"],
      ["tsparallel notebook run analysis.ipynb --profile mezcal", "with a cluster that runs"],
      ["tsparallel notebook run analysis.ipynb --param alpha=0.5 -o alpha-0.5.ipynb", "with another value"],
      ["tsparallel notebook run analysis.ipynb --resume", "after a failure: from the cell that failed"],
    ],
    "Code cells are counted from 1. Exit status: 0 every cell ran well (or errors are allowed), 1 a cell failed, the kernel died or\n" +
      "nothing could be run, 2 wrong use, 130 interrupted by Ctrl-C.",
  );
  run.action(async (path: string) => runCommand(path, run.opts<RunOptions>()));
  return notebook;
}

function collectParameter(text: string, before: readonly Parameter[] | undefined): Parameter[] {
  try {
    return [...(before ?? []), parseParameter(text)];
  } catch (cause) {
    if (cause instanceof InvalidArgument) throw new InvalidArgumentError(cause.message);
    throw cause;
  }
}

function cellNumber(text: string): number {
  const number = wholeNumber(text);
  if (number < 1) throw new InvalidArgumentError("code cells are counted from 1.");
  return number;
}

async function runCommand(path: string, options: RunOptions): Promise<void> {
  const notebook = await readNotebook(path);
  const spec = chooseKernel(path, notebook, options.kernel);
  const { param: parameters = [] } = options;
  addCellIds(notebook, newCellId);
  if (parameters.length > 0) injectParameters(notebook, parametersCode(parameters, spec.language), newCellId);
  const out = options.inplace === true ? path : (options.output ?? `${path.replace(/\.ipynb$/, "")}.out.ipynb`);
  const previous = (options.resume === true || options.startAt !== undefined) && existsSync(out) ? await readNotebook(out) : undefined;
  const plan = planRun(notebook, { startAt: options.startAt, resumes: options.resume === true, previous });
  if (options.startAt !== undefined && plan.startAt > plan.cells.length)
    throw new ConfigError(`${path} has ${plan.cells.length} code cells; --start-at ${plan.startAt} is behind the last`);
  if (plan.startAt > plan.cells.length && options.resume === true) return void process.stderr.write(`nothing to do: every cell of ${out} has run well\n`);
  const hold = setInterval(() => undefined, HOLD_MS);
  try {
    await runPlan({ path, out, notebook, plan, spec, parameters }, options);
  } finally {
    clearInterval(hold);
  }
}

interface Prepared {
  readonly path: string;
  readonly out: string;
  readonly notebook: Notebook;
  readonly plan: RunPlan;
  readonly spec: KernelSpec;
  readonly parameters: readonly Parameter[];
}

async function runPlan(prepared: Prepared, options: RunOptions): Promise<void> {
  const { path, out, notebook, plan, spec, parameters } = prepared;
  using interruption = new Interruption(createLogger("notebook", fdWriter(2), "warn"));
  await using cluster = await openNotebookCluster(options, spec.language, interruption.signal);
  const end = new AbortController();
  void cluster.ended.then((why) => end.abort(new ExitError(1, `${why}; the run was ended`))); // never rejects
  const signal = AbortSignal.any([interruption.signal, end.signal]);
  using report = new NotebookReport(plan.cells.length, options.stream === true);
  report.line(`${path} -> ${out}, kernel ${spec.name}${cluster.title === "" ? "" : `, ${cluster.title}`}`);
  if (plan.startAt > 1) report.line(resumption(plan));
  const outputCharsMax = Math.ceil(options.outputLimit * 1024 ** 2);
  const cellTimeoutMs = options.timeout === undefined ? undefined : options.timeout * 1000;
  const ended = await runNotebook({
    notebook,
    plan,
    out,
    kernel: { spec, cwd: resolve(options.cwd ?? dirname(path)), env: { ...process.env, ...cluster.env } },
    limits: { allowsErrors: options.allowErrors === true, cellTimeoutMs, outputCharsMax, allCharsMax: ALL_OUTPUT_CHARS_MAX },
    parameters: Object.fromEntries(parameters.map(({ name, value }) => [name, value])),
    onEffect: (effect) => report.take(effect),
    onReady: () => undefined,
    signal,
  });
  conclude(ended, prepared, report, signal);
}

/** A new kernel knows nothing of what cells did that are not run again. */
function resumption({ startAt, again, cells }: RunPlan): string {
  const also = again.length === 0 ? "" : `, and before it at ${again.map(String).join(", ")}`;
  return `beginning at cell ${startAt} of ${cells.length}${also}: the kernel is new, and names that other cells before it made are not there`;
}

function conclude(end: NotebookEnd, { path, out, plan }: Prepared, report: NotebookReport, signal: AbortSignal): void {
  const saved = `what ran is in ${out}`;
  const cell = (number: number): string => `cell ${number} of ${plan.cells.length}`;
  const cellAt = (number: number): RunPlan["cells"][number] => {
    const found = plan.cells[number - 1];
    if (found === undefined) throw new InvariantError(`a run tells of code cell ${number}, and there are ${plan.cells.length}`);
    return found;
  };
  switch (end.type) {
    case "completed":
      for (const failure of end.failures) report.failure(cellAt(failure.number).cell, failure);
      report.line(end.failures.length === 0 ? `done: ${out}` : `done, and ${end.failures.length} of the cells failed: ${out}`);
      return;
    case "failed": {
      const { number, ename, evalue } = end.failure;
      report.failure(cellAt(number).cell, end.failure);
      throw new ExitError(1, `${path}: ${cell(number)} failed: ${ename}: ${evalue.split("\n")[0]}; ${saved}`);
    }
    case "timedOut":
      throw new ExitError(
        1,
        `${path}: ${cell(end.number)} took longer than --timeout allows and was ${end.isKilled ? "killed with its kernel, which did not let itself be interrupted" : "interrupted"}; ${saved}`,
      );
    case "kernelDied":
      throw new ExitError(1, `${path}: the kernel ${end.how} ${end.number === 0 ? "between two cells" : `while it ran ${cell(end.number)}`}; ${saved}`);
    case "saveFailed":
      throw end.error;
    case "stopped":
      throw signal.reason;
  }
}

function chooseKernel(path: string, notebook: Notebook, wanted: string | undefined): KernelSpec {
  const own = kernelSpecOf(KERNEL_NAME, kernelspec(process.execPath, SCRIPT));
  if (own === undefined) throw new InvariantError("our own kernelspec starts nothing");
  const kernels = listKernels({ env: process.env, platform: process.platform, home: homedir() }, own);
  const name = wanted ?? kernelNameOf(notebook);
  if (name === undefined) throw new ConfigError(`${path} names no kernel; ${shownKernels(kernels)}`);
  return findKernel(name, kernels);
}

/** Ids of cells, of the length that Jupyter gives them. */
const newCellId = (): string => randomBytes(4).toString("hex");
