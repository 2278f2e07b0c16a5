// What adding, updating and appending mean for one record; the same for every store.

import { emptyTaskRecord, type TaskRecord, type TaskRecordPatch } from "../core/index.ts";
import { appendBounded } from "./retention.ts";

/** Changes of one record that are not applied yet. */
export interface RecordChanges {
  /** The record that was added; `null` when it was only updated. */
  added: TaskRecord | null;
  /** Fields that were set after, or before, it was added. */
  patch: TaskRecordPatch;
  /** Text to append. */
  stdout: string;
  stderr: string;
}

/** No change yet. */
export function noChanges(): RecordChanges {
  return { added: null, patch: {}, stdout: "", stderr: "" };
}

/** The record after the changes; `base` is what was there before. */
export function applyChanges(msgId: string, base: TaskRecord | undefined, changes: RecordChanges, charsMax: number): TaskRecord {
  const start = base === undefined ? (changes.added ?? emptyTaskRecord(msgId)) : changes.added === null ? base : fillNulls(base, changes.added);
  const record = { ...start, ...changes.patch };
  if (changes.stdout !== "") record.stdout = appendBounded(record.stdout, changes.stdout, charsMax);
  if (changes.stderr !== "") record.stderr = appendBounded(record.stderr, changes.stderr, charsMax);
  return record;
}

/** What is known already stays, as output that came before its request; the rest is filled. */
export function fillNulls(base: TaskRecord, added: TaskRecord): TaskRecord {
  const filled: Record<string, unknown> = { ...base };
  for (const [field, value] of Object.entries(added)) if ((filled[field] ?? null) === null || filled[field] === "") filled[field] = value;
  // A record without header is a stub, and its empty list of buffers says nothing.
  if (base.header === null) filled["buffers"] = added.buffers;
  return filled as unknown as TaskRecord;
}
