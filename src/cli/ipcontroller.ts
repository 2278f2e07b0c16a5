// `ipcontroller`: runs a controller in the foreground until it is told to end.

import { setFlagsFromString } from "node:v8";
import { ConfigError, isParallelError, TimeoutError } from "../base/index.ts";
import { connectionFilePath, CONTROLLER_OPTIONS, ensureProfile, loadConfigFile, resolveClusterId, resolveOptions, resolveProfile } from "../config/index.ts";
import { startController, type Controller } from "../controller/index.ts";
import { createLogger, fdWriter } from "../log/index.ts";
import { restoreEnvironment, watchParent } from "../programs/index.ts";
import { takeLauncherPid } from "./launcher-pid.ts";
import { openLogFile } from "./log-file.ts";
import { createProgram, ExitError, Option, type Command } from "./program.ts";
import { addProgramOptions, givenValues, profileChoice } from "./schema-options.ts";

interface OwnFlags {
  readonly nodb?: boolean;
  readonly memorydb?: boolean;
  readonly dictdb?: boolean;
  readonly sqlitedb?: boolean;
}

const EXAMPLES = [
  ["ipcontroller", "listen on this machine's loopback address"],
  ["ipcontroller --ip='*' --location=head.example", "listen on every address; others reach this machine as head.example"],
  ["ipcontroller --profile=mezcal --ports=10101-10120", "use a profile, and only these ports"],
  ["ipcontroller --ip='*' --enable-curve", "encrypt every connection"],
  ["ipcontroller --nodb --hwm=2", "keep no task records; give each engine two tasks at a time"],
] as const;

const FOOTER = `Exit status: 0 ended by SIGINT, SIGTERM or a client's shutdown request; 1 it could not start or failed; 2 wrong use.`;

/** What is offered under these names elsewhere and not here, with what to do instead. */
const REFUSED: readonly (readonly [flag: string, sentence: string])[] = [
  ["--postgresdb <url>", "--postgresdb is not supported by this version; use --sqlitedb, --memorydb or --nodb"],
  ["--mongodb", "--mongodb is not supported; use --sqlitedb, --memorydb or --nodb"],
];

/** The command. */
export function ipcontrollerProgram(): Command {
  const program = createProgram({
    name: "ipcontroller",
    description: "Runs a controller: engines and clients connect to it.",
    examples: EXAMPLES,
    footer: FOOTER,
  });
  addProgramOptions(program, CONTROLLER_OPTIONS);
  program.option("--sqlitedb", "keep task records in an SQLite file (the default)");
  program.option("--memorydb", "keep task records in memory").option("--dictdb", "the same as --memorydb").option("--nodb", "keep no task records");
  for (const [flag] of REFUSED) program.addOption(new Option(flag).hideHelp());
  return program.action(() => run(program));
}

async function run(program: Command): Promise<void> {
  // For all threads: what a controller lets go of is collected soon. Without it V8 lets a busy one grow to twice the size, for no speed.
  setFlagsFromString("--optimize-for-size");
  for (const [flag, sentence] of REFUSED) {
    if (program.getOptionValue(new Option(flag).attributeName()) !== undefined) throw new ConfigError(sentence);
  }
  const profile = resolveProfile(profileChoice(program));
  const given = { ...givenValues(program, CONTROLLER_OPTIONS), ...chosenStore(program) };
  const { values } = resolveOptions(CONTROLLER_OPTIONS, { profile: await loadConfigFile(profile, "ipcontroller"), given });
  const clusterId = resolveClusterId(values.clusterId);
  if (values.logToFile) await ensureProfile(profile);
  const logger = createLogger("controller", fdWriter(values.logToFile ? openLogFile("ipcontroller", profile, clusterId) : 2), values.logLevel);
  const signals = catchSignals();
  restoreEnvironment();
  // A launcher that was killed could not end its controller: the cluster goes with it, in order.
  const launcherPid = takeLauncherPid();
  if (launcherPid !== null) watchParent(launcherPid, () => process.kill(process.pid, "SIGTERM"));
  const controller = await startController({ ...values, profile, clusterId, logger });
  logger.info("controller started", {
    engines: connectionFilePath(profile, "engine", clusterId),
    clients: connectionFilePath(profile, "client", clusterId),
    pid: process.pid,
    encryption: controller.clientConnection.curve_serverkey === null ? "none" : "CURVE",
  });
  signals.onSignal((signal) => {
    logger.info("stopping", { signal });
    void close(controller);
  });
  process.once("uncaughtException", (error) => {
    logger.error("internal error; the controller ends", { cause: error.stack ?? error.message });
    process.exitCode = 1;
    void close(controller);
  });
  await ended(controller);
}

function chosenStore(program: Command): { readonly db?: string } {
  const flags = program.opts<OwnFlags>();
  const stores = [
    flags.nodb === true ? "none" : undefined,
    flags.memorydb === true || flags.dictdb === true ? "memory" : undefined,
    flags.sqlitedb === true ? "sqlite" : undefined,
  ];
  const chosen = stores.filter((store) => store !== undefined);
  if (chosen.length > 1) throw new ConfigError(`${chosen.length} task stores are chosen at once; give one of --nodb, --memorydb and --sqlitedb`);
  return chosen[0] === undefined ? {} : { db: chosen[0] };
}

interface Signals {
  /** Called at the first signal, also one that came before. */
  onSignal(handler: (signal: NodeJS.Signals) => void): void;
}

/** From here on signals end the controller in order and nothing else. */
function catchSignals(): Signals {
  const first = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, resolve);
  });
  return { onSignal: (handler) => void first.then(handler) };
}

async function close(controller: Controller): Promise<void> {
  try {
    await controller.close();
  } catch {
    // `closed` rejects with the same error, and there it is told.
  }
}

async function ended(controller: Controller): Promise<void> {
  try {
    await controller.closed;
  } catch (error) {
    // The Hub's thread does not answer. To exit while it runs would abort the process in disorder; the files are gone
    // already, so all that is left is to end.
    if (error instanceof TimeoutError) {
      process.stderr.write(`ipcontroller: ${error.message}; ended by force\n`);
      process.kill(process.pid, "SIGKILL");
    }
    if (isParallelError(error)) throw error;
    throw new ExitError(1, `the Hub failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
