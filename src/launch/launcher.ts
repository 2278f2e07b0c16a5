// What a launcher is: something that can start a controller and sets of engines, on this machine, on other hosts or through a
// batch system, and find them again from what a cluster file says. Users may write their own: see `Launcher`.

import type { EngineUuid } from "../base/index.ts";
import type { ProfileDir } from "../config/index.ts";
import type { Logger } from "../log/index.ts";
import type { LauncherState } from "./launcher-state.ts";

/** How a process ended. */
export interface ProcessExit {
  /** Exit status; `null` when a signal ended it or nobody knows. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Last lines of its output; what the launcher itself knows may stand there when the process left none. */
  readonly outputTail: readonly string[];
  /** What the launcher knows better than status and signal, following the process's name: `was cancelled by the scheduler (TIMEOUT)`. */
  readonly how?: string;
}

/** Which cluster something is started for. */
export interface ClusterPlace {
  readonly profile: ProfileDir;
  readonly clusterId: string;
}

/**
 * Options of one launcher by short name: those of its section in `ipcluster_config` (`slurm: { queue: … }` gives `queue`), checked,
 * and with the defaults of the option table. A launcher of the user's own gets what stands under `launcherOptions`, unchecked.
 */
export type LauncherOptions = { readonly [name: string]: unknown };

/** What every request to a launcher says. */
export interface LaunchRequest {
  readonly place: ClusterPlace;
  /** Arguments after the command. */
  readonly args: readonly string[];
  /** Program and first arguments; empty: this package's ipcontroller or ipengine, as the launcher finds it where it starts it. */
  readonly command: readonly string[];
  readonly options: LauncherOptions;
  /** How long what is started may take to end when `stop` is not told otherwise, e.g. because its launcher's process was killed. */
  readonly graceMs: number;
  readonly logger: Logger;
  /** Gives up the start. */
  readonly signal: AbortSignal | undefined;
}

/** A controller to start. */
export interface ControllerRequest extends LaunchRequest {
  /** Whether its output is kept in a log file. */
  readonly keepOutput: boolean;
}

/** Engines to start. */
export interface EnginesRequest extends LaunchRequest {
  readonly n: number;
  /** With so many the user is content: a launcher that finds some places unusable may start fewer than `n`, and logs which and why. */
  readonly enginesMin: number;
  /** Tells the sets of a cluster apart, and their log files. */
  readonly setId: string;
  /**
   * The engine connection file's content, for engines that do not see the file: they take it from the environment variable
   * `IPP_CONNECTION_INFO`. It holds the cluster's keys: it may stand in no argument, no log and no file that others can read. Empty in a preview.
   */
  readonly connectionInfo: string;
}

/** Something that was started and can be stopped: a controller or a set of engines. */
export interface Launched {
  readonly isRunning: boolean;
  /**
   * Resolves when all of it has begun to run: the time in which it must be ready counts from then. Rejects with a LaunchError when it never will.
   * Absent: it runs from the start.
   */
  readonly begun?: Promise<void>;
  /**
   * Sends a signal to every process of it. Resolves when it was delivered as far as the launcher can tell.
   *
   * @throws LaunchError when it cannot be delivered
   */
  signal(signal: NodeJS.Signals): Promise<void>;
  /**
   * Asks to end (SIGTERM), insists after `graceMs` (SIGKILL), and resolves when nothing of it runs any more. Idempotent.
   *
   * @throws LaunchError when processes survive even that, or when nobody can tell, saying where they may be
   */
  stop(graceMs: number): Promise<void>;
  /** Kills at once, without waiting, and synchronously: for the last moment of this process. */
  kill(): void;
  /** What a cluster file keeps of it: all that is needed to find and stop it, without options. Never a key. */
  toState(): LauncherState;
}

/** A started controller. */
export interface LaunchedController extends Launched {
  /** Absent when it is not known or not of this machine. */
  readonly pid: number | undefined;
  /** Where its output is, for people: a path, or `host:path`; empty: nowhere. */
  readonly log: string;
  /** Resolves when it ended; never rejects. */
  readonly exited: Promise<ProcessExit>;
}

/** One engine of a set. */
export interface LaunchedEngine {
  /** Its number in the set, from 0. */
  readonly index: number;
  /** What it registers under, chosen by the launcher (`ipengine --ident=UUID`); `undefined` for engines found in a file of another program. */
  readonly uuid: EngineUuid | undefined;
  /** Where it runs; absent: this machine, or not known yet. */
  readonly host: string | undefined;
  /** On its host; absent when it is not known. */
  readonly pid: number | undefined;
  /** Where its output is, for people: a path, or `host:path`; empty: nowhere. */
  readonly log: string;
  /** Resolves when it ended; never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly isRunning: boolean;
  /**
   * Sends a signal to this engine alone. Absent: its launcher cannot, and it is asked by the controller.
   *
   * @throws LaunchError when it cannot be delivered
   */
  signal?(signal: NodeJS.Signals): Promise<void>;
}

/** A started set of engines. */
export interface LaunchedEngines extends Launched {
  readonly setId: string;
  readonly engines: readonly LaunchedEngine[];
  /** Resolves when the last of them ended; never rejects. */
  readonly exited: Promise<void>;
  /**
   * Why engines did not answer in time, as far as the launcher can find out: a sentence each, or one for several (`job 17 is pending:
   * Priority`). Bounded in time; never rejects. Absent: the launcher knows nothing more.
   */
  diagnose?(missing: readonly LaunchedEngine[]): Promise<readonly string[]>;
}

/** A program to run on a cluster of its own, inside a job. */
export interface ProgramRequest extends Pick<LaunchRequest, "place" | "options" | "logger" | "signal"> {
  /** Engines of TypeScript. */
  readonly n: number;
  /** Engines of Python besides; `executable`: the Python that runs them, else as the profile has it. */
  readonly python?: { readonly n: number; readonly executable: string | undefined };
  /** Program and arguments. */
  readonly program: readonly string[];
  /** Begins the names of the job and of the file with its output. */
  readonly name: string;
  /** Where that file goes. */
  readonly directory: string;
}

/** A program that was submitted. */
export interface LaunchedProgram {
  /** `Slurm job 17`. */
  readonly title: string;
  /** File with its output. */
  readonly log: string;
  /** Resolves when it ended; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Ends it; see `Launched`. */
  stop(graceMs: number): Promise<void>;
  /** For the last moment of this process; see `Launched`. */
  kill(): void;
}

/**
 * A way to start processes. A module with one as its default export can be named instead of a launcher: `--engines=./mine.ts`.
 *
 * @example export default { name: "mine", async startEngines(request) { … }, async findEngines(setId, state) { … } } satisfies Launcher;
 */
export interface Launcher {
  /** As users write it: `local`, `ssh`, `slurm`. */
  readonly name: string;
  /** Section of the configuration that has its options, when it is not called as the launcher is. */
  readonly optionSection?: string;
  /** Its engines run on other machines, to which a controller on the loopback interface would be no use: it listens on all interfaces unless told. */
  readonly isRemote?: boolean;
  /** How many engines to start when the user did not say; absent or `undefined`: one for each processor core of this machine. */
  engineCount?(options: LauncherOptions): number | undefined;
  /**
   * Starts a controller. Resolves when it was started or submitted, not when it is ready: it is ready when its connection files lie in
   * `place.profile.securityDir` of this machine, which is the launcher's to see to where it is not the controller itself that writes there.
   *
   * @throws LaunchError when it cannot be started
   */
  startController?(request: ControllerRequest): Promise<LaunchedController>;
  /**
   * Starts engines, all at once. Resolves when they were started or submitted, not when they registered.
   *
   * @throws LaunchError when one cannot be started (of fewer than `enginesMin`, where some places are unusable); none is left then
   */
  startEngines?(request: EnginesRequest): Promise<LaunchedEngines>;
  /**
   * Finds a controller again; `undefined` when it does not run any more. What cannot be asked just now (an unreachable host) counts as running.
   *
   * @throws ConfigError when the state is none of this launcher's
   */
  findController?(state: LauncherState): Promise<LaunchedController | undefined>;
  /** Finds a set of engines again; `undefined` when none of them runs any more. As `findController`. */
  findEngines?(setId: string, state: LauncherState): Promise<LaunchedEngines | undefined>;
  /**
   * Submits a job that starts a controller and engines on what the job was given, runs a program against them, and ends with it.
   *
   * @throws LaunchError when it cannot be submitted
   */
  submitProgram?(request: ProgramRequest): Promise<LaunchedProgram>;
  /** The script of `submitProgram`, which can be submitted by hand. */
  previewProgram?(request: ProgramRequest): Promise<string>;
  /** For `--dry-run`: the commands and files with which the controller would be started, as text for people. Nothing is started or written. */
  previewController?(request: ControllerRequest): Promise<string>;
  /** As `previewController`, of engines. */
  previewEngines?(request: EnginesRequest): Promise<string>;
}
