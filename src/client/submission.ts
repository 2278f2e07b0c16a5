// From a request as views make it to what the machine and the wire are given.

import { msgId, SerializationError, type EngineUuid } from "../base/index.ts";
import { RequestRecord, type CallKind, type RequestChannel } from "../core/client/index.ts";
import { isPickle } from "../serial/index.ts";
import { countCodeFrames, framesBytes, type Dict, type Frame, type Header } from "../wire/index.ts";
import type { Reading } from "./engine-call.ts";
import { RequestHandle, type Transmission } from "./request-handle.ts";

/** Frames of at least this many bytes are out-of-band buffers that may be the caller's own memory. */
const LARGE_FRAME_BYTES = 1024;
const MESSAGE_OVERHEAD_BYTES = 512;

/** A request as a view makes it. */
export interface Submission {
  readonly channel: RequestChannel;
  readonly kind: CallKind;
  /** Mux: the engine. Broadcast: all engines. Task: none. */
  readonly targets: readonly EngineUuid[];
  readonly metadata: Dict;
  readonly content: Dict;
  readonly buffers: readonly Frame[];
  readonly label: unknown;
  /** How its reply is to be read, when it is a call. */
  readonly reading?: Reading;
  /** Items of the result that come from it, default 1. */
  readonly itemCount?: number;
}

/** Whether a frame of the caller's own memory may be among them. In calls for our engines the first one and those of code never are. */
function hasLargeFrame(buffers: readonly Frame[]): boolean {
  const end = buffers.length - countCodeFrames(buffers);
  for (let i = isPickle(buffers) ? 0 : 1; i < end; i += 1) if ((buffers[i] as Frame).length >= LARGE_FRAME_BYTES) return true;
  return false;
}

/**
 * Refuses a request that no receiver should be asked to take.
 *
 * @throws SerializationError
 */
export function checkSize({ buffers }: Submission, requestBytesMax: number): void {
  const bytes = framesBytes(buffers);
  if (bytes <= requestBytesMax) return;
  throw new SerializationError(`cannot send the request: it has ${bytes} bytes of code and data, and requestBytesMax is ${requestBytesMax}`, {
    path: "request",
    remedy: "send less at a time (scatter, a map with smaller chunks), read the data on the engine, or connect with a larger requestBytesMax",
  });
}

/**
 * Asks an engine of ours to say in its reply how many messages of output there are (`outputs` in the metadata), and to
 * leave out `busy` and `idle`, which cost more than a small task itself. Other engines do not know the mark and publish
 * both. Not asked where `busy` tells that buffers have arrived, or a coalesced reply cannot carry each engine's count.
 */
function askToCount({ metadata, buffers, targets }: Submission): Dict {
  const isCoalescing = metadata["is_coalescing"] === true && targets.length > 1;
  return isCoalescing || hasLargeFrame(buffers) ? metadata : { ...metadata, count_outputs: true };
}

/** `msg_type` of the request. */
export function requestType(submission: Submission): "apply_request" | "execute_request" {
  return submission.kind === "apply" ? "apply_request" : "execute_request";
}

/** The message to be sent, once it may be. */
export function transmissionOf(submission: Submission, header: Header, idents: readonly Frame[]): Transmission {
  const { content, buffers } = submission;
  return { msgType: header.msg_type, header, content, metadata: askToCount(submission), idents, buffers };
}

/** The request as its view holds it; several share one transmission in a plain broadcast. */
export function makeHandle(submission: Submission, id: string, targets: readonly EngineUuid[], transmission: Transmission): RequestHandle {
  const { buffers } = submission;
  const handle = new RequestHandle(submission.itemCount ?? 1, hasLargeFrame(buffers), transmission);
  handle.reading = submission.reading;
  handle.record = new RequestRecord<RequestHandle>({
    msgId: msgId(id),
    kind: submission.kind,
    channel: submission.channel,
    targets,
    submitted: transmission.header.date,
    label: submission.label,
    bytes: framesBytes(buffers) + MESSAGE_OVERHEAD_BYTES,
    token: handle,
  });
  return handle;
}
