// What a cluster file keeps of a launched controller and of engine sets (protocol §11.2). Keys are the file's, which
// Python's programs read too; `started` and `uuid` are ours, and theirs to ignore.

/** Common to all states. */
export interface LauncherState {
  readonly cluster_id: string;
  readonly profile_dir: string;
  readonly state: "before" | "running" | "after";
  readonly pid: number;
}

/** State of one process. */
export interface ProcessState extends LauncherState {
  readonly output_file: string;
  /** When the process started, see `ProcessIdentity`; empty in files of other programs. */
  readonly started: string;
}

/** State of a controller. */
export type ControllerState = ProcessState;

/** State of one engine of a set. */
export interface EngineState extends ProcessState {
  readonly n: 1;
  readonly uuid: string;
}

/** State of a set of engines; its own `pid` is -1. */
export interface EngineSetState extends LauncherState {
  readonly n: number;
  readonly engines: { readonly [index: string]: EngineState };
}

/** Reads a process's state out of a file; `undefined` when it is none. */
export function readProcessState(value: unknown): ProcessState | undefined {
  if (!isObject(value) || !Number.isInteger(value["pid"])) return undefined;
  return {
    cluster_id: text(value["cluster_id"]),
    profile_dir: text(value["profile_dir"]),
    state: value["state"] === "before" || value["state"] === "after" ? value["state"] : "running",
    pid: value["pid"] as number,
    output_file: text(value["output_file"]),
    started: text(value["started"]),
  };
}

/** Reads an engine set's state out of a file; engines that cannot be read are left out. */
export function readEngineSetState(value: unknown): EngineSetState | undefined {
  if (!isObject(value) || !isObject(value["engines"])) return undefined;
  const engines: Record<string, EngineState> = {};
  for (const [index, engine] of Object.entries(value["engines"])) {
    const state = readProcessState(engine);
    if (state !== undefined) engines[index] = { ...state, n: 1, uuid: text((engine as { uuid?: unknown }).uuid) };
  }
  return {
    cluster_id: text(value["cluster_id"]),
    profile_dir: text(value["profile_dir"]),
    state: value["state"] === "before" || value["state"] === "after" ? value["state"] : "running",
    pid: -1,
    n: Object.keys(engines).length,
    engines,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
