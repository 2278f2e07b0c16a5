// The signing seam (protocol §1.2). The pure floor knows only that four frames give a signature; the HMAC itself is
// made in `net` with the platform's cryptography.

import type { Frame } from "./frames.ts";

/** Makes and checks the signature of header, parent header, metadata and content, in this order. */
export interface Signer {
  /** Lower-case hex digest as ASCII bytes; an empty frame when the key is empty. */
  sign(header: Frame, parentHeader: Frame, metadata: Frame, content: Frame): Frame;
  /** Constant-time check of the received bytes. Always true when the key is empty. */
  verify(signature: Frame, header: Frame, parentHeader: Frame, metadata: Frame, content: Frame): boolean;
  /** False when the key is empty: then nothing is signed, checked or remembered. */
  readonly isEnabled: boolean;
}

/** Packs and unpacks texts of frames; shells may give a faster one than the default. */
export interface TextCodec {
  encode(text: string): Frame;
  decode(frame: Frame): string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The codec every platform has. Invalid UTF-8 is replaced, as the reference does. */
export const PLATFORM_TEXT: TextCodec = {
  encode: (text) => encoder.encode(text),
  decode: (frame) => decoder.decode(frame),
};
