// The failures the scheduler makes itself (protocol §7.7): their names, texts and metadata.

import type { EngineUuid, Millis, MsgId } from "../../base/index.ts";
import type { TaskFailure } from "./events.ts";

const LISTED_IDS_MAX = 5;

/** The request's metadata could not be read. */
export function badOptions(fact: string): TaskFailure {
  return { ename: "ValueError", evalue: fact, metadata: null };
}

/** A task names itself in `after` or `follow`. */
export function dependsOnItself(msgId: MsgId): TaskFailure {
  return { ename: "InvalidDependency", evalue: `task '${msgId}' depends on itself`, metadata: null };
}

/** A dependency names tasks that are none of this scheduler's; lists the first of them. */
export function unknownTasks(msgIds: readonly MsgId[], fact: string): TaskFailure {
  const listed = msgIds.slice(0, LISTED_IDS_MAX).map((msgId) => `task '${msgId}' ${fact}`);
  const rest = msgIds.length - listed.length;
  if (rest > 0) listed.push(`and ${rest} more`);
  return { ename: "InvalidDependency", evalue: listed.join("; "), metadata: null };
}

/** Tasks it depends on have ended otherwise than the dependency demands. */
export function unreachable(): TaskFailure {
  return { ename: "ImpossibleDependency", evalue: "a task it depends on ended in a way that leaves the dependency unmet for ever", metadata: null };
}

/** `follow` demands one engine for tasks that did not run on one engine. */
export function scattered(): TaskFailure {
  return { ename: "ImpossibleDependency", evalue: "the tasks to follow ran on different engines, or on none", metadata: null };
}

/** Targets, `follow` and the engines that declined or failed leave none that is here. */
export function noEngineLeft(): TaskFailure {
  return { ename: "ImpossibleDependency", evalue: "no engine that may run it is left", metadata: null };
}

/** The timeout passed while it was queued. */
export function timedOut(timeoutMs: number): TaskFailure {
  return { ename: "TaskTimeout", evalue: `the task could not be assigned within ${timeoutMs} ms`, metadata: null };
}

/** Its engine left and no reply came after it. */
export function engineDied(msgId: MsgId, engine: EngineUuid, at: Millis): TaskFailure {
  return { ename: "EngineError", evalue: `Engine '${engine}' died while running task '${msgId}'`, metadata: { status: "error", engine, at } };
}

/** A client cancelled it before any engine ran it, or before another one did. */
export function cancelled(): TaskFailure {
  return { ename: "TaskAborted", evalue: "the request was cancelled before it ran", metadata: null };
}
