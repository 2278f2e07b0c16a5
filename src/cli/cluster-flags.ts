// Flags that several sub-commands of `ipcluster` share, and what they mean.

import {
  CLUSTER_OPTIONS,
  loadConfigFile,
  resolveClusterId,
  resolveOptions,
  resolveProfile,
  type ClusterValues,
  type ConfigValues,
  type ProfileDir,
} from "../config/index.ts";
import { createLogger, fdWriter, type Logger } from "../log/index.ts";
import { InvalidArgumentError, Option, type Command } from "./program.ts";
import { addProgramOptions, givenValues, profileChoice } from "./schema-options.ts";

/** Of the launchers for batch systems, and of mpiexec. */
export const BATCH_FLAGS: readonly string[] = [
  "batch.queue",
  "batch.account",
  "batch.timeLimit",
  "batch.lines",
  "batch.shape",
  "batch.template",
  "batch.queueTimeoutMs",
  "batch.scheduler",
  "mpi.args",
];

/** Of no use where one job holds everything, and to Windows HPC, which has no such jobs. */
const START_FLAGS: readonly string[] = ["batch.shape", "batch.scheduler"];

/** What a job with a cluster inside is submitted with. */
export const SUBMIT_FLAGS: readonly string[] = [
  "n",
  "engines",
  "python.executable",
  "logLevel",
  "stopTimeoutMs",
  ...BATCH_FLAGS.filter((name) => !START_FLAGS.includes(name)),
];

/** Adds the profile flags and the named options of the cluster table. */
export function addClusterFlags(command: Command, only: readonly string[]): Command {
  return addProgramOptions(command, CLUSTER_OPTIONS, only);
}

/** What else a submission is told. */
export interface SubmitFlags {
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

/** Adds the flags of a submission. */
export function addSubmitFlags(command: Command): Command {
  return command
    .option("--dry-run", "print the script, which can be submitted by hand, and submit nothing")
    .addOption(new Option("--wait", "stay until the job has ended, print its output and end with its exit status; Ctrl-C cancels the job").conflicts("dryRun"));
}

/** What a sub-command was told. */
export interface ClusterRequest {
  readonly profile: ProfileDir;
  readonly given: ConfigValues;
}

/** Reads the flags of a sub-command. */
export function clusterRequest(command: Command): ClusterRequest {
  const given = givenValues(command, CLUSTER_OPTIONS);
  if (command.getOptionValueSource("timeout") === "cli") given["engineTimeoutMs"] ??= command.opts<{ timeout: number }>().timeout * 1000;
  return { profile: resolveProfile(profileChoice(command)), given };
}

/** Adds `--timeout`: the same as `--engine-timeout`, in seconds as elsewhere on the command line. */
export function addTimeoutFlag(command: Command): Command {
  return command.option("--timeout <seconds>", "give up when not all engines answer so long after they began to run (default: 60)", positiveNumber);
}

/** Reads a number above 0. */
export function positiveNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("it must be a number above 0.");
  return number;
}

/** The options of a cluster with the profile's file and the environment, for commands that start nothing. */
export async function clusterValues(request: ClusterRequest): Promise<ClusterValues> {
  return resolveOptions(CLUSTER_OPTIONS, { profile: await loadConfigFile(request.profile, "ipcluster"), given: request.given }).values;
}

/** Cluster id of the flags, else of the environment. */
export function requestedId(request: ClusterRequest): string {
  const id = request.given["clusterId"];
  return resolveClusterId(typeof id === "string" ? id : undefined);
}

/** Log lines with time stamps on standard error. */
export function commandLogger(level: ClusterValues["logLevel"], name = "ipcluster"): Logger {
  return createLogger(name, fdWriter(2), level);
}

/** `--profile=x --cluster-id=y`, as needed to name the same cluster again. */
export function sameClusterFlags(profile: ProfileDir, clusterId: string): string {
  const named = profile.name === "default" ? [] : [profile.name === profile.path ? `--profile-dir=${profile.path}` : `--profile=${profile.name}`];
  return [...named, ...(clusterId === "" ? [] : [`--cluster-id=${clusterId}`])].map((flag) => ` ${flag}`).join("");
}

/** Reads the argument of a flag: a whole number of at least 0. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError("it must be a whole number of at least 0.");
  return number;
}
