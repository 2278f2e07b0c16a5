// Messages unpacked: the dictionaries of header, parent header, metadata and content as TypeScript sees them. Field
// names are the wire's own.

import type { Frame } from "./frames.ts";

/** A JSON value as the `json` packer carries it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** A packed dictionary. Unknown keys are kept. */
export type Dict = { readonly [key: string]: unknown };

/** Message header (protocol §1.5). Unknown fields are preserved and echoed. */
export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly username: string;
  readonly session: string;
  readonly date: string;
  readonly version: string;
  readonly [key: string]: unknown;
}

/** A message with everything unpacked. `parentHeader` is `{}` where there is none. */
export interface Message {
  readonly idents: readonly Frame[];
  readonly header: Header;
  readonly parentHeader: Dict;
  readonly metadata: Dict;
  readonly content: Dict;
  readonly buffers: readonly Frame[];
}

/** Why a received multipart was dropped. Every reason is counted and logged once per kind, never answered (§1.3). */
export type DropReason = "noDelimiter" | "tooFewFrames" | "badSignature" | "duplicate" | "badJson" | "badHeader" | "badVersion" | "oversized" | "badContent";

/** Whether a value is a plain dictionary (not null, not a list). */
export function isDict(value: unknown): value is Dict {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a dictionary has the fields of a header that every receiver needs: texts `msg_id` and `msg_type`. */
export function isHeader(value: unknown): value is Header {
  return isDict(value) && typeof value["msg_id"] === "string" && typeof value["msg_type"] === "string";
}

/** What answers that had to be dropped tell a user about the peer, as the rest of a sentence that begins with it. */
export function explainDrop(reason: DropReason): string {
  switch (reason) {
    case "badVersion":
      return "speaks another major version of the message protocol than 5: use ipyparallel 7 or newer there";
    case "badSignature":
      return "answers with messages of another key: use the connection file of its last start";
    case "badJson":
      return "packs messages with something else than JSON: use the packer json or orjson there";
    case "noDelimiter":
    case "tooFewFrames":
    case "duplicate":
    case "badHeader":
    case "oversized":
    case "badContent":
      return "answers with messages that cannot be read: check what listens there";
  }
}

/** The one major number of the message specification that is understood. */
export const MAJOR_VERSION = 5;

/** Major number of the message specification a header speaks; 4 when it names none, as the reference assumes. */
export function majorVersion(header: Header): number {
  if (typeof header.version !== "string") return 4;
  const major = Number.parseInt(header.version, 10);
  return Number.isNaN(major) ? 4 : major;
}
