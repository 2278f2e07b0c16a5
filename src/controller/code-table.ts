// The code of functions that is under way, each text once in memory however many requests need it. It comes in code frames
// (`wire/code-frames.ts`); those of a request are taken from here from then on, so that a request on hold or waiting
// for an engine keeps no more than a reference.

import { createHash } from "node:crypto";
import { BoundedMap } from "../base/index.ts";
import type { Code } from "../core/index.ts";
import { CODE_HASH_BYTES, codeKeyOf, countCodeFrames, type Frame } from "../wire/index.ts";

/** A code frame that was checked. */
export interface KeptCode extends Code {
  readonly frame: Frame;
}

/** Code frames of one request, which has them as its last frames. */
export interface TakenCode {
  readonly codes: readonly KeptCode[];
  /** Bytes of those that nobody had sent of late. */
  readonly newBytes: number;
}

const ENTRIES_MAX = 4000;
const BYTES_MAX = 64 * 1024 * 1024;
const NOTHING: TakenCode = { codes: [], newBytes: 0 };

/** Codes of late, by hash. What was dropped here lives on in the requests that have it. */
export class CodeTable {
  readonly #kept = new BoundedMap<string, KeptCode>(ENTRIES_MAX, { weigh: ({ bytes }) => bytes, weightMax: BYTES_MAX });

  /** The code in a request's buffers. Nothing, if a hash does not fit its text: then the request goes on as it is, and its engine refuses it. */
  take(buffers: readonly Frame[]): TakenCode {
    const count = countCodeFrames(buffers);
    if (count === 0) return NOTHING;
    const codes: KeptCode[] = [];
    let newBytes = 0;
    for (let i = buffers.length - count; i < buffers.length; i += 1) {
      const frame = buffers[i] as Frame;
      const key = codeKeyOf(frame);
      let code = this.#kept.get(key);
      if (code === undefined) {
        if (!isIntact(frame)) return NOTHING;
        // A copy: the frame that came may be part of a larger buffer, which would stay for as long.
        code = { key, bytes: frame.length, frame: Buffer.from(frame) };
        this.#kept.set(key, code);
        newBytes += code.bytes;
      }
      codes.push(code);
    }
    return { codes, newBytes };
  }
}

function isIntact(frame: Frame): boolean {
  const hash = createHash("sha256").update(frame.subarray(CODE_HASH_BYTES)).digest().subarray(0, CODE_HASH_BYTES);
  return hash.equals(frame.subarray(0, CODE_HASH_BYTES));
}
