// A program as a job of a batch system, with a cluster of its own inside: what `ipcluster submit` and `tsparallel notebook submit`
// have in common.

import { existsSync, readFileSync, writeSync } from "node:fs";
import { ConfigError } from "../base/index.ts";
import { launcherOptions, planGiven, type ClusterPlan } from "../cluster/index.ts";
import { ensureProfile } from "../config/index.ts";
import { atProcessExit, type LaunchedProgram, type ProcessExit, type ProgramRequest } from "../launch/index.ts";
import { commandLogger, type ClusterRequest, type SubmitFlags } from "./cluster-flags.ts";
import { Interruption } from "./interruption.ts";
import { ExitError } from "./program.ts";

/** The job's processes do not keep this one alive, so a timer does. */
const HOLD_MS = 60_000;

/** What to submit. */
export interface SubmittedProgram {
  /** Program and arguments. */
  readonly program: readonly string[];
  /** Begins the names of the job and of the file with its output. */
  readonly name: string;
}

/**
 * Submits a program, or prints its script.
 *
 * @throws ConfigError when the engines' launcher is no batch system; LaunchError when the system refuses the job; ExitError with the job's
 * status when it was waited for and failed
 */
export async function submitProgram({ profile, given }: ClusterRequest, what: SubmittedProgram, { dryRun = false, wait = false }: SubmitFlags): Promise<void> {
  const plan = await planGiven(profile, given, false);
  const { launcher } = plan.engineLauncher;
  if (launcher.submitProgram === undefined || launcher.previewProgram === undefined)
    throw new ConfigError(`"${launcher.name}" does not run programs as jobs; name a batch system: --engines=slurm, pbs, sge or lsf`);
  const logger = commandLogger(plan.values.logLevel);
  using interruption = new Interruption(logger);
  const job: ProgramRequest = { ...programRequest(plan, what), logger, signal: interruption.signal };
  if (dryRun) {
    process.stdout.write(await launcher.previewProgram(job));
    return;
  }
  await ensureProfile(profile);
  const launched = await launcher.submitProgram(job);
  if (wait) await waitFor(launched, plan, interruption);
  else logger.info(`${launched.title} has the program; its output goes to ${launched.log}`);
}

function programRequest(plan: ClusterPlan, { program, name }: SubmittedProgram): Omit<ProgramRequest, "logger" | "signal"> {
  const { profile, values, n } = plan;
  const pythons = values["python.n"];
  return {
    place: { profile, clusterId: "" },
    options: launcherOptions(values, plan.engineLauncher),
    n,
    ...(pythons === 0 ? {} : { python: { n: pythons, executable: values["python.executable"] } }),
    program,
    name: name.replaceAll(/[^\w.-]/g, "_"),
    directory: process.cwd(),
  };
}

/** Stays until the job has ended, prints its output, and ends with its exit status. Ctrl-C cancels the job. */
async function waitFor(launched: LaunchedProgram, plan: ClusterPlan, { signal }: Interruption): Promise<void> {
  const hold = setInterval(() => undefined, HOLD_MS);
  const unguard = atProcessExit(() => launched.kill());
  try {
    const interrupted = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
    const exit = await Promise.race([launched.exited, interrupted]);
    await launched.stop(plan.values.stopTimeoutMs);
    if (exit === undefined) throw signal.reason;
    // A job that ended before it began has none.
    if (existsSync(launched.log)) writeSync(1, readFileSync(launched.log, "utf8"));
    if (exit.exitCode !== 0) throw new ExitError(exit.exitCode ?? 1, `${launched.title} ${howOf(exit)}`);
  } finally {
    unguard();
    clearInterval(hold);
  }
}

const howOf = ({ how, exitCode }: ProcessExit): string => how ?? `ended with exit status ${exitCode ?? "unknown"}`;
