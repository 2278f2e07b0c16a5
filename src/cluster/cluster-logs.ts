// Where the logs of a cluster lie: of its controller, its engines and `ipcluster` itself, of those that run and those that ended.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../base/index.ts";
import { connectionFilePath, readConnectionFile, type ProfileDir } from "../config/index.ts";
import type { LaunchedEngine } from "../launch/index.ts";
import { isLogOf } from "./clean-logs.ts";
import { clusterFilePath, readClusterFile, type ClusterFile } from "./cluster-file.ts";
import { findController, findSets } from "./cluster-life.ts";
import { HubLink, type EngineNumbers } from "./hub-link.ts";

const ANSWER_MS = 1500;

/** One log. */
export interface LogSource {
  readonly kind: "ipcluster" | "controller" | "engine";
  /** For people: `controller`, `engine 3`, `engines 0, 1`; an engine that ended by the name of its file, `engine 1795288504-0`. */
  readonly name: string;
  /** What `--engine` may call it: numbers, and the name of its file. */
  readonly engines: readonly string[];
  /** The file; `undefined` when it is not on this machine. */
  readonly path: string | undefined;
  /** Where else it is, for people; empty: nowhere, nothing is kept. */
  readonly place: string;
}

/** Logs of a cluster, and whether there is a cluster file. */
export interface ClusterLogs {
  readonly isKnown: boolean;
  readonly sources: readonly LogSource[];
}

/**
 * Finds the logs of a cluster, running or not.
 *
 * @throws ConfigError when its file cannot be read
 */
export async function findLogs(profile: ProfileDir, clusterId: string): Promise<ClusterLogs> {
  const file = await readClusterFile(clusterFilePath(profile, clusterId));
  const names = await logNames(profile, clusterId);
  const controller = file === undefined ? undefined : await findController(file);
  const running = file === undefined ? [] : await runningEngines(file, profile, clusterId, controller !== undefined);
  const paths = names.map((name) => join(profile.logDir, name));
  const here = paths.map((path, at) => sourceOf(path, tagOf(names[at] ?? "", clusterId), running));
  const elsewhere = running.filter(({ engine }) => !paths.includes(engine.log)).map(({ engine, id }) => remote("engine", `engine ${id}`, [id], engine.log));
  const hasController = controller === undefined || here.some(({ kind }) => kind === "controller");
  const sources = [...here, ...(hasController ? [] : [remote("controller", "controller", [], controller.log)]), ...elsewhere];
  return { isKnown: file !== undefined, sources: sources.toSorted(inOrder) };
}

/** Names of the log files of a cluster in its profile. */
export async function logNames(profile: ProfileDir, clusterId: string): Promise<string[]> {
  try {
    return (await readdir(profile.logDir)).filter((name) => name.endsWith(".log") && isLogOf(clusterId, name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return []; // a profile without logs
    throw new ConfigError(`cannot read ${profile.logDir}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

interface RunningEngine {
  readonly engine: LaunchedEngine;
  /** Its number; what stands for it while it has none. */
  readonly id: string;
}

async function runningEngines(file: ClusterFile, profile: ProfileDir, clusterId: string, hasController: boolean): Promise<RunningEngine[]> {
  const [sets, numbers] = await Promise.all([findSets(file), hasController ? numbersOf(profile, clusterId) : undefined]);
  return sets.flatMap((set) =>
    set.engines
      .filter((engine) => engine.isRunning)
      .map((engine) => {
        const number = engine.uuid === undefined ? undefined : numbers?.get(engine.uuid);
        return { engine, id: number === undefined ? `${set.setId}-${engine.index}` : String(number) };
      }),
  );
}

/** Numbers of the engines; `undefined` when the controller does not tell. */
async function numbersOf(profile: ProfileDir, clusterId: string): Promise<EngineNumbers | undefined> {
  try {
    const link = new HubLink(await readConnectionFile("client", connectionFilePath(profile, "client", clusterId), { waitMs: 0 }));
    try {
      return await link.engines(ANSWER_MS);
    } finally {
      await link.close();
    }
  } catch (cause) {
    if (cause instanceof ConfigError) return undefined; // without its file nobody can ask the controller
    throw cause;
  }
}

/** `ipengine-<id>-<set>-<index>.log` is that of `<set>-<index>`. */
function tagOf(name: string, clusterId: string): { readonly kind: LogSource["kind"]; readonly tag: string } {
  const [, program = "", rest = ""] = /^(ipcluster|ipcontroller|ipengine)-(.*)\.log$/.exec(name) ?? [];
  const kind = program === "ipcluster" ? program : program === "ipcontroller" ? "controller" : "engine";
  return { kind, tag: clusterId === "" ? rest : rest.slice(clusterId.length + 1) };
}

function sourceOf(path: string, { kind, tag }: ReturnType<typeof tagOf>, running: readonly RunningEngine[]): LogSource {
  if (kind !== "engine") return { kind, name: kind, engines: [], path, place: path };
  // Engines that one command started may share a log.
  const ids = running.filter(({ engine }) => engine.log === path).map(({ id }) => id);
  const name = ids.length === 0 ? `engine ${tag}` : `engine${ids.length === 1 ? "" : "s"} ${ids.join(", ")}`;
  return { kind, name, engines: [...new Set([...ids, tag])], path, place: path };
}

function remote(kind: LogSource["kind"], name: string, engines: readonly string[], place: string): LogSource {
  return { kind, name, engines, path: undefined, place };
}

const KIND_ORDER: Readonly<Record<LogSource["kind"], number>> = { ipcluster: 0, controller: 1, engine: 2 };

function inOrder(one: LogSource, other: LogSource): number {
  const first = (source: LogSource): string => (source.engines[0] ?? "").padStart(24, "0");
  return KIND_ORDER[one.kind] - KIND_ORDER[other.kind] || first(one).localeCompare(first(other));
}
