// What of iopub is worth reading. Every client hears every engine; most of it is for others or of no use, and is told
// apart by a search in the frames, a tenth of the cost of checking and unpacking a message.

import { findDelimiter, type Frame } from "../wire/index.ts";

const EXECUTION_BUSY = Buffer.from('"busy"');
const STATUS_CONTENT_BYTES_MAX = 64;

/** Finds the requests of one session in iopub messages that were not unpacked. */
export class IopubFilter {
  /** How a message id of ours begins in JSON. */
  readonly #ownIds: Buffer;

  constructor(sessionId: string) {
    this.#ownIds = Buffer.from(`"${sessionId}_`);
  }

  /** Id of our request that a message is about; `undefined` when it is about none. */
  findRequest(frames: readonly Frame[]): string | undefined {
    const at = findDelimiter(frames);
    const parent = frames[at + 3];
    return at < 0 || parent === undefined ? undefined : findText(parent, this.#ownIds);
  }

  /** Whether it says `busy`, which tells only that an engine has the request. */
  isBusy(frames: readonly Frame[]): boolean {
    const content = frames[findDelimiter(frames) + 5];
    return content !== undefined && content.length < STATUS_CONTENT_BYTES_MAX && asBuffer(content).includes(EXECUTION_BUSY);
  }
}

function asBuffer(frame: Frame): Buffer {
  return Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
}

/** The first JSON text in a frame that begins with `"` and what follows it in `opening`; `undefined` when there is none. */
function findText(frame: Frame, opening: Buffer): string | undefined {
  const bytes = asBuffer(frame);
  const start = bytes.indexOf(opening);
  const end = start < 0 ? -1 : bytes.indexOf(0x22, start + opening.length);
  return end < 0 ? undefined : bytes.toString("latin1", start + 1, end);
}
