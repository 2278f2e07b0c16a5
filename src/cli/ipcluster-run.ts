// `ipcluster run`: a cluster for as long as a program runs. And `ipcluster submit`: the same, as a job of a batch system.

import { InvalidStateError } from "../base/index.ts";
import { cleanLogs, Cluster, planGiven, type ClusterPlan } from "../cluster/index.ts";
import type { Logger } from "../log/index.ts";
import { clusterRequest, commandLogger, requestedId, type SubmitFlags } from "./cluster-flags.ts";
import { refuseIdlePython } from "./doubtful-flags.ts";
import { Interruption } from "./interruption.ts";
import { EXIT_ALREADY_RUNNING } from "./ipcluster-exit-codes.ts";
import { checkPython } from "./notebook-engines.ts";
import { ExitError, type Command } from "./program.ts";
import { planSubmission, submitProgram } from "./submit-program.ts";
import { programName, refuseAbsentProgram, runProgram } from "./user-program.ts";

/** The cluster's and the system's processes do not keep this one alive, so a timer does. */
const HOLD_MS = 60_000;

/** Runs `ipcluster run`: ends with the program's exit status. */
export async function runCommand(program: readonly string[], command: Command): Promise<void> {
  refuseNothing(program, "run");
  refuseAbsentProgram(program, true);
  const request = clusterRequest(command);
  // A cluster of the program's own, beside any other in the profile.
  const clusterId = requestedId(request) === "" ? `run-${process.pid}` : requestedId(request);
  const plan = await planGiven(request.profile, { ...request.given, clusterId }, false);
  refuseIdlePython(request, plan);
  const logger = commandLogger(plan.values.logLevel);
  using interruption = new Interruption(logger);
  const hold = setInterval(() => undefined, HOLD_MS);
  try {
    const status = await withCluster(plan, program, logger, interruption.signal);
    // Each run has a name of its own, and so have its logs: what went well leaves none.
    if (status === 0 && plan.values.cleanLogs) await cleanLogs(plan.profile, clusterId, "all");
    process.exitCode = status;
  } finally {
    clearInterval(hold);
  }
}

async function withCluster(plan: ClusterPlan, program: readonly string[], logger: Logger, signal: AbortSignal): Promise<number> {
  await using cluster = await start(plan, logger, signal);
  logger.info("ready: all engines answer", { engines: cluster.engineCount, program: program.join(" ") });
  return await against(cluster, program, logger, signal);
}

async function start(plan: ClusterPlan, logger: Logger, signal: AbortSignal): Promise<Cluster> {
  try {
    return await Cluster.run(plan, { logger, signal, isDedicated: true });
  } catch (cause) {
    if (cause instanceof InvalidStateError) throw new ExitError(EXIT_ALREADY_RUNNING, cause.message, { cause });
    throw cause;
  }
}

/** Runs a program that finds the cluster by its environment, and ends it when the cluster ends or a signal comes. */
async function against(cluster: Cluster, program: readonly string[], logger: Logger, signal: AbortSignal): Promise<number> {
  const end = new AbortController();
  void cluster.closed.then(({ message }) => end.abort(new ExitError(1, `${message}; the program was ended`))); // never rejects
  const anyEnd = AbortSignal.any([signal, end.signal]);
  const status = await runProgram(program, { IPP_PROFILE_DIR: cluster.profileDir, IPP_CLUSTER_ID: cluster.clusterId }, anyEnd);
  logger.info("program ended", { status });
  anyEnd.throwIfAborted();
  return status;
}

function refuseNothing(program: readonly string[], command: string): void {
  if (program.length === 0) throw new ExitError(2, `no program to ${command}; write it after the flags: ipcluster ${command} -n 4 analysis.ts`);
}

/** Runs `ipcluster submit`. */
export async function submitCommand(program: readonly string[], command: Command): Promise<void> {
  refuseNothing(program, "submit");
  refuseAbsentProgram(program, false);
  const request = clusterRequest(command);
  const plan = await planSubmission(request);
  refuseIdlePython(request, plan);
  const pythons = plan.values["python.n"];
  const python = pythons === 0 ? undefined : { n: pythons, executable: plan.values["python.executable"] };
  if (python?.executable !== undefined) checkPython(python.executable);
  await submitProgram(
    plan,
    { program, n: plan.n, ...(python && { python }), name: programName(program), log: "ipcluster", title: "the program" },
    command.opts<SubmitFlags>(),
  );
}
