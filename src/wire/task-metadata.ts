// Metadata of task requests and of replies (protocol §7.1, §7.2, §8.3), read defensively: a peer may leave out
// anything and may send nonsense; nonsense is named, not thrown.

import { msgId, type EngineUuid, type MsgId } from "../base/index.ts";
import { isDict, type Dict } from "./message.ts";

/** A dependency on earlier tasks. Empty `dependencies`: always met. */
export interface DependencySpec {
  readonly dependencies: readonly MsgId[];
  /** All of them (default) or any. */
  readonly all: boolean;
  /** Tasks that succeeded count (default true). */
  readonly success: boolean;
  /** Tasks that failed count (default false). */
  readonly failure: boolean;
}

/** What a task request asks of the scheduler. */
export interface TaskOptions {
  /** Engines that may run it; empty: any. */
  readonly targets: readonly EngineUuid[];
  /** How many failed executions may be retried. */
  readonly retries: number;
  /** Waiting time limit in milliseconds while it cannot be assigned; 0: none. */
  readonly timeoutMs: number;
  readonly after: DependencySpec;
  readonly follow: DependencySpec;
  /** Tasks of a higher one are served first; a whole number, 0 by default. Between our own peers: Python's know none. */
  readonly priority: number;
}

/** Priorities go from its negative to it. */
export const PRIORITY_MAX = 1000;

/** Whether a value is a priority. */
export function isPriority(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) <= PRIORITY_MAX;
}

/** No dependency. */
export const NO_DEPENDENCY: DependencySpec = { dependencies: [], all: true, success: true, failure: false };

/** Defaults of a request with empty metadata. */
export const DEFAULT_TASK_OPTIONS: TaskOptions = { targets: [], retries: 0, timeoutMs: 0, after: NO_DEPENDENCY, follow: NO_DEPENDENCY, priority: 0 };

/** Reads the scheduling part of a task request's metadata; a text tells what is wrong with it. */
export function readTaskOptions(metadata: Dict): TaskOptions | string {
  const targets = metadata["targets"] ?? [];
  if (!isTextList(targets)) return "metadata.targets must be a list of engine uuids";
  const retries = metadata["retries"] ?? 0;
  if (!Number.isSafeInteger(retries) || (retries as number) < 0) return "metadata.retries must be a whole number of at least 0";
  const timeout = metadata["timeout"] ?? 0;
  if (typeof timeout !== "number" || !(timeout >= 0)) return "metadata.timeout must be a number of seconds of at least 0";
  const after = readDependency(metadata["after"]);
  if (typeof after === "string") return `metadata.after ${after}`;
  const follow = readDependency(metadata["follow"]);
  if (typeof follow === "string") return `metadata.follow ${follow}`;
  const priority = metadata["priority"] ?? 0;
  if (!isPriority(priority)) return `metadata.priority must be a whole number from ${-PRIORITY_MAX} to ${PRIORITY_MAX}`;
  return { targets: targets as readonly EngineUuid[], retries: retries as number, timeoutMs: timeout * 1000, after, follow, priority };
}

function readDependency(value: unknown): DependencySpec | string {
  if (value === undefined || value === null) return NO_DEPENDENCY;
  if (isTextList(value)) return value.length === 0 ? NO_DEPENDENCY : { ...NO_DEPENDENCY, dependencies: value as readonly MsgId[] };
  if (!isDict(value)) return "must be a list of msg_ids or a dependency object";
  const dependencies = value["dependencies"] ?? [];
  if (!isTextList(dependencies)) return "needs a list of msg_ids in `dependencies`";
  const success = value["success"] ?? true;
  const failure = value["failure"] ?? false;
  if (success !== true && failure !== true) return "must count success, failure or both";
  return { dependencies: [...new Set(dependencies)].map(msgId), all: value["all"] !== false, success: success === true, failure: failure === true };
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Metadata of an apply or execute reply, as far as schedulers and clients use it. */
export interface ReplyOutcome {
  /** Missing counts as true. */
  readonly dependenciesMet: boolean;
  /** `ok`, `error` or `aborted`; `undefined` when the peer left it out: then `content.status` decides. */
  readonly status: string | undefined;
  readonly engine: EngineUuid | undefined;
}

/** Reads what a reply's metadata says about its outcome. */
export function readReplyOutcome(metadata: Dict): ReplyOutcome {
  const status = metadata["status"];
  const engine = metadata["engine"];
  return {
    dependenciesMet: metadata["dependencies_met"] !== false,
    status: typeof status === "string" ? status : undefined,
    engine: typeof engine === "string" ? (engine as EngineUuid) : undefined,
  };
}
