// A program of the user's as a batch job: controller and engines are started inside its allocation, and it ends with the
// program. The script that comes of it is readable, and can be submitted by hand.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../../base/index.ts";
import type { LaunchedProgram, ProcessExit, ProgramRequest } from "../launcher.ts";
import { ownScript } from "../local-launcher.ts";
import { readBatchOptions } from "./batch-options.ts";
import type { BatchSystem } from "./batch-system.ts";
import { LaunchedJob } from "./launched-job.ts";
import { renderScript } from "./script.ts";
import { draftJob, submitJob, type Draft } from "./submission.ts";

/** A program that was submitted. */
class BatchProgram extends LaunchedJob implements LaunchedProgram {
  get title(): string {
    return `${this.facts.system.title} job ${this.facts.job.jobId}`;
  }

  /** File with the job's output. */
  get log(): string {
    return this.logOf(0);
  }

  /** Resolves when the job ended; never rejects. */
  get exited(): Promise<ProcessExit> {
    return this.exitOf(0);
  }
}

/**
 * Submits a program.
 *
 * @throws LaunchError when the system refuses it; ConfigError for options that it cannot take
 */
export async function submitProgram(system: BatchSystem, request: ProgramRequest): Promise<LaunchedProgram> {
  const draft = await draftProgram(system, request);
  const launched = new BatchProgram(await submitJob(system, draft, request));
  // The system has a copy, and `previewProgram` makes another.
  await rm(draft.scriptPath, { force: true });
  return launched;
}

/** The script that `submitProgram` would submit. */
export async function previewProgram(system: BatchSystem, request: ProgramRequest): Promise<string> {
  return renderScript(system, (await draftProgram(system, request)).request);
}

async function draftProgram(system: BatchSystem, request: ProgramRequest): Promise<Draft> {
  const { place, n, python = { n: 0, executable: undefined }, program, name, directory } = request;
  if (system.innerLauncher === undefined)
    throw new ConfigError(`${system.title} jobs that start a cluster of their own are not supported; there are such with slurm, pbs, sge and lsf`);
  const options = await readBatchOptions(system, "program", request.options, place.profile.path);
  const engines = [`--engines=${system.innerLauncher}`, `-n=${n}`, ...(python.n > 0 ? [`--python-engines=${python.n}`] : [])];
  const run = ["run", ...engines, ...(python.executable === undefined ? [] : [`--python=${python.executable}`]), `--profile-dir=${place.profile.path}`];
  const made = draftJob(system, place, options, {
    role: "program",
    n: n + python.n,
    shape: "tasks",
    program: [process.execPath, ownScript("ipcluster"), ...run],
    wrapped: program,
    identPrefix: undefined,
    parts: [name, String(process.pid)],
  });
  return { ...made, request: { ...made.request, jobName: jobNameFor(name), outputBase: join(directory, name) } };
}

/** Grid Engine takes no name that begins with a digit, as many a notebook's does. */
const jobNameFor = (name: string): string => (/^[a-z]/i.test(name) ? name : `job-${name}`);
