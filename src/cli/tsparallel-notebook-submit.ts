// `tsparallel notebook submit`: a job of a batch system in which a cluster is started and a notebook is run on it, cell by cell. The job is
// the one of `ipcluster submit`, with `tsparallel notebook run` as its program.

import { basename, resolve } from "node:path";
import type { ClusterPlan } from "../cluster/index.ts";
import { strangeParameters, type Notebook } from "../core/notebook/index.ts";
import type { EngineLanguage } from "../core/index.ts";
import { ownScript, type ProgramRequest } from "../launch/index.ts";
import { readNotebook, type KernelSpec } from "../notebook/index.ts";
import { isDict } from "../wire/index.ts";
import { addClusterFlags, addSubmitFlags, clusterRequest, commandLogger, SUBMIT_FLAGS, type SubmitFlags } from "./cluster-flags.ts";
import { checkPython, enginesFor, type NotebookEngines } from "./notebook-engines.ts";
import { addNotebookFlags, notebookArguments, outputOf, type NotebookFlags } from "./notebook-flags.ts";
import { installedKernels, planOf, prepareNotebook, tellNothingToDo, wantedKernel } from "./notebook-preparation.ts";
import { addExamples, Option, type Command } from "./program.ts";
import { planSubmission, submitProgram } from "./submit-program.ts";

/** Begins its lines in logs. */
const LOG = "notebook";
/** First word of `python.command` when nobody has set it. */
const PYTHON = "python3";

interface NotebookSubmitFlags extends NotebookFlags, SubmitFlags {
  readonly engineLanguage?: EngineLanguage;
}

/** Adds `submit` to the group `notebook`. */
export function addNotebookSubmitCommand(notebook: Command): void {
  const submit = notebook.command("submit <notebook>").description("run a notebook inside one job of a batch system, with a controller and engines of its own");
  addSubmitFlags(addNotebookFlags(addClusterFlags(submit, SUBMIT_FLAGS))).addOption(
    new Option("--engine-language <language>", "what the engines run (default: the language of the notebook's kernel)").choices(["typescript", "python"]),
  );
  addExamples(
    submit,
    [
      ["tsparallel notebook submit fit.ipynb --engines=slurm -n 64 --time-limit=2h", "writes fit.out.ipynb, cell by cell, and fit-JOBID.log"],
      ["tsparallel notebook submit fit.ipynb --engines=slurm -n 64 --dry-run > job.sh", "then: sbatch job.sh"],
      ["tsparallel notebook submit fit.ipynb --engines=slurm -n 64 --resume", "after a failure: from the cell that failed"],
    ],
    "In the job, the notebook finds the cluster as it finds a running one elsewhere: by Client.connect() or Python's ipp.Client().\n" +
      "The job ends with the notebook, and with the exit status of `tsparallel notebook run`.",
  );
  submit.action(async (path: string) => submitNotebook(path, submit));
}

async function submitNotebook(path: string, command: Command): Promise<void> {
  const flags = command.opts<NotebookSubmitFlags>();
  const notebook = await readNotebook(path);
  const { name, language, spec } = kernelOf(path, notebook, flags);
  // What would fail at the job's begin fails now, and not after hours in a queue.
  const strange = strangeParameters(notebook, flags.param ?? []);
  prepareNotebook(notebook, flags.param ?? [], language);
  if ((await planOf(path, notebook, flags)) === undefined) return tellNothingToDo(path, flags);
  const plan = await planSubmission(clusterRequest(command));
  const engines = enginesFor(language, spec, flags.engineLanguage);
  const logger = commandLogger(plan.values.logLevel, LOG);
  if (strange !== undefined) logger.warn(strange);
  if (spec === undefined) logger.warn(`the notebook's kernel "${name}" is not installed here; it must be where the job runs`);
  await submitProgram(
    plan,
    {
      ...countsOf(plan, engines),
      program: [ownScript("tsparallel"), "notebook", "run", ...notebookArguments(path, flags)],
      name: basename(path).replace(/\.ipynb$/, ""),
      log: LOG,
      title: "the notebook",
      result: resolve(outputOf(path, flags)),
    },
    flags,
  );
}

/** All engines are of the one kind; those of Python's that the profile adds to TypeScript's stay. */
function countsOf({ n, values }: ClusterPlan, { language, executable }: NotebookEngines): Pick<ProgramRequest, "n" | "python"> {
  const isPython = language === "python";
  const pythons = isPython ? n : values["python.n"];
  if (pythons === 0) return { n };
  const isOwnCommand = values["python.command"][0] !== PYTHON;
  const python = { n: pythons, executable: values["python.executable"] ?? (isOwnCommand ? undefined : executable) };
  if (python.executable !== undefined) checkPython(python.executable);
  return { n: isPython ? 0 : n, python };
}

interface WantedKernel {
  readonly name: string;
  readonly language: string;
  /** `undefined`: it is not installed here. */
  readonly spec: KernelSpec | undefined;
}

/** The kernel, which may be there only where the job runs: after `module load`, or on the nodes. */
function kernelOf(path: string, notebook: Notebook, flags: NotebookFlags): WantedKernel {
  const name = wantedKernel(path, notebook, flags);
  const spec = installedKernels().get(name.toLowerCase());
  const { kernelspec, language_info: info } = notebook.metadata;
  const told = [isDict(kernelspec) ? kernelspec["language"] : undefined, isDict(info) ? info["name"] : undefined].find((one) => typeof one === "string");
  // What the notebook tells is of the kernel that it names.
  return { name, spec, language: spec?.language ?? (flags.kernel === undefined ? String(told ?? "") : "") };
}
