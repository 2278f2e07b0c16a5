// What a cluster file keeps of a launched controller and of engine sets (protocol §11.2). Each launcher has keys of its own; those
// that Python's programs know have their names (`pid`, `output_file`, `hostname`, `job_id`), others are theirs to ignore.

/** What the state of anything launched says; the rest is its launcher's. JSON all through. */
export interface LauncherState {
  readonly cluster_id: string;
  readonly profile_dir: string;
  readonly state: "before" | "running" | "after";
  readonly [key: string]: unknown;
}

/** State of one process of this machine. */
export interface ProcessState extends LauncherState {
  readonly pid: number;
  readonly output_file: string;
  /** When the process started, see `ProcessIdentity`; empty in files of other programs. */
  readonly started: string;
}

/** State of one engine of a set on this machine. */
export interface EngineState extends ProcessState {
  readonly n: 1;
  readonly uuid: string;
}

/** State of a set of engines on this machine; its own `pid` is -1. */
export interface EngineSetState extends LauncherState {
  readonly pid: -1;
  readonly n: number;
  readonly engines: { readonly [index: string]: EngineState };
}

/** Reads a launcher's state out of a file, with all its keys; `undefined` when it is none. */
export function readLauncherState(value: unknown): LauncherState | undefined {
  if (!isObject(value)) return undefined;
  const state = value["state"] === "before" || value["state"] === "after" ? value["state"] : "running";
  return { ...value, cluster_id: textOf(value["cluster_id"]), profile_dir: textOf(value["profile_dir"]), state };
}

/** Reads a process's state out of a file; `undefined` when it is none. */
export function readProcessState(value: unknown): ProcessState | undefined {
  const common = readLauncherState(value);
  if (common === undefined || !Number.isInteger(common["pid"])) return undefined;
  const { cluster_id, profile_dir, state } = common;
  return { cluster_id, profile_dir, state, pid: common["pid"] as number, output_file: textOf(common["output_file"]), started: textOf(common["started"]) };
}

/** Reads an engine set's state out of a file; engines that cannot be read are left out. */
export function readEngineSetState(value: unknown): EngineSetState | undefined {
  const common = readLauncherState(value);
  if (common === undefined || !isObject(common["engines"])) return undefined;
  const engines: Record<string, EngineState> = {};
  for (const [index, engine] of Object.entries(common["engines"])) {
    const state = readProcessState(engine);
    if (state !== undefined) engines[index] = { ...state, n: 1, uuid: textOf((engine as { uuid?: unknown }).uuid) };
  }
  const { cluster_id, profile_dir, state } = common;
  return { cluster_id, profile_dir, state, pid: -1, n: Object.keys(engines).length, engines };
}

/** Whether a value of a state is an object with keys. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text of a state, or the empty one. */
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
