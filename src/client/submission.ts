// A request as views make it, before it has a header.

import type { EngineUuid } from "../base/index.ts";
import type { CallKind, RequestChannel } from "../core/index.ts";
import type { Dict, Frame } from "../wire/index.ts";
import type { Reading } from "./engine-call.ts";

/** Frames of at least this many bytes are out-of-band buffers that may be the caller's own memory. */
const LARGE_FRAME_BYTES = 1024;

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

/** Whether a frame of the caller's own memory may be among them. */
export function hasLargeFrame(buffers: readonly Frame[]): boolean {
  for (const frame of buffers) if (frame.length >= LARGE_FRAME_BYTES) return true;
  return false;
}

/**
 * Asks an engine of ours to say in its reply how many messages of output there are (`outputs` in the metadata), and to
 * leave out `busy` and `idle`, which cost more than a small task itself. Other engines do not know the mark and publish
 * both. Not asked where `busy` tells that buffers have arrived, or a coalesced reply cannot carry each engine's count.
 */
export function askToCount({ metadata, buffers, targets }: Submission): Dict {
  const isCoalescing = metadata["is_coalescing"] === true && targets.length > 1;
  return isCoalescing || hasLargeFrame(buffers) ? metadata : { ...metadata, count_outputs: true };
}
