// The cluster file `security/cluster-<id>.json` (protocol §11.2): what runs, so that another process can find it, stop it
// or list it; Python's `ipcluster list` reads it too, and writes it anew with what it knows: hence a copy beside it that has
// everything. Several processes may change it (`ipcluster engines` adds a set), hence a lock around each change.

import { existsSync, readFileSync, rmSync } from "node:fs";
import { open, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../base/index.ts";
import { fileFailure, writePrivateFile, type ProfileDir } from "../config/index.ts";
import { readLauncherState, type LauncherState, type ProcessIdentity } from "../launch/index.ts";
import { processExists } from "../programs/index.ts";

/** How the cluster was asked for. Keys are the file's. */
export interface ClusterFacts {
  readonly cluster_id: string;
  readonly controller_args: readonly string[];
  readonly controller_ip: string;
  readonly controller_location: string;
  readonly delay: number;
  readonly n: number | null;
  readonly profile_dir: string;
  readonly class: string;
}

/** The process that started the cluster and looks after it. Ours; Python's programs ignore it. */
export interface Starter extends ProcessIdentity {
  /** True when that process does nothing else (`ipcluster start`), so that asking it to end is the way to stop the cluster. */
  readonly is_dedicated: boolean;
}

/** Content of a cluster file. */
export interface ClusterFile {
  readonly cluster: ClusterFacts;
  readonly controller?: { readonly class: string; readonly state: LauncherState };
  readonly engines: { readonly class: string; readonly sets: { readonly [setId: string]: EngineSetRecord } };
  readonly starter?: Starter;
  /** How many dead engines were started again. Ours. */
  readonly restarts?: number;
}

/** A set of engines in the file. */
export interface EngineSetRecord extends LauncherState {
  /** Which launcher started it; ours. Absent in files of Python's programs, where all are of the file's class. */
  readonly launcher?: string;
  /** What its engines run; ours. Absent: TypeScript. */
  readonly language?: string;
}

/** The class name that Python's programs expect. */
export const CLUSTER_CLASS = "ipyparallel.cluster.cluster.Cluster";

const LOCK_WAIT_MS = 5000;
const LOCK_POLL_MS = 5;
/** A lock without its holder's id in it counts as abandoned after this time. */
const NAMELESS_LOCK_MS = 60_000;

/** Path of a cluster's file. */
export function clusterFilePath(profile: ProfileDir, clusterId: string): string {
  return join(profile.securityDir, `cluster-${clusterId}.json`);
}

/** Paths of all cluster files of a profile. */
export async function findClusterFiles(profile: ProfileDir): Promise<string[]> {
  try {
    const names = await readdir(profile.securityDir);
    return names.filter((name) => /^cluster-.*\.json$/.test(name)).map((name) => join(profile.securityDir, name));
  } catch {
    // No such profile, or one that is not ours to read: it has no clusters that could be reported.
    return [];
  }
}

/**
 * Reads a cluster file's text.
 *
 * @param path for the message, and for the cluster id that an unreadable content does not tell
 * @throws ConfigError, and nothing else, when it is none
 */
export function parseClusterFile(text: string, path: string): ClusterFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${path} is not JSON; remove it with \`ipcluster clean\``, { cause });
  }
  if (!isObject(value) || !isObject(value["cluster"])) throw new ConfigError(`${path} is not a cluster file; remove it with \`ipcluster clean\``);
  const controller = isObject(value["controller"]) ? value["controller"] : {};
  const engines = isObject(value["engines"]) ? value["engines"] : {};
  const controllerState = readLauncherState(controller["state"]);
  const starter = readStarter(value["starter"]);
  return {
    cluster: readFacts(value["cluster"], path),
    ...(controllerState === undefined ? {} : { controller: { class: textOr(controller["class"], "local"), state: controllerState } }),
    engines: { class: textOr(engines["class"], "local"), sets: readSets(engines["sets"]) },
    ...(starter === undefined ? {} : { starter }),
    ...(typeof value["restarts"] === "number" ? { restarts: value["restarts"] } : {}),
  };
}

function readFacts(value: Record<string, unknown>, path: string): ClusterFacts {
  const args = value["controller_args"];
  return {
    cluster_id: textOr(value["cluster_id"], /^cluster-(.*)\.json$/.exec(basename(path))?.[1] ?? ""),
    controller_args: Array.isArray(args) ? args.filter((arg) => typeof arg === "string") : [],
    controller_ip: textOr(value["controller_ip"], ""),
    controller_location: textOr(value["controller_location"], ""),
    delay: typeof value["delay"] === "number" ? value["delay"] : 0,
    n: typeof value["n"] === "number" ? value["n"] : null,
    profile_dir: textOr(value["profile_dir"], ""),
    class: textOr(value["class"], CLUSTER_CLASS),
  };
}

function readSets(value: unknown): Record<string, EngineSetRecord> {
  const sets: Record<string, EngineSetRecord> = {};
  if (!isObject(value)) return sets;
  for (const [setId, set] of Object.entries(value)) {
    const state = readLauncherState(set);
    if (state === undefined) continue;
    const { launcher, language, ...rest } = state;
    const own = { ...(typeof launcher === "string" ? { launcher } : {}), ...(typeof language === "string" ? { language } : {}) };
    sets[setId] = { ...rest, ...own } as EngineSetRecord;
  }
  return sets;
}

function readStarter(value: unknown): Starter | undefined {
  if (!isObject(value) || !Number.isInteger(value["pid"])) return undefined;
  return { pid: value["pid"] as number, started: textOr(value["started"], ""), is_dedicated: value["is_dedicated"] === true };
}

/** Path of the copy of a cluster file. */
export function copyPath(path: string): string {
  return join(dirname(path), basename(path).replace(/^cluster-/, "launched-"));
}

/**
 * The cluster file at `path`; `undefined` when there is none. Where a Python program has written it, its copy, if that is of the same controller.
 *
 * @throws ConfigError when it cannot be read
 */
export async function readClusterFile(path: string): Promise<ClusterFile | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : withCopy(parseClusterFile(text, path), await readText(copyPath(path)), path);
}

function withCopy(file: ClusterFile, copyText: string | undefined, path: string): ClusterFile {
  if (file.starter !== undefined || copyText === undefined) return file;
  try {
    const copy = parseClusterFile(copyText, path);
    const isSame = file.controller === undefined || file.controller.state["pid"] === copy.controller?.state["pid"];
    return isSame ? copy : file;
  } catch {
    // A broken copy tells nothing more than the file itself.
    return file;
  }
}

/** As `readClusterFile`, in the last moment of a process. */
export function readClusterFileNow(path: string): ClusterFile {
  const copy = existsSync(copyPath(path)) ? readFileSync(copyPath(path), "utf8") : undefined;
  return withCopy(parseClusterFile(readFileSync(path, "utf8"), path), copy, path);
}

/** Removes a cluster file and its copy in the last moment of a process. */
export function removeClusterFileNow(path: string): void {
  for (const one of [path, copyPath(path)]) rmSync(one, { force: true });
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConfigError(`cannot read ${path}: ${fileFailure(cause)}`, { cause });
  }
}

/**
 * Changes a cluster file under its lock.
 *
 * @param change gets the present content (`undefined`: none, or unreadable) and gives the new one; `undefined` removes the file
 * @throws ConfigError when the file cannot be written or the lock is not free in time
 */
export async function updateClusterFile(
  path: string,
  change: (file: ClusterFile | undefined) => ClusterFile | undefined | Promise<ClusterFile | undefined>,
): Promise<void> {
  await withLock(`${path}.lock`, async () => {
    const before = await readClusterFile(path).catch((cause: unknown) => {
      // A broken file is replaced: whoever changes it knows better what runs.
      if (cause instanceof ConfigError) return undefined;
      throw cause;
    });
    const after = await change(before);
    if (after === undefined) return removeClusterFile(path);
    try {
      for (const one of [copyPath(path), path]) await writePrivateFile(one, JSON.stringify(after, null, 2));
    } catch (cause) {
      // A full disk may have had room for the copy alone.
      if (before === undefined) await removeClusterFile(path);
      throw cause;
    }
  });
}

/** Removes a cluster file and its copy. */
export async function removeClusterFile(path: string): Promise<void> {
  for (const one of [path, copyPath(path)]) await rm(one, { force: true });
}

async function withLock(lock: string, work: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  while (!(await tryLock(lock))) {
    if (performance.now() >= deadline) throw new ConfigError(`${lock} is held by another process; remove it if none runs`);
    if (await isAbandoned(lock)) await rm(lock, { force: true });
    else await sleep(LOCK_POLL_MS);
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function tryLock(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, "wx", 0o600);
    // On a full disk the lock has no name in it and holds all the same: what is to be done may be to remove files.
    await file.writeFile(String(process.pid)).catch(() => undefined);
    await file.close();
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw new ConfigError(`cannot write ${lock}: ${fileFailure(cause)}`, { cause });
  }
}

/** Whether the process that holds the lock is gone. An empty lock is just being made, or was made on a full disk. */
async function isAbandoned(lock: string): Promise<boolean> {
  try {
    const text = await readFile(lock, "utf8");
    const holder = Number(text);
    if (text === "") return Date.now() - (await stat(lock)).mtimeMs > NAMELESS_LOCK_MS;
    return Number.isInteger(holder) && holder > 0 && !processExists(holder);
  } catch {
    return false; // released meanwhile
  }
}

/** Whether two contents of a cluster's file are of the same run of it. */
export function isSameRun(one: ClusterFile, other: ClusterFile): boolean {
  if (one.starter === undefined || other.starter === undefined)
    return one.starter === other.starter && one.controller?.state["pid"] === other.controller?.state["pid"];
  return one.starter.pid === other.starter.pid && one.starter.started === other.starter.started;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const textOr = (value: unknown, fallback: string): string => (typeof value === "string" ? value : fallback);
