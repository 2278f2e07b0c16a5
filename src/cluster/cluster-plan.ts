// What a cluster is started with: the options a user gives, joined with the profile's file, the environment and the
// defaults into one complete plan.

import { randomInt } from "node:crypto";
import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { ConfigError } from "../base/index.ts";
import {
  CLUSTER_OPTIONS,
  loadConfigFile,
  readConfig,
  resolveClusterId,
  resolveOptions,
  resolveProfile,
  type ClusterFileOptions,
  type ClusterValues,
  type ConfigValues,
  type LoadedConfig,
  type ProfileDir,
} from "../config/index.ts";
import { launcherNames, loadLauncher, type LauncherOptions, type LoadedLauncher } from "../launch/index.ts";
import type { Logger } from "../log/index.ts";
import { readAdaptRange } from "./adapt-range.ts";
import { makePrivateProfile } from "./private-profile.ts";

/** Options of `Cluster.start`: those of `ipcluster_config.*`, and where and how. They win over the profile's file and the environment. */
export interface ClusterOptions extends ClusterFileOptions {
  /** Profile's name; default `default`. */
  readonly profile?: string;
  /** The profile's directory itself; beats `profile`. */
  readonly profileDir?: string;
  /** Directory of all profiles; default `$IPYTHONDIR`, else `~/.ipython`. */
  readonly ipythonDir?: string;
  /** A cluster of this program's own, in a temporary profile that is removed with it. */
  readonly private?: boolean;
  /** Ends a start that is under way, and what it started. */
  readonly signal?: AbortSignal;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** Everything decided. */
export interface ClusterPlan {
  readonly profile: ProfileDir;
  readonly clusterId: string;
  /** Engines to start with. */
  readonly n: number;
  readonly values: ClusterValues;
  readonly controllerLauncher: LoadedLauncher;
  readonly engineLauncher: LoadedLauncher;
  /** The profile directory is this cluster's own, and goes with it. */
  readonly isPrivate: boolean;
  /** The controller takes over and keeps existing connection files (`--reuse`, `--restore`). */
  readonly isReusing: boolean;
  /** The configuration file that was read. */
  readonly configFile: string | undefined;
}

const PLACE_KEYS = new Set(["profile", "profileDir", "ipythonDir", "private", "signal", "logger"]);

/**
 * Makes the plan of `Cluster.start`.
 *
 * @throws ConfigError for an unknown option, a wrong value, or a launcher that is not there
 */
export async function planCluster(options: ClusterOptions): Promise<ClusterPlan> {
  if (typeof options !== "object" || options === null)
    throw new ConfigError(`Cluster.start takes an object of options, such as { n: 4 }, and got ${String(options)}`);
  options.signal?.throwIfAborted();
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => !PLACE_KEYS.has(name)));
  const given = readConfig(CLUSTER_OPTIONS, own, "the options of Cluster.start");
  const isPrivate = options.private === true;
  if (isPrivate) return planPrivate({ clusterId: "", ...given });
  return planGiven(resolveProfile(options), { clusterId: newClusterId(), ...given }, false);
}

async function planPrivate(given: ConfigValues): Promise<ClusterPlan> {
  const profile = await makePrivateProfile();
  try {
    return await planGiven(profile, given, true);
  } catch (cause) {
    await rm(profile.path, { recursive: true, force: true });
    throw cause;
  }
}

/** Makes a plan of values by full name, as the command line gives them. */
export async function planGiven(profile: ProfileDir, given: ConfigValues, isPrivate: boolean): Promise<ClusterPlan> {
  const loaded = isPrivate ? { file: undefined, values: {} } : await loadConfigFile(profile, "ipcluster");
  const { values } = resolveOptions(CLUSTER_OPTIONS, { profile: loaded, given });
  // A relative path of a launcher's module begins where the command was given, or where the configuration lies.
  const directories = [process.cwd(), profile.path];
  const range = values["adapt.range"] === undefined ? undefined : readAdaptRange(values["adapt.range"]);
  if (values["adapt.range"] !== undefined && range === undefined)
    throw new ConfigError(`adapt.range (--adapt) is "${values["adapt.range"]}", and must be the fewest and the most engines: 1:8`);
  const engineLauncher = await loadLauncher(values.engines, "engines", directories);
  return {
    profile,
    clusterId: resolveClusterId(values.clusterId),
    n: values.n ?? range?.min ?? engineLauncher.launcher.engineCount?.(launcherOptions(values, engineLauncher)) ?? availableParallelism(),
    values,
    controllerLauncher: await loadLauncher(values["controller.launcher"], "the controller", directories),
    engineLauncher,
    isPrivate,
    isReusing: isPrivate ? false : await reusesFiles(profile, values),
    configFile: loaded.file,
  };
}

/** What the configuration says to a launcher: its section, by short name; to a module of the user's own `launcherOptions`. */
export function launcherOptions(values: ClusterValues, { id, launcher }: LoadedLauncher): LauncherOptions {
  if (!launcherNames().includes(id)) return values.launcherOptions ?? {};
  const section = `${launcher.optionSection ?? id}.`;
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (name.startsWith(section) ? [[name.slice(section.length), value]] : [])));
}

const REUSE_FLAG = /^--(?:reuse|restore|IPController\.(?:reuse_files|restore_engines))(?:=(?:true|1|yes|on))?$/i;

async function reusesFiles(profile: ProfileDir, values: ClusterValues): Promise<boolean> {
  if (values["controller.args"].some((arg) => REUSE_FLAG.test(arg))) return true;
  const controller: LoadedConfig = await loadConfigFile(profile, "ipcontroller");
  return controller.values["reuse"] === true || controller.values["restore"] === true;
}

const ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** `<unix time>-<four letters or digits>`, as ipyparallel's own. */
function newClusterId(): string {
  const letters = Array.from({ length: 4 }, () => ID_LETTERS[randomInt(ID_LETTERS.length)] ?? "x");
  return `${Math.floor(Date.now() / 1000)}-${letters.join("")}`;
}
