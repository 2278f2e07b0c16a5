// The launcher for a batch system: writes a script, submits it, and looks after the job by the system's own commands. What
// differs from system to system stands in its description.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LaunchError } from "../../base/index.ts";
import { connectionFilePath, fileFailure } from "../../config/index.ts";
import { SILENT, type Logger } from "../../log/index.ts";
import type { ControllerRequest, EnginesRequest, LaunchedController, LaunchedEngines, Launcher, LaunchRequest } from "../launcher.ts";
import type { LauncherState } from "../launcher-state.ts";
import { ownCommand } from "../local-launcher.ts";
import { BatchJob } from "./batch-job.ts";
import { readBatchOptions, type BatchOptions } from "./batch-options.ts";
import type { BatchJobOptions, BatchJobRequest, BatchRole, BatchSystem, JobListing } from "./batch-system.ts";
import { BatchController, BatchEngines, readJobState, type BatchFacts } from "./launched-job.ts";
import { complaintOf, runCommand, type CommandEnvironment } from "./run-command.ts";
import { renderScript } from "./script.ts";
import { jobNameOf } from "./script-words.ts";

/** What of the submitter's environment is none of a job's business. */
const NOT_FOR_JOBS: CommandEnvironment = {
  IPP_PARENT_PID: undefined,
  IPP_CONNECTION_INFO: undefined,
  IPP_CURVE_SECRETKEY: undefined,
  IPP_CURVE_PUBLICKEY: undefined,
  IPP_SESSION_KEY: undefined,
};

/** A launcher for a batch system. */
export function batchLauncher(system: BatchSystem): Launcher {
  return {
    name: system.name,
    optionSection: "batch",
    isRemote: true,
    async startController(request) {
      const draft = await draftController(system, request);
      const facts = await submit(system, draft, request);
      return new BatchController(facts);
    },
    async startEngines(request) {
      const draft = await draftEngines(system, request);
      const facts = await submit(system, draft, request);
      return new BatchEngines(request.setId, facts);
    },
    findController: async (state) => find(system, "controller", state, (facts): LaunchedController => new BatchController(facts)),
    findEngines: async (setId, state) => find(system, "engines", state, (facts): LaunchedEngines => new BatchEngines(setId, facts)),
    previewController: async (request) => renderScript(system, (await draftController(system, request)).request),
    previewEngines: async (request) => renderScript(system, (await draftEngines(system, request)).request),
  };
}

/** A job that is ready to be submitted. */
interface Draft {
  readonly request: BatchJobRequest;
  readonly options: BatchOptions;
  readonly env: CommandEnvironment;
  readonly scriptPath: string;
}

async function draftController(system: BatchSystem, request: ControllerRequest): Promise<Draft> {
  const options = await readBatchOptions(system, "controller", request.options, request.place.profile.path);
  const isOpen = request.args.some((arg) => /^--(?:ip|IPController\.ip)=/.test(arg));
  const command = request.command.length > 0 ? request.command : ownCommand("ipcontroller");
  // A controller that only its own node can reach would be of no use.
  const program = [...command, ...(isOpen ? [] : ["--ip=*"]), ...request.args];
  return draft(system, request, options, {
    role: "controller",
    n: 1,
    shape: "tasks",
    program,
    identPrefix: undefined,
    parts: ["ipcontroller", String(process.pid)],
  });
}

async function draftEngines(system: BatchSystem, request: EnginesRequest): Promise<Draft> {
  const options = await readBatchOptions(system, "engines", request.options, request.place.profile.path);
  const { profile, clusterId } = request.place;
  const file = options.sendsConnectionInfo ? [] : [`--file=${connectionFilePath(profile, "engine", clusterId)}`];
  const program = [...(request.command.length > 0 ? request.command : ownCommand("ipengine")), ...file, ...request.args];
  const made = draft(system, request, options, {
    role: "engines",
    n: request.n,
    shape: options.shape,
    program,
    identPrefix: newIdentPrefix(),
    parts: ["ipengine", request.setId],
  });
  if (!options.sendsConnectionInfo || request.connectionInfo === "") return made;
  return { ...made, env: { ...made.env, IPP_CONNECTION_INFO: request.connectionInfo } };
}

/** What distinguishes a controller's job from one of engines. */
interface DraftParts extends Pick<BatchJobRequest, "role" | "n" | "shape" | "program" | "identPrefix"> {
  /** Beginning and end of the log file's name; the cluster's id stands between. */
  readonly parts: readonly [string, string];
}

function draft(system: BatchSystem, { place }: LaunchRequest, options: BatchOptions, { parts, ...what }: DraftParts): Draft {
  const { profile, clusterId } = place;
  const [program, tag] = parts;
  const name = [program, clusterId, tag].filter((part) => part !== "").join("-");
  return {
    request: {
      ...what,
      jobName: jobNameOf(clusterId === "" ? program : `${program}-${clusterId}`),
      profileDir: profile.path,
      clusterId,
      outputBase: join(profile.logDir, name),
      options: options.job,
    },
    options,
    env: { ...NOT_FOR_JOBS, IPP_PROFILE_DIR: profile.path, IPP_CLUSTER_ID: clusterId },
    scriptPath: system.scriptPath?.(profile.path, what.role) ?? join(profile.logDir, `${name}.${system.scriptSuffix}`),
  };
}

/** 8 and 16 hex digits; eight decimal ones follow and make it a uuid in the form of a session id. */
function newIdentPrefix(): string {
  const hex = randomBytes(12).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

async function submit(system: BatchSystem, made: Draft, { signal, logger, place }: LaunchRequest): Promise<BatchFacts> {
  const { request, options, env, scriptPath } = made;
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
    await rm(scriptPath, { force: true });
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
interface JobParts extends Omit<BatchFacts, "system" | "job" | "scheduler"> {
  readonly jobId: string;
  readonly options: BatchJobOptions;
}

function factsOf(system: BatchSystem, { jobId, options, ...what }: JobParts, logger: Logger, known?: JobListing): BatchFacts {
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

const NO_OPTIONS: BatchJobOptions = { queue: undefined, account: undefined, timeLimitS: undefined, extraLines: [], template: undefined, scheduler: undefined };

/** Finds a job again. When the scheduler cannot be asked, the job counts as there. */
async function find<Found>(system: BatchSystem, role: BatchRole, state: LauncherState, make: (facts: BatchFacts) => Found): Promise<Found | undefined> {
  const found = readJobState(state);
  if (found === undefined) return undefined;
  const options = { ...NO_OPTIONS, scheduler: found.scheduler };
  const listing = await askOnce(system, found.jobId, options);
  if (listing !== undefined && [...listing.values()].every((status) => status.phase === "ended")) return undefined;
  const what = { ...found, role, options, clusterId: state.cluster_id, profileDir: state.profile_dir, queueTimeoutMs: undefined };
  return make(factsOf(system, what, SILENT, listing));
}

async function askOnce(system: BatchSystem, jobId: string, options: BatchJobOptions): Promise<JobListing | undefined> {
  try {
    return system.status.read(await runCommand(system.status.command(jobId, options)), jobId);
  } catch (cause) {
    if (cause instanceof LaunchError) return undefined;
    throw cause;
  }
}
