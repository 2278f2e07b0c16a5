// Launchers by the name that users write: those of this package, each loaded when it is used, and modules of the users' own.

import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { ConfigError } from "../base/index.ts";
import { importModule } from "../config/index.ts";
import type { batchSystemLauncher } from "./batch/index.ts";
import type { Launcher } from "./launcher.ts";
import { LOCAL_LAUNCHER } from "./local-launcher.ts";

/** What a launcher is wanted for, in words. */
export type LauncherPurpose = "the controller" | "engines";

/** What is common to them is loaded with the first. */
function batch(name: Parameters<typeof batchSystemLauncher>[0]): () => Promise<Launcher> {
  return async () => (await import("./batch/index.ts")).batchSystemLauncher(name);
}

/** Names as users write them; what is loaded here costs a start that does not use it nothing. */
const LAUNCHERS: Readonly<Record<string, () => Promise<Launcher>>> = {
  local: () => Promise.resolve(LOCAL_LAUNCHER),
  ssh: async () => (await import("./ssh/ssh-launcher.ts")).SSH_LAUNCHER,
  sshproxy: async () => (await import("./ssh/ssh-launcher.ts")).SSHPROXY_LAUNCHER,
  mpi: async () => (await import("./mpi-launcher.ts")).MPI_LAUNCHER,
  srun: async () => (await import("./mpi-launcher.ts")).SRUN_LAUNCHER,
  slurm: batch("slurm"),
  pbs: batch("pbs"),
  sge: batch("sge"),
  lsf: batch("lsf"),
  htcondor: batch("htcondor"),
  winhpc: batch("winhpc"),
};

/** Prefixes of ipyparallel's class names that differ from its short names. */
const ALIASES: Readonly<Record<string, string>> = { windowshpc: "winhpc" };

/** The names of this package's launchers. */
export function launcherNames(): string[] {
  return Object.keys(LAUNCHERS);
}

/** The short name that a name means, in any case; ipyparallel's class names mean the same (`LocalEngineSetLauncher`). Modules stay as they are. */
export function launcherName(name: string): string {
  if (isModulePath(name)) return name;
  const plain = name.toLowerCase().replace(/^.*[.:]/, "");
  const short = /^(\w+?)(?:controller|engineset|engine)launcher$/.exec(plain)?.[1] ?? plain;
  return ALIASES[short] ?? short;
}

/**
 * The launcher of a name, or of a module's path.
 *
 * @param purpose for the message, and what it must be able to start
 * @param directories where a module's relative path may begin, first come first served
 * @throws ConfigError when there is no such launcher here, or it cannot start this
 */
export async function loadLauncher(name: string, purpose: LauncherPurpose, directories: readonly string[] = [process.cwd()]): Promise<LoadedLauncher> {
  const loaded = await findLauncher(name, directories);
  if (loaded === undefined)
    throw new ConfigError(`no launcher "${name}" for ${purpose}; available: ${launcherNames().join(", ")}, or the path of a module (./my-launcher.ts)`);
  const starts = purpose === "engines" ? loaded.launcher.startEngines !== undefined : loaded.launcher.startController !== undefined;
  if (!starts) throw new ConfigError(`the launcher "${name}" does not start ${purpose}`);
  return loaded;
}

/** A launcher, and what a cluster file calls it. */
export interface LoadedLauncher {
  readonly launcher: Launcher;
  /** Short name, or absolute path of the module: `loadLauncher` finds it again from everywhere. */
  readonly id: string;
}

/** As `loadLauncher`; `undefined` when there is none of that name. */
export async function findLauncher(name: string, directories: readonly string[] = [process.cwd()]): Promise<LoadedLauncher | undefined> {
  if (isModulePath(name)) return loadModule(name, directories);
  const id = launcherName(name);
  const load = Object.hasOwn(LAUNCHERS, id) ? LAUNCHERS[id] : undefined;
  return load === undefined ? undefined : { launcher: await load(), id };
}

const isModulePath = (name: string): boolean => /[\\/]/.test(name) || /\.[cm]?[jt]s$/.test(name);

async function loadModule(name: string, directories: readonly string[]): Promise<LoadedLauncher> {
  const paths = isAbsolute(name) ? [name] : directories.map((directory) => resolve(directory, name));
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new ConfigError(`there is no launcher module ${paths.join(" or ")}`);
  const launcher = await importModule(path);
  if (!isLauncher(launcher))
    throw new ConfigError(`${path} has no launcher as its default export; write \`export default { name: "mine", … } satisfies Launcher\``);
  return { launcher, id: path };
}

function isLauncher(value: unknown): value is Launcher {
  if (typeof value !== "object" || value === null) return false;
  const { name, startEngines, startController } = value as Partial<Record<string, unknown>>;
  return typeof name === "string" && (typeof startEngines === "function" || typeof startController === "function");
}
