// `tsparallel notebook`, and its `run`: executes a notebook's cells without a person, with a cluster or without.

import { dirname, resolve } from "node:path";
import { InvariantError } from "../base/index.ts";
import { strangeParameters, type Notebook, type NotebookEnd, type Parameter, type RunPlan } from "../core/notebook/index.ts";
import { createLogger, fdWriter } from "../log/index.ts";
import { NotebookFile, readNotebook, runNotebook, type KernelSpec } from "../notebook/index.ts";
import { wholeNumber } from "./cluster-flags.ts";
import { Interruption } from "./interruption.ts";
import { openNotebookCluster, type ClusterWish } from "./notebook-cluster.ts";
import { addNotebookFlags, outputOf, type NotebookFlags } from "./notebook-flags.ts";
import { chooseKernel, planOf, prepareNotebook, tellNothingToDo } from "./notebook-preparation.ts";
import { NotebookReport } from "./notebook-report.ts";
import { addExamples, ExitError, Option, type Command } from "./program.ts";
import { addProfileOptions } from "./schema-options.ts";
import { addNotebookSubmitCommand } from "./tsparallel-notebook-submit.ts";

const ALL_OUTPUT_CHARS_MAX = 256 * 1024 ** 2;
/** Nothing else keeps this process alive in every moment. */
const HOLD_MS = 60_000;

type RunOptions = ClusterWish & NotebookFlags;

/** Adds `notebook`, the group, with `run`. */
export function addNotebookCommand(program: Command): Command {
  const notebook = program.command("notebook").description("notebooks without a person: run here, or submit to a batch system");
  const run = addNotebookFlags(notebook.command("run <notebook>"))
    .description("execute a notebook's code cells in order, with any Jupyter kernel that is installed, or this package's own")
    .addOption(
      new Option("-n, --n <engines>", "start a private cluster of so many engines, for this run")
        .argParser(wholeNumber)
        .conflicts(["profile", "profileDir", "clusterId", "file"]),
    )
    .option("--cluster-id <id>", "which cluster of the profile (default: the one without an id)")
    .addOption(new Option("--file <path>", "connection file of the client, instead of a profile").conflicts(["profile", "profileDir", "clusterId"]));
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
  addNotebookSubmitCommand(notebook);
  return notebook;
}

async function runCommand(path: string, options: RunOptions): Promise<void> {
  const notebook = await readNotebook(path);
  const spec = chooseKernel(path, notebook, options);
  const { param: parameters = [] } = options;
  const strange = strangeParameters(notebook, parameters);
  if (strange !== undefined) createLogger("notebook", fdWriter(2), "warn").warn(strange);
  prepareNotebook(notebook, parameters, spec.language);
  const out = outputOf(path, options);
  const plan = await planOf(path, notebook, options);
  if (plan === undefined) return tellNothingToDo(path, options);
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
  const file = await NotebookFile.open(out, notebook);
  using interruption = new Interruption(createLogger("notebook", fdWriter(2), "warn"));
  await using cluster = await openNotebookCluster(options, spec, interruption.signal);
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
    file,
    kernel: { spec, cwd: resolve(options.cwd ?? dirname(path)), env: { ...process.env, ...cluster.env } },
    limits: { allowsErrors: options.allowErrors === true, cellTimeoutMs, outputCharsMax, allCharsMax: ALL_OUTPUT_CHARS_MAX },
    parameters: Object.fromEntries(parameters.map(({ name, value }) => [name, value])),
    onEffect: (effect) => report.take(effect),
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
      throw new ExitError(1, `${path}: ${cell(number)} failed: ${ename}: ${(evalue.split("\n")[0] ?? "").replace(/\.$/, "")}; ${saved}`);
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
      report.line(saved);
      throw signal.reason;
  }
}
