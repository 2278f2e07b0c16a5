// The code of functions in a call of ours: frames of their own behind all other buffers, each beginning with the hash of the
// rest. The first buffer, the payload, refers to them by these hashes, and says in its head how many there are. So a relay
// can leave out those that the receiver has, without opening anything; buffers are no part of what is signed.

import type { Frame } from "./frames.ts";

/** Bytes of the hash that a code frame begins with: SHA-256 of what follows, cut. */
export const CODE_HASH_BYTES = 16;
/** First four bytes of a payload of ours, as a little-endian number. */
export const PAYLOAD_MAGIC = 0x50535401;
/** Where a payload's head says how many code frames the whole message has, in 16 bits. */
export const CODE_COUNT_AT = 6;
/** Where it says how many frames of large views follow it, in 32 bits. */
export const RAW_COUNT_AT = 8;

const HEAD_BYTES = 16;

/** How many of the buffers, at their end, are code frames. 0 for whatever is no complete call of ours. */
export function countCodeFrames(buffers: readonly Frame[]): number {
  const head = buffers[0];
  if (head === undefined || buffers.length < 2 || head.length < HEAD_BYTES || readNumber(head, 0) !== PAYLOAD_MAGIC) return 0;
  const count = (head[CODE_COUNT_AT] as number) | ((head[CODE_COUNT_AT + 1] as number) << 8);
  // One payload, its large views, the code: with anything more or less it is not what it says.
  if (count === 0 || buffers.length !== 1 + readNumber(head, RAW_COUNT_AT) + count) return 0;
  for (let i = buffers.length - count; i < buffers.length; i += 1) if ((buffers[i] as Frame).length <= CODE_HASH_BYTES) return 0;
  return count;
}

function readNumber(head: Frame, at: number): number {
  return ((head[at] as number) | ((head[at + 1] as number) << 8) | ((head[at + 2] as number) << 16) | ((head[at + 3] as number) << 24)) >>> 0;
}

/** The key of a code frame in books and caches: its hash, a character for each byte. */
export function codeKeyOf(frame: Frame): string {
  let key = "";
  for (let i = 0; i < CODE_HASH_BYTES; i += 1) key += String.fromCharCode(frame[i] as number);
  return key;
}

/** What an engine of ours tells at its registration: it keeps code and asks for what it misses. Python's engines do not. */
export const CODE_KEEPING = { keepsCode: 1 } as const;

/** Whether an engine's properties say so. */
export function keepsCode(properties: { readonly [key: string]: unknown }): boolean {
  return properties["keepsCode"] === CODE_KEEPING.keepsCode;
}
