// Task records in memory, within bounds. A record is replaced, never changed in place, so that what a caller got stays
// as it was.

import { isoMicros, millis } from "../base/index.ts";
import {
  compareTexts,
  matcher,
  readQuery,
  readQueryKeys,
  type Retention,
  type TaskQuery,
  type TaskRecord,
  type TaskRecordPatch,
  type TaskStore,
} from "../core/index.ts";
import { framesBytes, type Frame } from "../wire/index.ts";
import { CulledIds } from "./culled-ids.ts";
import { CullQueue } from "./cull-queue.ts";
import { applyChanges, noChanges, type RecordChanges } from "./record-changes.ts";
import { boundPatch, boundRecord, DEFAULT_RETENTION, resolveRetention } from "./retention.ts";

/** What a memory store may be told. */
export interface MemoryStoreOptions {
  /** Default: 1,024 records, otherwise as everywhere. */
  readonly retention?: Partial<Retention> | undefined;
  /** The time now in milliseconds since the epoch; default the system's. */
  readonly now?: (() => number) | undefined;
}

interface Kept {
  readonly record: TaskRecord;
  readonly bytes: number;
  /** In the order of culling: finished, or only a stub of output without request. */
  readonly isCullable: boolean;
}

/** Keeps records while the process lives. */
export class MemoryStore implements TaskStore {
  readonly name = "memory";
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();
  #cullable = new CullQueue();
  readonly #culled = new CulledIds();
  #bytes = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.#retention = resolveRetention(options.retention, { ...DEFAULT_RETENTION, recordsMax: 1024 });
    this.#now = options.now ?? Date.now;
  }

  add(record: TaskRecord): void {
    this.#change(record.msg_id, { ...noChanges(), added: copyBuffers(boundRecord(record, this.#retention)) });
  }

  update(msgId: string, patch: TaskRecordPatch): void {
    this.#change(msgId, { ...noChanges(), patch: copyBuffers(boundPatch(patch, this.#retention)) });
  }

  appendText(msgId: string, field: "stdout" | "stderr", text: string): void {
    this.#change(msgId, { ...noChanges(), [field]: text });
  }

  get(msgId: string): TaskRecord | undefined {
    const kept = this.#kept.get(msgId);
    if (kept === undefined) this.#culled.refuse(msgId, `${this.#retention.recordsMax} records and ${this.#retention.bytesMax} bytes`);
    return kept?.record;
  }

  find(query: TaskQuery, keys: readonly string[] | null): readonly Partial<TaskRecord>[] {
    const fields = readQueryKeys(keys);
    return this.#matching(query).map((record) => Object.fromEntries(fields.map((field) => [field, record[field]])));
  }

  history(): readonly string[] {
    return this.#matching({})
      .filter((record) => record.submitted !== null)
      .map((record) => record.msg_id);
  }

  drop(msgIds: readonly string[]): number {
    let count = 0;
    for (const id of msgIds) if (this.#remove(id)) count += 1;
    this.#forgetDropped();
    return count;
  }

  dropMatching(query: TaskQuery): number {
    return this.drop(
      this.#matching(query)
        .filter((record) => record.completed !== null)
        .map((record) => record.msg_id),
    );
  }

  flush(): void {
    this.#cull();
  }

  close(): void {
    this.#kept.clear();
    this.#cullable = new CullQueue();
    this.#bytes = 0;
  }

  #matching(query: TaskQuery): TaskRecord[] {
    const matches = matcher(readQuery(query));
    const found: TaskRecord[] = [];
    for (const { record } of this.#kept.values()) if (matches(record)) found.push(record);
    return found.sort((a, b) => compareTexts(a.submitted ?? "", b.submitted ?? ""));
  }

  #change(msgId: string, changes: RecordChanges): void {
    const before = this.#kept.get(msgId);
    const record = applyChanges(msgId, before?.record, changes, this.#retention.recordTextCharsMax);
    const kept: Kept = { record, bytes: recordBytes(record), isCullable: record.completed !== null || record.header === null };
    this.#kept.set(msgId, kept);
    this.#bytes += kept.bytes - (before?.bytes ?? 0);
    if (kept.isCullable && before?.isCullable !== true) this.#cullable.push(msgId, this.#cullAt(record));
    this.#cull();
  }

  #cull(): void {
    const { recordsMax, bytesMax, ageMsMax } = this.#retention;
    const oldest = ageMsMax === 0 ? "" : isoMicros(millis(this.#now() - ageMsMax));
    for (let first = this.#cullable.peek(); first !== undefined; first = this.#cullable.peek()) {
      if (this.#kept.size <= recordsMax && this.#bytes <= bytesMax && first.at >= oldest) return;
      this.#cullable.pop();
      // The record may have gone otherwise, or its stub may have become a request that still runs.
      if (this.#kept.get(first.id)?.isCullable !== true) continue;
      this.#remove(first.id);
      this.#culled.add(first.id);
    }
  }

  /** Dropped records stay in the order of culling until they are more than those that exist. */
  #forgetDropped(): void {
    if (this.#cullable.length <= 2 * this.#kept.size + 1000) return;
    this.#cullable = new CullQueue();
    for (const [id, { record, isCullable }] of this.#kept) if (isCullable) this.#cullable.push(id, this.#cullAt(record));
  }

  /** Where a record stands in the order of culling: by the Hub's clock where that has seen the result, since clients' may be hours apart. */
  #cullAt(record: TaskRecord): string {
    return record.received ?? record.submitted ?? isoMicros(millis(this.#now()));
  }

  #remove(id: string): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined) return false;
    this.#bytes -= kept.bytes;
    return this.#kept.delete(id);
  }
}

/** A frame may be a slice of a much larger block that would stay in memory with it. */
function copyBuffers<T extends TaskRecordPatch>(change: T): T {
  const copies: { buffers?: Frame[]; result_buffers?: Frame[] } = {};
  if (change.buffers !== undefined && change.buffers !== null) copies.buffers = change.buffers.map((frame) => new Uint8Array(frame));
  if (change.result_buffers !== undefined && change.result_buffers !== null)
    copies.result_buffers = change.result_buffers.map((frame) => new Uint8Array(frame));
  return { ...change, ...copies };
}

const FIXED_BYTES = 500;

/** About how much a record takes: exact for buffers and texts, an estimate for dictionaries. */
function recordBytes(record: TaskRecord): number {
  let sum = FIXED_BYTES + framesBytes(record.buffers ?? []) + framesBytes(record.result_buffers ?? []);
  for (const value of Object.values(record)) if (!Array.isArray(value)) sum += jsonBytes(value);
  return sum;
}

function jsonBytes(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  let sum = 16;
  for (const item of Object.values(value)) sum += 16 + jsonBytes(item);
  return sum;
}
