// A program as a job of a batch system, with a cluster of its own inside: what `ipcluster submit` and `tsparallel notebook submit`
// have in common.

import { existsSync, readFileSync, writeSync } from "node:fs";
import { ConfigError } from "../base/index.ts";
import { launcherOptions, planGiven, type ClusterPlan } from "../cluster/index.ts";
import { ensureProfile } from "../config/index.ts";
import { atProcessExit, type LaunchedProgram, type Launcher, type ProcessExit, type ProgramRequest } from "../launch/index.ts";
import type { Logger } from "../log/index.ts";
import { commandLogger, type ClusterRequest, type SubmitFlags } from "./cluster-flags.ts";
import { Interruption } from "./interruption.ts";
import { ExitError } from "./program.ts";

/** The job's processes do not keep this one alive, so a timer does. */
const HOLD_MS = 60_000;

/** What to submit. */
export interface SubmittedProgram extends Pick<ProgramRequest, "n" | "python" | "program" | "name"> {
  /** Whose log it is: `ipcluster`. */
  readonly log: string;
  /** What it is to people: `the program`. */
  readonly title: string;
  /** File that it writes. */
  readonly result?: string;
}

/**
 * What a program would be submitted with.
 *
 * @throws ConfigError when the engines' launcher is no batch system
 */
export async function planSubmission({ profile, given }: ClusterRequest): Promise<ClusterPlan> {
  const plan = await planGiven(profile, given, false);
  submitterOf(plan);
  return plan;
}

type Submitter = Launcher & Required<Pick<Launcher, "submitProgram" | "previewProgram">>;

function submitterOf({ engineLauncher: { launcher } }: ClusterPlan): Submitter {
  if (canSubmit(launcher)) return launcher;
  throw new ConfigError(`"${launcher.name}" does not run programs as jobs; name a batch system: --engines=slurm, pbs, sge or lsf`);
}

const canSubmit = (launcher: Launcher): launcher is Submitter => launcher.submitProgram !== undefined && launcher.previewProgram !== undefined;

/**
 * Submits a program, or prints its script.
 *
 * @throws LaunchError when the system refuses the job; ExitError with the job's status when it was waited for and failed
 */
export async function submitProgram(
  plan: ClusterPlan,
  { log, title, result, ...what }: SubmittedProgram,
  { dryRun = false, wait = false }: SubmitFlags,
): Promise<void> {
  const submitter = submitterOf(plan);
  if (what.n + (what.python?.n ?? 0) === 0) throw new ConfigError("a job needs an engine at least; say how many with -n");
  const logger = commandLogger(plan.values.logLevel, log);
  warnOfPython(what.python?.executable, logger);
  using interruption = new Interruption(logger);
  const job: ProgramRequest = {
    ...what,
    name: what.name.replaceAll(/[^\w.-]/g, "_"),
    place: { profile: plan.profile, clusterId: "" },
    options: launcherOptions(plan.values, plan.engineLauncher),
    directory: process.cwd(),
    logger,
    signal: interruption.signal,
  };
  if (dryRun) {
    process.stdout.write(await submitter.previewProgram(job));
    return;
  }
  await ensureProfile(plan.profile);
  const launched = await submitter.submitProgram(job);
  if (wait) await waitFor(launched, plan, interruption);
  else logger.info(`${launched.title} has ${title}; its output goes to ${launched.log}${result === undefined ? "" : `, its results to ${result}`}`);
}

/** What is not here may be where the job runs; a misspelt path would be known only hours later. */
function warnOfPython(executable: string | undefined, logger: Logger): void {
  if (executable?.includes("/") !== true || existsSync(executable)) return;
  logger.warn(`there is no ${executable} on this machine, so the job's hosts must have it`);
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
