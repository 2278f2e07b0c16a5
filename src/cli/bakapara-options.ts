// bakapara's command line: its flags, and the values they may have.

import { ConfigError } from "../base/index.ts";
import { readHalt, type HaltRule } from "../bakapara/index.ts";
import { createProgram, type Command } from "./program.ts";

/** The flags as commander gives them. */
interface Flags {
  readonly profile?: string;
  readonly profileDir?: string;
  readonly clusterId?: string;
  readonly file?: string;
  readonly input?: string;
  readonly output?: string;
  readonly logging?: string;
  readonly local?: string | true;
  readonly resume?: true;
  readonly retries?: string;
  readonly timeout?: string;
  readonly halt?: string;
  readonly joblog?: string;
  readonly bar?: true;
  readonly progress?: true;
  readonly keepOrder?: true;
  readonly dryRun?: true;
  readonly debug?: true;
}

/** What the command is asked to do. */
export interface BakaparaRequest {
  readonly profile: string | undefined;
  readonly profileDir: string | undefined;
  readonly clusterId: string | undefined;
  readonly file: string | undefined;
  readonly input: string | undefined;
  readonly output: string | undefined;
  readonly logging: string | undefined;
  /** Engines of a private cluster; `"cores"`: one for each core; `undefined`: a running cluster is used. */
  readonly local: number | "cores" | undefined;
  readonly resume: boolean;
  readonly retries: number | undefined;
  readonly timeout: number | undefined;
  readonly halt: HaltRule | undefined;
  readonly joblog: string | undefined;
  readonly hasProgress: boolean;
  readonly keepOrder: boolean;
  readonly dryRun: boolean;
  readonly isDebug: boolean;
}

const EXIT_STATUS = `Exit status:
  0       all jobs returned 0 (or one of their ok_codes)
  1-100   that many jobs did not
  101     more than 100 jobs did not
  255     the jobs could not be run

Ctrl-C starts no more jobs and waits for those that run; a second Ctrl-C kills them with all their children.`;

/** The program; `run` does the work. */
export function bakaparaProgram(run: (request: BakaparaRequest) => Promise<void>): Command {
  const program = createProgram({
    name: "bakapara",
    description: "Run shell jobs, one JSON object a line, on a cluster. Results go out as JSON lines, each the moment its job ends.",
    examples: [
      ["bakapara -p mezcal < jobs.jsonl > results.jsonl", "run on the cluster of profile mezcal"],
      ["bakapara --local 8 -i jobs.jsonl -o results.jsonl", "on this machine, 8 at a time"],
      ["bakapara -i jobs.jsonl -o results.jsonl --resume", "go on where an earlier run stopped"],
      [`echo '{"cmd": "sleep 10 | wc", "cd": "/tmp", "out": "count.txt"}' | bakapara --local`, "one job, with its output in a file"],
    ],
    footer: EXIT_STATUS,
  });
  return program
    .option("-p, --profile <name>", 'profile of the cluster (default: "default")')
    .option("--profile-dir <path>", "the profile's directory itself")
    .option("--cluster-id <id>", "id of the cluster within the profile")
    .option("-f, --file <path>", "connection file of the cluster, in place of a profile")
    .option("-i, --input <path>", "read jobs from a file (default: standard input)")
    .option("-o, --output <path>", "write results to a file (default: standard output)")
    .option("-l, --logging <path>", "write the log to a file (default: standard error)")
    .option("--local [n]", "start a private cluster on this machine, with n engines (default: one per core), gone at the end")
    .option("--resume", "skip jobs whose result stands in the output file, and append to it")
    .option("--retries <n>", "run a failed job up to n more times (a job's own retries come first)")
    .option("--timeout <seconds>", "stop a job that runs longer (a job's own timeout comes first)")
    .option("--halt <rule>", "stop the run when jobs fail: now,fail=N or soon,fail=N or N%; now kills the running, soon lets them end")
    .option("--joblog <path>", "write a line for each job, in GNU parallel's columns")
    .option("--bar, --progress", "show progress on standard error")
    .option("--keep-order", "results in the order of the input")
    .option("--dry-run", "read and check the jobs, say what would run, run nothing")
    .allowExcessArguments() // refused below, in words that help
    .action((flags: Flags, command: Command) => {
      refuseArguments(command.args);
      return run(readRequest(flags));
    });
}

function refuseArguments([word]: readonly string[]): void {
  if (word === undefined) return;
  throw new ConfigError(`"${word}" stands alone; a file with jobs is named with -i: bakapara -i ${word} -o results.jsonl`);
}

function readRequest(flags: Flags): BakaparaRequest {
  const resume = flags.resume === true;
  if (resume && flags.output === undefined) throw new ConfigError("--resume needs the output file of the run to go on with; name it with -o");
  const places = [flags.local, flags.file, flags.profile ?? flags.profileDir].filter((place) => place !== undefined);
  if (places.length > 1) throw new ConfigError("name one cluster: either --local, or --file, or --profile");
  return {
    profile: flags.profile,
    profileDir: flags.profileDir,
    clusterId: flags.clusterId,
    file: flags.file,
    input: flags.input === "-" ? undefined : flags.input,
    output: flags.output === "-" ? undefined : flags.output,
    logging: flags.logging,
    local: flags.local === true ? "cores" : readNumber("--local", flags.local, 1, true),
    resume,
    retries: readNumber("--retries", flags.retries, 0, true),
    timeout: readNumber("--timeout", flags.timeout, 0.001, false),
    halt: readHaltFlag(flags.halt),
    joblog: flags.joblog,
    hasProgress: flags.progress === true || flags.bar === true,
    keepOrder: flags.keepOrder === true,
    dryRun: flags.dryRun === true,
    isDebug: flags.debug === true,
  };
}

/** What else may have been meant. */
const HINTS: Readonly<Record<string, string>> = { "--local": "; a file with jobs is named with -i" };

function readNumber(flag: string, text: string | undefined, least: number, isWhole: boolean): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= least) || value === Infinity || (isWhole && !Number.isSafeInteger(value))) {
    throw new ConfigError(`${flag} must be a ${isWhole ? "whole " : ""}number of at least ${least}, and is "${text}"${HINTS[flag] ?? ""}`);
  }
  return value;
}

function readHaltFlag(text: string | undefined): HaltRule | undefined {
  if (text === undefined) return undefined;
  const rule = readHalt(text);
  if (typeof rule === "string") throw new ConfigError(`--halt: ${rule}`);
  return rule;
}
