// `ipengine`: runs one engine in the foreground until it is told to end or the controller is gone.

import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { ConfigError, engineUuid, VERSION } from "../base/index.ts";
import {
  connectionFilePath,
  ENGINE_OPTIONS,
  fileFailure,
  loadConfigFile,
  parseConnectionInfo,
  readConnectionFile,
  resolveClusterId,
  resolveOptions,
  resolveProfile,
  withServerKey,
  type EngineValues,
  type ProfileDir,
} from "../config/index.ts";
import { Engine, type EngineConfig } from "../engine/index.ts";
import { createLogger, fdWriter, type LogLevel } from "../log/index.ts";
import { newSessionId } from "../net/index.ts";
import { restoreEnvironment } from "../programs/index.ts";
import { CODE_KEEPING, type EngineConnectionInfo } from "../wire/index.ts";
import { routeOf, type EngineRoute } from "./engine-tunnel.ts";
import { takeLauncherPid } from "./launcher-pid.ts";
import { openLogFile } from "./log-file.ts";
import { createProgram, InvalidArgumentError, Option, type Command } from "./program.ts";
import { addProgramOptions, givenValues, profileChoice } from "./schema-options.ts";

const EXAMPLES = [
  ["ipengine", "join the default profile's cluster"],
  ["ipengine --profile=mezcal --cluster-id=a", "join another one"],
  ["ipengine --file=/path/ipcontroller-engine.json", "join the controller that wrote this file"],
  ["ipengine -c 'import fs from \"node:fs\"'", "run code before the first request"],
] as const;

const FOOTER = `Environment: IPP_CONNECTION_INFO (content of the connection file), IPP_PROFILE_DIR, IPP_CLUSTER_ID,
IPP_CURVE_SERVERKEY (the controller's CURVE key, when the file has none), IPP_PARENT_PID (the engine ends with this process).
Exit status: 0 ended in order; 1 no connection file, or failed; 2 wrong use; 255 the controller did not register it.`;

/** The command. */
export function ipengineProgram(): Command {
  const program = createProgram({
    name: "ipengine",
    description: "Runs one engine: it joins a controller and executes what clients send.",
    examples: EXAMPLES,
    footer: FOOTER,
  });
  addProgramOptions(program, ENGINE_OPTIONS);
  program.addOption(new Option("--timeout <seconds>", "how long the controller may take to answer the registration (default 5)").argParser(secondsOf));
  return program.action(() => run(program));
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0) || !Number.isFinite(seconds)) throw new InvalidArgumentError(`"${text}" is no number of seconds above 0.`);
  return seconds;
}

async function run(program: Command): Promise<void> {
  restoreEnvironment();
  const profile = resolveProfile(profileChoice(program));
  const { timeout } = program.opts<{ timeout?: number }>();
  const timeoutMs = timeout === undefined ? undefined : Math.round(timeout * 1000);
  const given = { ...givenValues(program, ENGINE_OPTIONS), timeoutMs };
  const { values } = resolveOptions(ENGINE_OPTIONS, { profile: await loadConfigFile(profile, "ipengine"), given });
  const fd = values.logToFile ? openLogFile("ipengine", profile) : 2;
  const log = createLogger("engine", fdWriter(fd), values.logLevel);
  const route = await routeOf(values, await connectionInfo(profile, values));
  const config = await engineConfig(values, route, fd);
  if (!process.execArgv.includes("--no-force-async-hooks-checks") && !(process.env["NODE_OPTIONS"] ?? "").includes("--no-force-async-hooks-checks")) {
    log.warn("an interrupt may end this engine: it was started without node's option --no-force-async-hooks-checks");
  }
  const engine = new Engine(config, log);
  const end = await engine.closed;
  if (end.exitCode === 0) log.info("engine ended", { reason: end.reason });
  else createLogger("engine", fdWriter(2)).error(end.reason);
  process.exit(end.exitCode);
}

/** Variables with the cluster's keys: not for the code that users run here, nor for the programs that it starts. */
const KEY_VARIABLES = ["IPP_CONNECTION_INFO", "IPP_CURVE_SERVERKEY", "IPP_CURVE_PUBLICKEY", "IPP_CURVE_SECRETKEY", "IPP_SESSION_KEY"];

async function connectionInfo(profile: ProfileDir, values: EngineValues): Promise<EngineConnectionInfo> {
  const env = { ...process.env };
  for (const name of KEY_VARIABLES) delete process.env[name];
  const text = env["IPP_CONNECTION_INFO"] ?? "";
  if (text !== "") return withServerKey(givenInfo(text), env);
  const path = values.file ?? connectionFilePath(profile, "engine", resolveClusterId(values.clusterId));
  return withServerKey(await readConnectionFile("engine", path, { waitMs: values.waitForFileMs }), env);
}

function givenInfo(text: string): EngineConnectionInfo {
  try {
    return parseConnectionInfo("engine", text);
  } catch (cause) {
    if (cause instanceof ConfigError) throw new ConfigError(`IPP_CONNECTION_INFO: ${cause.message}`, { cause });
    throw cause;
  }
}

async function engineConfig(values: EngineValues, route: EngineRoute, fd: number): Promise<EngineConfig> {
  const host = hostname();
  const startupCells = [];
  if (values.startupScript !== undefined) startupCells.push({ code: await readScript(values.startupScript), origin: values.startupScript });
  if (values.startupCommand !== undefined) startupCells.push({ code: values.startupCommand, origin: "-c" });
  return {
    ...route,
    registrationUrl: values.url ?? null,
    uuid: engineUuid(values.ident ?? newSessionId()),
    host,
    properties: { host, pid: process.pid, language: "typescript", node: process.versions.node, version: VERSION, prefetch: 1, ...CODE_KEEPING },
    registrationTimeoutMs: values.timeoutMs,
    heartMissesMax: values.heartMissesMax,
    resultBytesMax: values.resultBytesMax,
    parentPid: takeLauncherPid(),
    startupCells,
    username: process.env["USER"] ?? "username",
    log: { level: values.logLevel as LogLevel, fd },
  };
}

async function readScript(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`cannot read the start-up script ${path}: ${fileFailure(cause)}`, { cause });
  }
}
