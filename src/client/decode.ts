// From a reply to what the user gets: a value, an ExecuteReply, or an error.

import { stripVTControlCharacters } from "node:util";
import {
  ClosedError,
  ControllerLostError,
  EngineError,
  kernelErrorFrom,
  NoData,
  RemoteError,
  SerializationError,
  TaskAborted,
  type KernelFailure,
} from "../base/index.ts";
import { outputOf, type AnswerOutcome, type RequestOutcome, type RequestRecord } from "../core/client/index.ts";
import { unpackValue, unpackValues } from "../serial/index.ts";
import type { Message } from "../wire/index.ts";
import { ExecuteReply } from "./execute-reply.ts";
import type { RequestHandle } from "./request-handle.ts";

/** Classes of the errors with which Python meets a payload of ours: too few frames for a call, or bytes that are no pickle. */
const PYTHON_CANNOT_READ: readonly string[] = ["AssertionError", "UnpicklingError"];

/** Ends a handle as the machine decided. */
export function settleHandle(handle: RequestHandle, record: RequestRecord, outcome: RequestOutcome): void {
  switch (outcome.type) {
    case "failure":
      handle.fail(errorOf(explained(outcome.failure, handle)));
      return;
    case "lost":
      handle.fail(new ClosedError(`${outcome.reason}; the request ${record.msgId} was still outstanding`));
      return;
    case "controllerLost":
      handle.fail(new ControllerLostError(`${outcome.reason} (msg_id ${record.msgId})`));
      return;
    case "value": {
      let value: unknown;
      try {
        value = valueOf(record, outcome.reply);
      } catch (cause) {
        // Of a coalesced broadcast the engines that were stopped have sent no value.
        handle.fail(handle.isCancelled ? new TaskAborted("the request was cancelled") : undecodable(cause));
        return;
      }
      handle.succeed(value === null && handle.reading?.isVoid === true ? undefined : value);
    }
  }
}

/** The answer to a question; throws why there is none. */
export function answerOf(outcome: AnswerOutcome, msgType: string): Message {
  switch (outcome.type) {
    case "answer":
      return outcome.message;
    case "engineLeft":
      throw new EngineError(`engine ${outcome.engine.id} left before it answered the ${msgType}`);
    case "lost":
      throw new ClosedError(`${outcome.reason}; the ${msgType} was not answered`);
    case "controllerLost":
      throw new ControllerLostError(`${outcome.reason}; the ${msgType} was not answered`);
  }
}

/** The error class of a failure that came over the wire. Python colours its tracebacks for terminals; ours are plain text. */
export function errorOf(failure: KernelFailure): Error {
  if (failure.ename === "NoData") return new NoData(failure.evalue === "" ? "the task store does not have this record" : failure.evalue);
  const { traceback } = failure;
  return kernelErrorFrom(traceback === undefined ? failure : { ...failure, traceback: traceback.map(stripVTControlCharacters) });
}

/** What a Python engine says to a payload that is none of its own, as a user can understand it. */
function explained(failure: KernelFailure, handle: RequestHandle): KernelFailure {
  if (handle.reading?.language !== "typescript" || !PYTHON_CANNOT_READ.includes(failure.ename)) return failure;
  // Our engines name their host, so that user code there may throw errors of such names.
  if (failure.engineInfo === undefined || failure.engineInfo.host !== undefined) return failure;
  const engine = failure.engineInfo.engineId;
  const evalue =
    `${engine === null ? "the engine" : `engine ${engine}`} runs Python and cannot read a TypeScript function;` +
    ' choose other engines, as with targets { language: "typescript" }, or call a Python function by its name';
  return { ...failure, evalue };
}

function valueOf(record: RequestRecord, reply: Message): unknown {
  if (record.kind === "execute") return new ExecuteReply(record, reply.content);
  if (record.targets.length <= 1) return unpackValue(reply.buffers);
  return oneForEach(record, unpackValues(reply.buffers));
}

/** The values of a coalesced broadcast, in the order of its reply's engines. */
function oneForEach(record: RequestRecord, values: unknown[]): unknown[] {
  const answered = Array.isArray(record.engineUuid) ? record.engineUuid : [];
  if (answered.length !== values.length) {
    // A coalesced reply carries no error but the last: which engines failed is not in it.
    const missing = record.targets.length - values.length;
    throw new RemoteError({
      ename: "CompositeError",
      evalue: `${missing} of ${record.targets.length} engines failed; broadcast without coalescing tells which`,
    });
  }
  return values;
}

/** Merges published data into what the request has published before. */
export function notePublishedData(record: RequestRecord, message: Message): void {
  let value: unknown;
  try {
    value = unpackValue(message.buffers);
  } catch {
    // Published data is a courtesy of the task; what cannot be read is left out, and the result itself still counts.
    return;
  }
  const output = outputOf(record);
  const before = typeof output.data === "object" && output.data !== null ? output.data : {};
  output.data = typeof value === "object" && value !== null ? { ...before, ...value } : value;
}

function undecodable(cause: unknown): Error {
  if (cause instanceof SerializationError || cause instanceof RemoteError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new SerializationError(`the result cannot be read: ${text}`, { path: "result", remedy: "return plain values", cause });
}
