// `ipcluster`: starts, stops and lists clusters. What a sub-command does is loaded when it runs.

import { addClusterFlags, addSubmitFlags, addTimeoutFlag, BATCH_FLAGS, positiveNumber, SUBMIT_FLAGS, wholeNumber } from "./cluster-flags.ts";
import { EXIT_CODES_HELP } from "./ipcluster-exit-codes.ts";
import type * as profiles from "./ipcluster-profile.ts";
import { OPTION_TABLES, type ConfigName } from "../config/index.ts";
import { addExamples, Argument, createProgram, main, Option, type Command } from "./program.ts";
import { addProfileOptions } from "./schema-options.ts";

/** What a cluster is started with, whatever for. */
const START_FLAGS = [
  "n",
  "minEngines",
  "python.n",
  "python.executable",
  "engines",
  "controller.launcher",
  "clusterId",
  "controller.ip",
  "controller.location",
  "controller.enableCurve",
  "logLevel",
  "local.keepFreedMemory",
  "cleanLogs",
  "engineTimeoutMs",
  "connectionTimeoutMs",
  "stopTimeoutMs",
  "engine.restart",
  "adapt.range",
];

const EXAMPLES = [
  ["ipcluster start -n 4", "four engines on this machine; Ctrl-C stops them"],
  ["ipcluster start --daemonize", "one engine per core, in the background"],
  ["ipcluster list", "what runs"],
  ["ipcluster stop", "stop it, from any terminal"],
  ["ipcluster profile create --parallel --profile=lab", "a profile with commented configuration files"],
] as const;

/** Runs `ipcluster`. What follows `--` goes to the controller, or is the program of `run` and `submit`. */
export async function ipcluster(argv: readonly string[] = process.argv.slice(2)): Promise<number> {
  const at = argv.indexOf("--");
  const own = at < 0 ? argv : argv.slice(0, at);
  return main(ipclusterProgram(at < 0 ? [] : argv.slice(at + 1)), own);
}

/** The command. */
export function ipclusterProgram(afterDashes: readonly string[] = []): Command {
  const program = createProgram({
    name: "ipcluster",
    description: "Starts and stops clusters: a controller and engines.",
    examples: EXAMPLES,
    footer: EXIT_CODES_HELP,
  });
  addStart(program, afterDashes);
  addRun(program, afterDashes);
  addStop(program);
  addList(program);
  addEngines(program);
  addLogs(program);
  addClean(program);
  addProfile(program);
  addConfig(program);
  return program;
}

function addStart(program: Command, controllerArgs: readonly string[]): void {
  const command = program.command("start").description("start a controller and engines; ready when all engines answer");
  addTimeoutFlag(addClusterFlags(command, [...START_FLAGS, "daemonize", "logToFile", ...BATCH_FLAGS]));
  command.option("--dry-run", "print the commands and scripts that would be run, and start nothing");
  command.addOption(new Option("--supervised", "run as the background process of --daemonize").hideHelp());
  command.addOption(new Option("--clean-logs", "the default").hideHelp());
  command.addOption(new Option("--delay <seconds>", "ignored: nothing waits here").hideHelp());
  addExamples(command, [
    ["ipcluster start -n 4 --profile=lab", "four engines, files of the profile lab"],
    ["ipcluster start --cluster-id=two", "a second cluster in the same profile"],
    ["ipcluster start --engines=ssh --profile=lab", "engines on the hosts that the profile names"],
    ["ipcluster start --dry-run", "what would be run"],
    ["ipcluster start -- --hwm=0 --nodb", "what follows -- goes to ipcontroller"],
  ]);
  command.action(async () => (await import("./ipcluster-start.ts")).startCommand(command, controllerArgs));
}

/** `afterDashes`: a program whose own flags stand behind `--`. */
function addRun(program: Command, afterDashes: readonly string[]): void {
  const run = program.command("run").description("start a cluster, run a program against it, and stop it");
  run.argument("[program...]", "TypeScript, JavaScript or shell script, or a command; after -- its flags are its own");
  addTimeoutFlag(addClusterFlags(run, [...START_FLAGS, ...BATCH_FLAGS]));
  addExamples(run, [
    ["ipcluster run -n 4 analysis.ts", "in which Client.connect() finds the cluster"],
    ["ipcluster run -n 4 -- bakapara -i jobs.jsonl -o results.jsonl", "any command"],
  ]);
  run.action(async (words: string[]) => (await import("./ipcluster-run.ts")).runCommand([...words, ...afterDashes], run));
  const submit = program.command("submit").description("as run, inside one job of a batch system: controller, engines and program");
  submit.argument("[program...]", "as for run");
  addSubmitFlags(addClusterFlags(submit, [...SUBMIT_FLAGS, "python.n"]));
  addExamples(submit, [
    ["ipcluster submit --engines=slurm -n 64 --time-limit=2h analysis.ts", "64 engines and a program in one allocation"],
    ["ipcluster submit --engines=slurm -n 64 --dry-run analysis.ts > job.sh", "then: sbatch job.sh"],
  ]);
  submit.action(async (words: string[]) => (await import("./ipcluster-run.ts")).submitCommand([...words, ...afterDashes], submit));
}

function addStop(program: Command): void {
  const command = program
    .command("stop")
    .description("stop a cluster, from any terminal")
    .argument("[ids...]", "cluster ids; default: that of --cluster-id, or the cluster without an id");
  addClusterFlags(command, ["clusterId", "logLevel", "stopTimeoutMs"]).option("--all", "stop every cluster of the profile");
  command.action(async (ids: string[]) => (await import("./ipcluster-stop.ts")).stopCommand(ids, command));
}

function addList(program: Command): void {
  const command = program.command("list").description("list clusters");
  addProfileOptions(command).addOption(outputOption());
  command.action(async () => (await import("./ipcluster-list.ts")).listCommand(command));
}

function addEngines(program: Command): void {
  const engines = program.command("engines").description("add engines to a running cluster, or remove some; Ctrl-C stops those that were added");
  addTimeoutFlag(
    addClusterFlags(engines, ["n", "engines", "clusterId", "local.keepFreedMemory", "logLevel", "engineTimeoutMs", "stopTimeoutMs", ...BATCH_FLAGS]),
  );
  engines.option("--scale <count>", "bring the number of engines to this one; those that are too many end what they have, and go", wholeNumber);
  engines.option("--drain-timeout <ms>", "with --scale: what an engine that goes has not ended by then goes back to the queue", wholeNumber);
  engines.option("--daemonize", "return when they answer; those that were added stay in the background until the cluster ends");
  engines.addOption(new Option("--supervised", "run as the background process of --daemonize").hideHelp());
  addExamples(engines, [
    ["ipcluster engines -n 2", "two more; Ctrl-C takes them back"],
    ["ipcluster engines --scale=8 --daemonize", "eight in all, and the prompt is back"],
    ["ipcluster engines --scale=1", "one in all: the newest idle ones go first, and no task is lost"],
  ]);
  engines.action(async () => (await import("./ipcluster-engines.ts")).enginesCommand(engines));
  const wait = program.command("wait").description("wait until the engines of a cluster answer");
  addClusterFlags(wait, ["n", "clusterId", "logLevel"]).option("--timeout <seconds>", "give up after this time", positiveNumber, 60);
  wait.action(async () => (await import("./ipcluster-engines.ts")).waitCommand(wait));
}

function addLogs(program: Command): void {
  const command = program.command("logs").description("print what controller and engines of a cluster wrote, running or not");
  addClusterFlags(command, ["clusterId"]);
  command.option("--engine <id...>", "of these engines only: numbers, or what stands before their lines");
  command.option("--controller", "of the controller only, or besides those engines");
  command.option("--tail <lines>", "so many of the last lines of each, out of its last 4 MiB", wholeNumber, 100);
  command.option("-f, --follow", "go on as they grow; Ctrl-C ends it");
  addExamples(command, [
    ["ipcluster logs", "the last 100 lines of each"],
    ["ipcluster logs --follow --tail=0", "what is written from now on"],
    ["ipcluster logs --engine 2 --controller", "of one engine and the controller"],
  ]);
  command.action(async () => (await import("./ipcluster-logs.ts")).logsCommand(command));
}

function addClean(program: Command): void {
  const command = program.command("clean").description("remove files and logs of clusters that are gone");
  addClusterFlags(command, ["logLevel", "stopTimeoutMs"]).option("--force", "stop what runs, then clean").option("--all", "all profiles");
  command.action(async () => (await import("./ipcluster-stop.ts")).cleanCommand(command));
}

function addProfile(program: Command): void {
  const load = async (): Promise<typeof profiles> => import("./ipcluster-profile.ts");
  const create = addProfileOptions(program.command("create").description("create a profile with its configuration files"));
  create.action(async () => (await load()).createCommand(undefined, true, create));
  const profile = program.command("profile").description("create, list and find profiles");
  const profileCreate = addProfileOptions(profile.command("create").description("create a profile").argument("[name]", "its name")).option(
    "--parallel",
    "with configuration files, every option commented out",
  );
  profileCreate.action(async (name: string | undefined) =>
    (await load()).createCommand(name, profileCreate.opts<{ parallel?: boolean }>().parallel === true, profileCreate),
  );
  const list = addProfileOptions(profile.command("list").description("list profiles")).addOption(outputOption());
  list.action(async () => (await load()).listProfilesCommand(list));
  const locate = addProfileOptions(profile.command("locate").description("print a profile's directory").argument("[name]", "its name"));
  locate.action(async (name: string | undefined) => (await load()).locateCommand(name, locate));
}

function addConfig(program: Command): void {
  const config = program.command("config").description("look at the configuration");
  const show = config.command("show").description("print every option with its value and where that comes from: flag, environment, profile or default");
  show.addArgument(new Argument("[program]", "whose options").choices(Object.keys(OPTION_TABLES)).default("ipcluster"));
  addTimeoutFlag(addClusterFlags(show, [...START_FLAGS, "daemonize", "logToFile", ...BATCH_FLAGS])).addOption(outputOption());
  show.option("--changed", "only options that are not at their default");
  addExamples(show, [
    ["ipcluster config show --profile=lab", "what `ipcluster start --profile=lab` would go by"],
    ["ipcluster config show --changed -n 8 --engines=ssh", "with these flags, and without the defaults"],
    ["ipcluster config show ipcontroller -o json", "the controller's own options, for programs"],
  ]);
  show.action(async (name: ConfigName) => (await import("./ipcluster-config.ts")).showConfigCommand(name, show));
}

function outputOption(): Option {
  return new Option("-o, --output <form>", "how to print").choices(["text", "json"]).default("text");
}
