// The launcher for this machine: plain child processes, each in a group of its own. It is also what tells of an engine's
// death at once (the reference has a nanny process per engine for that): it sees its children end.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engineUuid, type EngineUuid } from "../base/index.ts";
import { connectionFilePath } from "../config/index.ts";
import { findBundle, glibcVersion, installed, keepingEnvironment } from "../programs/index.ts";
import type {
  ClusterPlace,
  ControllerRequest,
  EnginesRequest,
  LaunchedController,
  LaunchedEngine,
  LaunchedEngines,
  Launcher,
  LaunchRequest,
  ProcessExit,
} from "./launcher.ts";
import { readEngineSetState, readProcessState, type EngineSetState, type EngineState, type ProcessState } from "./launcher-state.ts";
import { ProcessGroup } from "./process-group.ts";
import { isAlive } from "./process-identity.ts";
import { shellLine } from "./shell-words.ts";
import { spawnProcess, type SpawnRequest } from "./spawn-process.ts";

class LocalController implements LaunchedController {
  readonly #process: ProcessGroup;
  readonly #place: LocalPlace;

  constructor(group: ProcessGroup, place: LocalPlace) {
    this.#process = group;
    this.#place = place;
  }

  get pid(): number {
    return this.#process.identity.pid;
  }

  get log(): string {
    return this.#process.outputFile;
  }

  get exited(): Promise<ProcessExit> {
    return this.#process.exited;
  }

  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  signal(signal: NodeJS.Signals): Promise<void> {
    this.#process.signal(signal);
    return Promise.resolve();
  }

  stop(graceMs: number): Promise<void> {
    return this.#process.stop(graceMs);
  }

  kill(): void {
    this.#process.kill();
  }

  toState(): ProcessState {
    return processState(this.#process, this.#place);
  }
}

/** One engine's process and the uuid it was given. */
interface Member {
  readonly index: number;
  readonly uuid: EngineUuid | undefined;
  readonly process: ProcessGroup;
}

class LocalEngines implements LaunchedEngines {
  readonly setId: string;
  readonly engines: readonly LaunchedEngine[];
  readonly exited: Promise<void>;
  readonly #members: readonly Member[];
  readonly #place: LocalPlace;

  constructor(setId: string, members: readonly Member[], place: LocalPlace) {
    this.setId = setId;
    this.#members = members;
    this.#place = place;
    this.engines = members.map(engineOf);
    this.exited = Promise.all(members.map((member) => member.process.exited)).then(() => undefined);
  }

  get isRunning(): boolean {
    return this.#members.some((member) => member.process.isRunning);
  }

  signal(signal: NodeJS.Signals): Promise<void> {
    for (const member of this.#members) member.process.signal(signal);
    return Promise.resolve();
  }

  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.#members.map((member) => member.process.stop(graceMs)));
  }

  kill(): void {
    for (const member of this.#members) member.process.kill();
  }

  toState(): EngineSetState {
    const living = this.#members.filter((member) => member.process.isRunning);
    const engines = living.map((member): [string, EngineState] => [
      String(member.index),
      { ...processState(member.process, this.#place), n: 1, uuid: member.uuid ?? "" },
    ]);
    return {
      cluster_id: this.#place.clusterId,
      profile_dir: this.#place.profileDir,
      state: this.isRunning ? "running" : "after",
      pid: -1,
      n: living.length,
      engines: Object.fromEntries(engines),
    };
  }
}

function engineOf(member: Member): LaunchedEngine {
  return {
    index: member.index,
    uuid: member.uuid,
    host: undefined,
    pid: member.process.identity.pid,
    log: member.process.outputFile,
    exited: member.process.exited,
    get isRunning() {
      return member.process.isRunning;
    },
    signal(signal) {
      member.process.signal(signal);
      return Promise.resolve();
    },
  };
}

/** What a process's state says of its cluster. */
interface LocalPlace {
  readonly clusterId: string;
  readonly profileDir: string;
}

const localPlace = (place: ClusterPlace): LocalPlace => ({ clusterId: place.clusterId, profileDir: place.profile.path });

const statePlace = (state: { readonly cluster_id: string; readonly profile_dir: string }): LocalPlace => ({
  clusterId: state.cluster_id,
  profileDir: state.profile_dir,
});

function processState(group: ProcessGroup, place: LocalPlace): ProcessState {
  return {
    cluster_id: place.clusterId,
    output_file: group.outputFile,
    pid: group.identity.pid,
    profile_dir: place.profileDir,
    state: group.isRunning ? "running" : "after",
    started: group.identity.started,
  };
}

/** A program of this package as a command. Engines need the flag so that user code can be interrupted. */
export function ownCommand(program: "ipcontroller" | "ipengine"): string[] {
  return [process.execPath, ...(program === "ipengine" ? ["--no-force-async-hooks-checks"] : []), ownScript(program)];
}

/** Path of a program of this package. */
export function ownScript(program: "ipcluster" | "ipcontroller" | "ipengine" | "tsparallel"): string {
  return findBundle(program) ?? installed(fileURLToPath(new URL(`../cli/bin/${program}.js`, import.meta.url)));
}

/** Controller and engines learn their place from the environment only, as in the reference; they end when their parent is gone. */
function placeEnvironment(place: ClusterPlace): Record<string, string> {
  return { IPP_PROFILE_DIR: place.profile.path, IPP_CLUSTER_ID: place.clusterId, IPP_PARENT_PID: String(process.pid) };
}

/** Path of a log file without `.log`: `program-[cluster-]tag`, without what is empty. */
export function logBase({ profile, clusterId }: ClusterPlace, program: string, tag: string): string {
  return join(profile.logDir, [program, clusterId, tag].filter((part) => part !== "").join("-"));
}

/** An engine's uuid in the form of a session id: 8 and 24 hex digits. */
export function newEngineUuid(): EngineUuid {
  const hex = randomBytes(16).toString("hex");
  return engineUuid(`${hex.slice(0, 8)}-${hex.slice(8)}`);
}

/**
 * What must not reach users' code and the programs it starts: an engine of this machine reads its keys from the connection
 * file, elsewhere it gets what its launcher gives it, and the controller's secret key is none of its business.
 */
export const NO_KEYS: Readonly<Record<string, undefined>> = {
  IPP_CONNECTION_INFO: undefined,
  IPP_CURVE_SECRETKEY: undefined,
  IPP_CURVE_PUBLICKEY: undefined,
  IPP_SESSION_KEY: undefined,
};

/** What the option `keepFreedMemory` adds to the environment. */
function memoryEnvironment({ options, logger }: LaunchRequest): Record<string, string> {
  if (options["keepFreedMemory"] !== true) return {};
  const added = keepingEnvironment(process.env, glibcVersion());
  if (added === undefined) logger.warn("keepFreedMemory has no effect here: it needs Linux with glibc 2.34 or newer");
  return added ?? {};
}

function controllerLine(request: ControllerRequest): string[] {
  return [...commandOf(request, "ipcontroller"), ...request.args];
}

function engineLine(request: EnginesRequest): string[] {
  const { profile, clusterId } = request.place;
  return [...commandOf(request, "ipengine"), `--file=${connectionFilePath(profile, "engine", clusterId)}`, ...request.args];
}

function commandOf(request: LaunchRequest, program: "ipcontroller" | "ipengine"): readonly string[] {
  return request.command.length > 0 ? request.command : ownCommand(program);
}

async function startMember(request: EnginesRequest, line: readonly string[], env: SpawnRequest["env"], index: number): Promise<Member> {
  const uuid = newEngineUuid();
  const group = await spawnProcess({
    command: [...line, `--ident=${uuid}`],
    env,
    outputFile: `${logBase(request.place, "ipengine", request.setId)}-${index}.log`,
  });
  return { index, uuid, process: group };
}

/** Starts processes on this machine. */
export const LOCAL_LAUNCHER: Launcher = {
  name: "local",

  async startController(request) {
    const group = await spawnProcess({
      command: controllerLine(request),
      env: { ...placeEnvironment(request.place), ...memoryEnvironment(request) },
      outputFile: request.keepOutput ? `${logBase(request.place, "ipcontroller", String(process.pid))}.log` : "",
    });
    return new LocalController(group, localPlace(request.place));
  },

  async startEngines(request) {
    const line = engineLine(request);
    const env = { ...placeEnvironment(request.place), ...memoryEnvironment(request), ...NO_KEYS };
    const started = await Promise.allSettled(Array.from({ length: request.n }, (_, index) => startMember(request, line, env, index)));
    const members = started.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const failed = started.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      for (const member of members) member.process.kill();
      await Promise.all(members.map((member) => member.process.exited));
      throw failed.reason;
    }
    return new LocalEngines(request.setId, members, localPlace(request.place));
  },

  findController(state) {
    const found = readProcessState(state);
    if (found === undefined || !isAlive(found)) return Promise.resolve(undefined);
    return Promise.resolve(new LocalController(new ProcessGroup({ pid: found.pid, started: found.started }, found.output_file), statePlace(state)));
  },

  findEngines(setId, state) {
    const members = Object.entries(readEngineSetState(state)?.engines ?? {})
      .filter(([, engine]) => isAlive(engine))
      .map(([index, engine]): Member => {
        const group = new ProcessGroup({ pid: engine.pid, started: engine.started }, engine.output_file);
        return { index: Number(index), uuid: engine.uuid === "" ? undefined : engineUuid(engine.uuid), process: group };
      });
    return Promise.resolve(members.length === 0 ? undefined : new LocalEngines(setId, members, statePlace(state)));
  },

  previewController: (request) => Promise.resolve(`${shellLine(controllerLine(request))}\n`),

  previewEngines: (request) => Promise.resolve(`# ${request.n} times\n${shellLine([...engineLine(request), "--ident=<uuid>"])}\n`),
};
