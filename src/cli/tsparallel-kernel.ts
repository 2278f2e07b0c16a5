// `tsparallel kernel`: makes the TypeScript kernel known to Jupyter, and runs it.

import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../base/index.ts";
import { Magics } from "../interactive/index.ts";
import type { CellExtension, CellVoice, JupyterPlaces, KernelspecTarget } from "../kernel/index.ts";
import { createLogger, fdWriter, parseLogLevel } from "../log/index.ts";
import { newSessionId } from "../net/index.ts";
import { ownLibrary } from "./own-library.ts";
import { addExamples, Option, type Command } from "./program.ts";

interface Place {
  readonly user?: boolean;
  readonly prefix?: string;
  readonly sysPrefix?: boolean;
}

const SCRIPT = fileURLToPath(new URL("./bin/tsparallel.js", import.meta.url));

/** Adds the sub-command. */
export function addKernelCommands(program: Command): void {
  const kernel = program.command("kernel").description("the Jupyter kernel for TypeScript: install, uninstall, spec, start");
  addExamples(kernel, [
    ["tsparallel kernel install", "notebooks of this user find the kernel"],
    ["tsparallel kernel install --sys-prefix", "those of the active Python environment do"],
    ["jupyter lab", "then choose TypeScript (tsparallel)"],
  ]);
  const install = kernel.command("install").description("write the kernelspec, so that Jupyter finds the kernel");
  addPlace(install)
    .option("--force", "also replace another program's kernelspec of that name")
    .action((options: Place & { readonly force?: boolean }) => installCommand(options));
  addPlace(kernel.command("uninstall").description("remove the kernelspec")).action((options: Place) => uninstallCommand(options));
  kernel
    .command("spec")
    .description("print the kernelspec (kernel.json)")
    .action(() => specCommand());
  kernel
    .command("start")
    .description("run one kernel; Jupyter does this")
    .requiredOption("-f, --connection-file <path>", "the connection file that Jupyter wrote")
    .option("--log-level <level>", "debug, info, warn or error", "warn")
    .action((options: { readonly connectionFile: string; readonly logLevel: string }) => startCommand(options));
}

function addPlace(command: Command): Command {
  return command
    .addOption(new Option("--user", "in the user's Jupyter directory (default)").conflicts(["prefix", "sysPrefix"]))
    .addOption(new Option("--prefix <dir>", "in DIR/share/jupyter").conflicts(["sysPrefix"]))
    .option("--sys-prefix", "in the active Python environment");
}

const places = (): JupyterPlaces => ({ env: process.env, platform: process.platform, home: homedir() });

function targetOf({ prefix, sysPrefix }: Place): KernelspecTarget {
  if (prefix !== undefined) return { type: "prefix", prefix };
  return { type: sysPrefix === true ? "environment" : "user" };
}

async function installCommand(options: Place & { readonly force?: boolean }): Promise<void> {
  const { installKernelspec, kernelspec, kernelspecDir } = await import("../kernel/index.ts");
  const dir = kernelspecDir(targetOf(options), places());
  await installKernelspec(dir, kernelspec(process.execPath, SCRIPT), options.force === true);
  process.stdout.write(`installed the kernel "TypeScript (tsparallel)" in ${dir}\n`);
}

async function uninstallCommand(options: Place): Promise<void> {
  const { kernelspecDir, uninstallKernelspec } = await import("../kernel/index.ts");
  const dir = kernelspecDir(targetOf(options), places());
  await uninstallKernelspec(dir);
  process.stdout.write(`removed ${dir}\n`);
}

async function specCommand(): Promise<void> {
  const { kernelspec } = await import("../kernel/index.ts");
  process.stdout.write(`${JSON.stringify(kernelspec(process.execPath, SCRIPT), null, 2)}\n`);
}

async function startCommand({ connectionFile, logLevel }: { readonly connectionFile: string; readonly logLevel: string }): Promise<void> {
  const { HISTORY_VARIABLE, jupyterDataDir, Kernel, readKernelConnection } = await import("../kernel/index.ts");
  const level = parseLogLevel(logLevel);
  if (level === undefined) throw new ConfigError(`"${logLevel}" is no log level; use debug, info, warn or error`);
  const connection = await readKernelConnection(connectionFile);
  const config = {
    connection,
    sessionId: newSessionId(),
    username: process.env["USER"] ?? "username",
    parentPid: takeParentPid(process.env),
    historyPath: takeWord(process.env, HISTORY_VARIABLE) === "none" ? null : join(jupyterDataDir(places()), "tsparallel", "history.jsonl"),
    log: { level, fd: 2 },
  };
  const log = createLogger("kernel", fdWriter(2), level);
  const { exitCode, reason } = await new Kernel(config, log, magics).closed;
  if (exitCode !== 0) log.error(reason);
  process.exit(exitCode);
}

/** `%px` and its family; a first one without a view of its own means the engines of the default profile's cluster. */
function magics(voice: CellVoice): CellExtension {
  const listeners = new Set<() => void>();
  const own = new Magics({
    write: (name, text) => voice.write(name, text),
    display: (data, metadata) => voice.display(data, metadata),
    progress: (data, place) => voice.display(data, {}, place),
    globals: globalThis as unknown as Record<string, unknown>,
    types: Object.fromEntries(["clearOutput", "display", "input", "password"].map((name) => [name, `typeof import("tsparallel/engine").${name}`])),
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    connect: async () => (await ownLibrary()).Client.connect(),
  });
  return {
    expand: (code) => own.expand(code),
    ready: (cell) => own.ready(cell),
    get takesInterrupts() {
      return listeners.size > 0;
    },
    interrupt: () => {
      for (const listener of listeners) listener();
    },
  };
}

/** Jupyter's process, with which the kernel is to end; programs that the kernel starts need not know. Process 1 outlives everybody. */
function takeParentPid(env: NodeJS.ProcessEnv): number | null {
  const pid = Number(takeWord(env, "JPY_PARENT_PID") ?? "");
  return Number.isSafeInteger(pid) && pid > 1 ? pid : null;
}

/** A variable that is meant for this process only. */
function takeWord(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const word = env[name];
  delete env[name];
  return word;
}
