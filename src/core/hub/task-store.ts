// The task store's interface: what the Hub needs of a place that keeps task records. Declared here so that the Hub's
// pure code can be written against it; the room `store` implements it. No database type appears here.
// `test/contract/task-store.ts` is the suite every implementation passes.

import type { Dict } from "../../wire/index.ts";
import type { TaskRecord, TaskRecordPatch } from "./task-record.ts";

/** How much a store keeps. Whatever exceeds it is culled oldest first (by `submitted`), only finished records. */
export interface Retention {
  /** Records at most; default 1,000,000 (sqlite), 1,024 (memory). */
  readonly recordsMax: number;
  /** Bytes of dictionaries and buffers at most; default 1 GiB. */
  readonly bytesMax: number;
  /** Age in milliseconds since `submitted` after which a finished record goes; default 30 days, 0 for ever. */
  readonly ageMsMax: number;
  /** Buffers of one request or one result larger than this are not kept; default 16 MiB. */
  readonly recordBufferBytesMax: number;
  /** Characters of `stdout` and of `stderr` kept of one record, from the beginning; default 1 Mi. */
  readonly recordTextCharsMax: number;
}

/** A Mongo-style query (protocol §4.6), as it came over the wire. */
export type TaskQuery = Dict;

/**
 * Key in `metadata` or `result_metadata` of a record whose buffers were larger than the store keeps: how many bytes
 * were left out. The buffers themselves are then `null`.
 */
export const BYTES_LEFT_OUT_KEY = "buffer_bytes_not_kept";

/** Keeps task records. Writes may be batched; reads see every earlier write. */
export interface TaskStore {
  /** `none`, `memory`, `sqlite`, or a plug-in's name. */
  readonly name: string;
  /** Adds a record. A record with this id that exists already is merged: fields that are null there are filled. */
  add(record: TaskRecord): void;
  /** Changes fields of a record; creates an otherwise empty one when there is none. */
  update(msgId: string, patch: TaskRecordPatch): void;
  /** Appends text to `stdout` or `stderr`, creating the record when there is none. */
  appendText(msgId: string, field: "stdout" | "stderr", text: string): void;
  /** The record, or `undefined` when it was never there. Throws NoData, naming the bound, when it was culled (as far as that is known). */
  get(msgId: string): TaskRecord | undefined;
  /**
   * Records that match, oldest first. `keys` limits the fields that are filled (`msg_id` always is); buffers only when named there.
   * Throws InvalidArgumentError for an unknown operator or field, NoData when nothing is kept at all.
   */
  find(query: TaskQuery, keys: readonly string[] | null): readonly Partial<TaskRecord>[];
  /** Ids of all records that have `submitted`, oldest first. */
  history(): readonly string[];
  /** Removes records; ids that are not there are ignored. Returns how many went. */
  drop(msgIds: readonly string[]): number;
  /** Removes finished records that match; returns how many went. */
  dropMatching(query: TaskQuery): number;
  /** Writes out what is batched and applies the retention bounds. Throws StoreError when it cannot write; what waits is kept within bounds and tried again. */
  flush(): void;
  /** Flushes and closes. Idempotent. */
  close(): void;
}
