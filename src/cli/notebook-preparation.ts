// What is decided about a notebook's run before anything is started: its kernel, and where it begins.

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { ConfigError, InvariantError } from "../base/index.ts";
import { addCellIds, injectParameters, kernelNameOf, parametersCode, planRun, type Notebook, type Parameter, type RunPlan } from "../core/notebook/index.ts";
import { KERNEL_NAME, kernelspec } from "../kernel/index.ts";
import { findKernel, kernelSpecOf, listKernels, readNotebook, shownKernels, type KernelSpec } from "../notebook/index.ts";
import { outputOf, type NotebookFlags } from "./notebook-flags.ts";

/** The bin whose `kernel start` runs our own kernel. */
const SCRIPT = fileURLToPath(new URL("./bin/tsparallel.js", import.meta.url));

/** The kernels that can be started here, by name. */
export function installedKernels(): ReadonlyMap<string, KernelSpec> {
  const own = kernelSpecOf(KERNEL_NAME, kernelspec(process.execPath, SCRIPT));
  if (own === undefined) throw new InvariantError("our own kernelspec starts nothing");
  return listKernels({ env: process.env, platform: process.platform, home: homedir() }, own);
}

/** Name of the kernel that is wanted, or that the notebook names. */
export function wantedKernel(path: string, notebook: Notebook, { kernel }: Pick<NotebookFlags, "kernel">): string {
  const name = kernel ?? kernelNameOf(notebook);
  if (name === undefined) throw new ConfigError(`${path} names no kernel; ${shownKernels(installedKernels())}`);
  return name;
}

/**
 * The kernel of a run here.
 *
 * @throws ConfigError when the notebook names none, or it is not installed
 */
export function chooseKernel(path: string, notebook: Notebook, flags: Pick<NotebookFlags, "kernel">): KernelSpec {
  return findKernel(wantedKernel(path, notebook, flags), installedKernels());
}

/**
 * Gives cells the ids that the format wants, and the notebook its parameters.
 *
 * @throws InvalidArgumentError when there are parameters, in a language in which they cannot be written
 */
export function prepareNotebook(notebook: Notebook, parameters: readonly Parameter[], language: string): void {
  addCellIds(notebook, newCellId);
  if (parameters.length > 0) injectParameters(notebook, parametersCode(parameters, language), newCellId);
}

/** Ids of cells, of the length that Jupyter gives them. */
const newCellId = (): string => randomBytes(4).toString("hex");

/**
 * Decides which cells are run, and prepares the notebook for it.
 *
 * @returns `undefined` when it is resumed, and all has run well already
 * @throws ConfigError when there are fewer cells than that with which to begin
 */
export async function planOf(path: string, notebook: Notebook, flags: NotebookFlags): Promise<RunPlan | undefined> {
  const { startAt, resume = false } = flags;
  const out = outputOf(path, flags);
  const previous = (resume || startAt !== undefined) && existsSync(out) ? await readNotebook(out) : undefined;
  const plan = planRun(notebook, { startAt, resumes: resume, previous });
  if (startAt !== undefined && plan.startAt > plan.cells.length)
    throw new ConfigError(`${path} has ${plan.cells.length} code cells; --start-at ${plan.startAt} is behind the last`);
  return plan.startAt > plan.cells.length && resume ? undefined : plan;
}

/** Says that there is nothing to run. */
export function tellNothingToDo(path: string, flags: NotebookFlags): void {
  process.stderr.write(`nothing to do: every cell of ${outputOf(path, flags)} has run well\n`);
}
