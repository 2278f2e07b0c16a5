// What of a cluster file still runs: its launchers know, each from what it noted there.

import { findLauncher, isAlive, type LaunchedController, type LaunchedEngines } from "../launch/index.ts";
import type { ClusterFile, EngineSetRecord } from "./cluster-file.ts";

/** What of a cluster still runs. */
export interface ClusterLife {
  readonly starter: boolean;
  readonly controller: boolean;
  /** Engines that run. */
  readonly engines: number;
}

/**
 * Looks what of a cluster file lives.
 *
 * @throws ConfigError when its launcher is a module that cannot be loaded
 */
export async function lifeOf(file: ClusterFile): Promise<ClusterLife> {
  const [controller, sets] = await Promise.all([findController(file), findSets(file)]);
  return {
    starter: starterLives(file),
    controller: controller !== undefined,
    engines: sets.flatMap((set) => set.engines.filter((engine) => engine.isRunning)).length,
  };
}

/** Whether a cluster counts as running: its controller does, or its starter is just starting or stopping it. */
export async function isRunning(file: ClusterFile): Promise<boolean> {
  return isRunningBy(file, { starter: starterLives(file), controller: false }) || (await findController(file)) !== undefined;
}

/** As `isRunning`, by what is known already. */
export function isRunningBy({ controller, starter }: ClusterFile, life: Omit<ClusterLife, "engines">): boolean {
  return life.controller || (life.starter && (controller === undefined || starter?.is_dedicated === true));
}

function starterLives({ starter }: ClusterFile): boolean {
  return starter !== undefined && isAlive(starter);
}

/** The controller of a file, if it runs. */
export async function findController({ controller }: ClusterFile): Promise<LaunchedController | undefined> {
  if (controller === undefined) return undefined;
  return (await findLauncher(controller.class))?.launcher.findController?.(controller.state);
}

/** The engine sets of a file of which something runs. */
export function findSets({ engines }: ClusterFile): Promise<LaunchedEngines[]> {
  return findSetsOf(Object.entries(engines.sets), engines.class);
}

/**
 * Finds sets by what a file says of them.
 *
 * @param launcher of those that do not say theirs
 */
export async function findSetsOf(sets: readonly (readonly [setId: string, state: EngineSetRecord])[], launcher: string): Promise<LaunchedEngines[]> {
  const found = await Promise.all(sets.map(async ([setId, state]) => (await findLauncher(state.launcher ?? launcher))?.launcher.findEngines?.(setId, state)));
  return found.filter((set) => set !== undefined);
}
