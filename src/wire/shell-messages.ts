// Messages of the shell and control channels (protocol §8): what an engine reads of requests and writes into replies.
// Contents are read defensively; nonsense becomes a default or is named, never thrown.

import { VERSION, type EngineUuid } from "../base/index.ts";
import { isDict, type Dict } from "./message.ts";

/** How a reply ends: `content.status` and `metadata.status`. */
export type ReplyStatus = "ok" | "error" | "aborted";

/** `execute_request` content, complete. */
export interface ExecuteRequest {
  readonly code: string;
  /** Nothing is published but status and errors, nothing is counted. Default false. */
  readonly silent: boolean;
  /** Whether the execution is counted. Default: not silent. */
  readonly storeHistory: boolean;
  /** Whether a failure aborts the execute requests that wait already. Default true. */
  readonly stopOnError: boolean;
  /** Expressions to evaluate after the code, by name. */
  readonly userExpressions: ReadonlyMap<string, string>;
}

/** Reads `execute_request` content; a text tells what is wrong with it. */
export function readExecuteRequest(content: Dict): ExecuteRequest | string {
  const { code, silent, store_history: storeHistory, stop_on_error: stopOnError, user_expressions: expressions } = content;
  if (typeof code !== "string") return "content.code must be a text";
  const named = isDict(expressions) ? Object.entries(expressions) : [];
  return {
    code,
    silent: silent === true,
    storeHistory: typeof storeHistory === "boolean" ? storeHistory : silent !== true,
    stopOnError: stopOnError !== false,
    userExpressions: new Map(named.filter((entry): entry is [string, string] => typeof entry[1] === "string")),
  };
}

/** Ids of an `abort_request`: a list or one text; `all` for an empty list or none, which means every waiting execute request. */
export function readAbortRequest(content: Dict): readonly string[] | "all" {
  const ids = content["msg_ids"];
  if (typeof ids === "string") return [ids];
  if (!Array.isArray(ids)) return "all";
  const texts = ids.filter((id): id is string => typeof id === "string");
  return texts.length === 0 ? "all" : texts;
}

/**
 * Ids of a `cancel_request` or `explain_request`, between our own peers; ids that are no text are left out. An engine answers
 * `cancel_request` with the id that it has stopped in `stopped`; the controller, asked under its own identity, answers both with
 * what it knows of each of these tasks in `tasks`.
 */
export function readMsgIds(content: Dict): readonly string[] {
  const ids = content["msg_ids"];
  return Array.isArray(ids) ? ids.filter((id): id is string => typeof id === "string") : [];
}

/** Signal of a `signal_request`: number or name as the peer wrote it; `undefined` when it is neither. */
export function readSignalRequest(content: Dict): number | string | undefined {
  const signal = content["sig"];
  return typeof signal === "number" || typeof signal === "string" ? signal : undefined;
}

/**
 * Client identity under which the controller itself talks with our engines on the control channel; no client may have it.
 * `recall_request` asks an engine for tasks it has not started, `held_replies` brings replies of the task channel.
 */
export const CONTROLLER_IDENTITY = "tsp-controller";

/** Ordinal in a `recall_request` or `recall_reply`; `undefined` when it is none. */
export function readOrdinal(content: Dict, name: "through" | "started"): number | undefined {
  const ordinal = content[name];
  return Number.isSafeInteger(ordinal) && (ordinal as number) >= 0 ? (ordinal as number) : undefined;
}

/** `apply_request` → `apply_reply`; types that are no request get the suffix all the same. */
export function replyType(requestType: string): string {
  return `${requestType.endsWith("_request") ? requestType.slice(0, -"_request".length) : requestType}_reply`;
}

/** What an engine says of one execution in its reply's metadata (§8.3). */
export interface ReplyFacts {
  /** When handling began, as a wire date. */
  readonly started: string;
  readonly status: ReplyStatus;
  readonly engineUuid: EngineUuid;
  readonly engineId: number;
  readonly host: string;
  /** Error name, when the status is `error`. */
  readonly ename?: string | undefined;
}

/** Metadata of an apply or execute reply: the request's own marks are copied, `host` is this package's addition. */
export function replyMetadata(request: Dict, facts: ReplyFacts): Dict {
  return {
    started: facts.started,
    dependencies_met: facts.ename !== "UnmetDependency",
    engine: facts.engineUuid,
    is_broadcast: request["is_broadcast"] ?? false,
    is_coalescing: request["is_coalescing"] ?? false,
    original_msg_id: request["original_msg_id"] ?? "",
    label: request["label"] ?? null,
    status: facts.status,
    host: facts.host,
    ...(facts.status === "error" ? { engine_info: { engine_uuid: facts.engineUuid, engine_id: facts.engineId } } : {}),
  };
}

/**
 * Whether the sender wants no `busy` and `idle` for this request, but the number of its output messages as `outputs` in
 * the reply's metadata: two messages fewer for each task between our own peers. Other clients do not ask, and get both.
 */
export function countsOutputs(metadata: Dict): boolean {
  return metadata["count_outputs"] === true;
}

/** Longest time a timer can wait. */
const TIME_LIMIT_MS_MAX = 2 ** 31 - 1;

/** How long the request may run at our engines, in milliseconds (`time_limit_ms`); `undefined`: for ever. Other engines do not know the mark. */
export function timeLimitOf(metadata: Dict): number | undefined {
  const limit = metadata["time_limit_ms"];
  return typeof limit === "number" && limit > 0 ? Math.min(limit, TIME_LIMIT_MS_MAX) : undefined;
}

/** Which attempt this is at a request, from 1 (`attempt`): the scheduler tells our engines from the second on. */
export function attemptOf(metadata: Dict): number {
  const attempt = metadata["attempt"];
  return Number.isSafeInteger(attempt) && (attempt as number) > 1 ? (attempt as number) : 1;
}

/** Content of `kernel_info_reply`: what a Jupyter front end asks first. */
export function kernelInfo(languageVersion: string): Dict {
  return {
    status: "ok",
    protocol_version: "5.3",
    implementation: "tsparallel",
    implementation_version: VERSION,
    language_info: { name: "typescript", version: languageVersion, mimetype: "text/typescript", file_extension: ".ts" },
    banner: `tsparallel ${VERSION} engine`,
    help_links: [],
  };
}
