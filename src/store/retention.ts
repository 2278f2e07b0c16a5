// How much a store keeps: defaults, checks, and what becomes of buffers and texts that are too large.

import { ConfigError } from "../base/index.ts";
import { BYTES_LEFT_OUT_KEY, type Retention, type TaskRecord, type TaskRecordPatch } from "../core/index.ts";
import { framesBytes } from "../wire/index.ts";

const DAY_MS = 24 * 3600 * 1000;

/** Bounds where the user names none; a store may keep more or fewer records than this by default. */
export const DEFAULT_RETENTION: Retention = {
  recordsMax: 1_000_000,
  bytesMax: 1024 ** 3,
  ageMsMax: 30 * DAY_MS,
  recordBufferBytesMax: 16 * 1024 ** 2,
  recordTextCharsMax: 1024 ** 2,
};

/** Fills in defaults and checks; throws ConfigError for a bound that is not a number of at least its minimum. */
export function resolveRetention(given: Partial<Retention> | undefined, defaults: Retention = DEFAULT_RETENTION): Retention {
  const retention = { ...defaults, ...given };
  for (const [name, value] of Object.entries(retention) as [keyof Retention, number][]) {
    const least = name === "recordsMax" || name === "bytesMax" ? 1 : 0;
    if (!Number.isFinite(value) || value < least) throw new ConfigError(`the store's ${name} is ${String(value)}, and must be a number of at least ${least}`);
  }
  return retention;
}

/** The record without request buffers that are too large; its metadata then says how many bytes were left out. */
export function boundRecord(record: TaskRecord, retention: Retention): TaskRecord {
  const bytes = framesBytes(record.buffers ?? []);
  const bounded =
    bytes <= retention.recordBufferBytesMax ? record : { ...record, buffers: null, metadata: { ...record.metadata, [BYTES_LEFT_OUT_KEY]: bytes } };
  return boundPatch(bounded, retention) as TaskRecord;
}

/** The change without result buffers that are too large; its result metadata then says how many bytes were left out. */
export function boundPatch(patch: TaskRecordPatch, retention: Retention): TaskRecordPatch {
  const bytes = framesBytes(patch.result_buffers ?? []);
  if (bytes <= retention.recordBufferBytesMax) return patch;
  return { ...patch, result_buffers: null, result_metadata: { ...patch.result_metadata, [BYTES_LEFT_OUT_KEY]: bytes } };
}

/** Appends, as far as there is room: what is left out is said once, at the end of the text. */
export function appendBounded(text: string, more: string, charsMax: number): string {
  if (text.length >= charsMax) return text;
  const whole = text + more;
  return whole.length <= charsMax ? whole : whole.slice(0, charsMax) + truncationMark(charsMax);
}

/** What a text ends with when not all of it was kept. */
export function truncationMark(charsMax: number): string {
  return `\n[the store keeps ${charsMax} characters of a record's output]\n`;
}
