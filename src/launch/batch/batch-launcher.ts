// The launcher for a batch system: writes a script, submits it, and looks after the job by the system's own commands. What
// differs from system to system stands in its description.

import { LaunchError } from "../../base/index.ts";
import { SILENT } from "../../log/index.ts";
import type { ControllerRequest, EnginesRequest, LaunchedController, LaunchedEngines, Launcher } from "../launcher.ts";
import type { LauncherState } from "../launcher-state.ts";
import { ownCommand } from "../local-launcher.ts";
import { engineProgram, newIdentPrefix } from "../numbered-engines.ts";
import { readBatchOptions } from "./batch-options.ts";
import { previewProgram, submitProgram } from "./batch-program.ts";
import type { BatchJobOptions, BatchRole, BatchSystem, JobListing } from "./batch-system.ts";
import { BatchController, BatchEngines, readJobState, removeScript, type BatchFacts } from "./launched-job.ts";
import { runCommand } from "./run-command.ts";
import { renderScript } from "./script.ts";
import { draftJob, factsOf, submitJob, type Draft } from "./submission.ts";

/** A launcher for a batch system. */
export function batchLauncher(system: BatchSystem): Launcher {
  return {
    name: system.name,
    optionSection: "batch",
    isRemote: true,
    async startController(request) {
      const draft = await draftController(system, request);
      const facts = await submitJob(system, draft, request);
      return new BatchController(facts);
    },
    async startEngines(request) {
      const draft = await draftEngines(system, request);
      const facts = await submitJob(system, draft, request);
      return new BatchEngines(request.setId, facts);
    },
    findController: async (state) => find(system, "controller", state, (facts): LaunchedController => new BatchController(facts)),
    findEngines: async (setId, state) => find(system, "engines", state, (facts): LaunchedEngines => new BatchEngines(setId, facts)),
    submitProgram: async (request) => submitProgram(system, request),
    previewProgram: async (request) => previewProgram(system, request),
    previewController: async (request) => renderScript(system, (await draftController(system, request)).request),
    previewEngines: async (request) => renderScript(system, (await draftEngines(system, request)).request),
  };
}

async function draftController(system: BatchSystem, request: ControllerRequest): Promise<Draft> {
  const options = await readBatchOptions(system, "controller", request.options, request.place.profile.path);
  const isOpen = request.args.some((arg) => /^--(?:ip|IPController\.ip)=/.test(arg));
  const command = request.command.length > 0 ? request.command : ownCommand("ipcontroller");
  // A controller that only its own node can reach would be of no use.
  const program = [...command, ...(isOpen ? [] : ["--ip=*"]), ...request.args];
  return draftJob(system, request.place, options, {
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
  const program = engineProgram(request, !options.sendsConnectionInfo);
  const made = draftJob(system, request.place, options, {
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

const NO_OPTIONS: BatchJobOptions = { queue: undefined, account: undefined, timeLimitS: undefined, extraLines: [], template: undefined, scheduler: undefined };

/** Finds a job again. When the scheduler cannot be asked, the job counts as there; the script of one that ended is removed. */
async function find<Found>(system: BatchSystem, role: BatchRole, state: LauncherState, make: (facts: BatchFacts) => Found): Promise<Found | undefined> {
  const found = readJobState(state);
  if (found === undefined) return undefined;
  const options = { ...NO_OPTIONS, scheduler: found.scheduler };
  const listing = await askOnce(system, found.jobId, options);
  if (listing !== undefined && [...listing.values()].every((status) => status.phase === "ended")) {
    removeScript({ system, scriptPath: found.scriptPath });
    return undefined;
  }
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
