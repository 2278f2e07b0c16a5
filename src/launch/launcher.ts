// What a launcher is: something that can start a controller and sets of engines, and find them again from what a cluster
// file says. Every way to start processes (this machine, later other hosts and batch systems) stands behind it.

import type { EngineUuid } from "../base/index.ts";
import type { ProfileDir } from "../config/index.ts";
import type { ControllerState, EngineSetState } from "./launcher-state.ts";

/** How a process ended. */
export interface ProcessExit {
  /** Exit status; `null` when a signal ended it or nobody knows. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Last lines of its output. */
  readonly outputTail: readonly string[];
}

/** Which cluster something is started for. */
export interface ClusterPlace {
  readonly profile: ProfileDir;
  readonly clusterId: string;
}

/** A controller to start. */
export interface ControllerRequest {
  readonly place: ClusterPlace;
  /** Arguments after the command. */
  readonly args: readonly string[];
  /** Program and first arguments; empty: this package's ipcontroller. */
  readonly command: readonly string[];
  /** Whether its output goes to a log file. */
  readonly keepOutput: boolean;
}

/** Engines to start. */
export interface EnginesRequest {
  readonly place: ClusterPlace;
  readonly n: number;
  /** Tells the sets of a cluster apart, and their log files. */
  readonly setId: string;
  /** The engine connection file's content, for engines that do not see the file. It holds the cluster's keys: it may stand in no argument and no log. */
  readonly connectionInfo: string;
  readonly args: readonly string[];
  /** Program and first arguments; empty: this package's ipengine. */
  readonly command: readonly string[];
}

/** Something that was started and can be stopped: a controller or a set of engines. */
export interface Launched {
  readonly isRunning: boolean;
  /** Sends a signal to every process of it. */
  signal(signal: NodeJS.Signals): void;
  /**
   * Asks to end (SIGTERM), insists after `graceMs` (SIGKILL), and resolves when nothing of it runs any more. Idempotent.
   *
   * @throws LaunchError when processes survive even that
   */
  stop(graceMs: number): Promise<void>;
  /** Kills at once, without waiting; for the last moment of this process. */
  kill(): void;
}

/** A started controller. */
export interface LaunchedController extends Launched {
  readonly pid: number;
  readonly outputFile: string;
  /** Resolves when it ended; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** What a cluster file keeps of it. */
  toState(): ControllerState;
}

/** One engine of a set. */
export interface LaunchedEngine {
  /** Its number in the set, from 0. */
  readonly index: number;
  /** Chosen by the launcher; `undefined` for engines found in a file of another program. */
  readonly uuid: EngineUuid | undefined;
  readonly pid: number;
  readonly outputFile: string;
  /** Resolves when it ended; never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly isRunning: boolean;
}

/** A started set of engines. */
export interface LaunchedEngines extends Launched {
  readonly setId: string;
  readonly engines: readonly LaunchedEngine[];
  /** Resolves when the last of them ended; never rejects. */
  readonly exited: Promise<void>;
  toState(): EngineSetState;
}

/** A way to start processes. */
export interface Launcher {
  /** As users write it: `local`. */
  readonly name: string;
  /**
   * Starts a controller. Resolves when the process runs, not when it is ready.
   *
   * @throws LaunchError when it cannot be started
   */
  startController(request: ControllerRequest): Promise<LaunchedController>;
  /**
   * Starts engines, all at once. Resolves when the processes run, not when they registered.
   *
   * @throws LaunchError when one cannot be started; none is left then
   */
  startEngines(request: EnginesRequest): Promise<LaunchedEngines>;
  /** Finds a controller again; `undefined` when it does not run any more. */
  findController(state: ControllerState): LaunchedController | undefined;
  /** Finds a set of engines again; `undefined` when none of them runs any more. */
  findEngines(setId: string, state: EngineSetState): LaunchedEngines | undefined;
}
