// Jobs on their way into a batch system: drafted from what is wanted, written as a script, submitted, and from then on watched.

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { LaunchError } from "../../base/index.ts";
import { fileFailure } from "../../config/index.ts";
import type { Logger } from "../../log/index.ts";
import type { ClusterPlace, LaunchRequest } from "../launcher.ts";
import { logBase } from "../local-launcher.ts";
import { remoteEnvironment } from "../numbered-engines.ts";
import { BatchJob } from "./batch-job.ts";
import type { BatchOptions } from "./batch-options.ts";
import type { BatchJobOptions, BatchJobRequest, BatchSystem, JobListing } from "./batch-system.ts";
import { removeScript, type BatchFacts } from "./launched-job.ts";
import { complaintOf, runCommand, type CommandEnvironment } from "./run-command.ts";
import { renderScript } from "./script.ts";
import { jobNameOf } from "./script-words.ts";

/** A job that is ready to be submitted. */
export interface Draft {
  readonly place: ClusterPlace;
  readonly request: BatchJobRequest;
  readonly options: BatchOptions;
  readonly env: CommandEnvironment;
  readonly scriptPath: string;
}

/** What distinguishes a controller's job from one of engines. */
export interface DraftParts extends Pick<BatchJobRequest, "role" | "n" | "shape" | "program" | "identPrefix" | "wrapped"> {
  /** Beginning and end of the log file's name; the cluster's id stands between. */
  readonly parts: readonly [string, string];
}

/** Makes a job of what is wanted. */
export function draftJob(system: BatchSystem, place: ClusterPlace, options: BatchOptions, { parts, ...what }: DraftParts): Draft {
  const { profile, clusterId } = place;
  const [program, tag] = parts;
  const outputBase = logBase(place, program, tag);
  return {
    place,
    request: {
      ...what,
      jobName: jobNameOf(clusterId === "" ? program : `${program}-${clusterId}`),
      profileDir: profile.path,
      clusterId,
      outputBase,
      options: options.job,
    },
    options,
    env: { ...remoteEnvironment(place), ...system.submitEnvironment },
    scriptPath: system.scriptPath?.(profile.path, what.role) ?? `${outputBase}.${system.scriptSuffix}`,
  };
}

/**
 * Submits a job.
 *
 * @throws LaunchError when the system refuses it; ConfigError for a script that cannot be made; the signal's reason, and then the job is cancelled
 */
export async function submitJob(system: BatchSystem, made: Draft, { signal, logger }: Pick<LaunchRequest, "signal" | "logger">): Promise<BatchFacts> {
  const { place, request, options, env, scriptPath } = made;
  const script = renderScript(system, request);
  await writeScript(scriptPath, script);
  try {
    // Not given up half-way: a job whose id nobody has read could not be cancelled.
    const command = system.submit(scriptPath, script, request.options);
    const [program = "", ...args] = command.argv;
    const output = await runCommand({ ...command, argv: [program, ...options.submitArgs, ...args] }, env);
    if (output.exitCode !== 0) throw new LaunchError(`${system.title} refused the job: ${complaintOf(output)}`);
    const jobId = system.readJobId(output);
    if (jobId === undefined) throw new LaunchError(`${program} did not tell the job's id: ${complaintOf(output)}`);
    logger.info(`submitted ${system.title} job ${jobId}`, { script: scriptPath, tasks: request.n });
    if (signal?.aborted === true) {
      await runCommand(system.cancel(jobId, request.options));
      throw signal.reason;
    }
    const { clusterId, profile } = place;
    const what = { ...request, jobId, scriptPath, clusterId, profileDir: profile.path, queueTimeoutMs: options.queueTimeoutMs };
    return factsOf(system, what, logger);
  } catch (cause) {
    removeScript({ system, scriptPath });
    throw cause;
  }
}

async function writeScript(path: string, script: string): Promise<void> {
  try {
    await writeFile(path, script, { mode: 0o700 });
  } catch (cause) {
    throw new LaunchError(`cannot write the batch script ${path}: ${fileFailure(cause)}`, { cause });
  }
}

/** What is known of a job before it is watched. */
export interface JobParts extends Omit<BatchFacts, "system" | "job" | "scheduler"> {
  readonly jobId: string;
  readonly options: BatchJobOptions;
}

/** A job with its id, watched from now on. */
export function factsOf(system: BatchSystem, { jobId, options, ...what }: JobParts, logger: Logger, known?: JobListing): BatchFacts {
  const { n, shape, outputBase, role } = what;
  const readOutput = (): string => readText(`${outputBase}.log`);
  const job = new BatchJob({ system, jobId, shape, n, options, logger, readOutput: role === "engines" && shape === "tasks" ? readOutput : () => "" }, known);
  return { ...what, system, job, scheduler: options.scheduler };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not written yet, or on another machine only.
    return "";
  }
}
