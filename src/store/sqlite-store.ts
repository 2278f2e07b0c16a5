// Task records in an SQLite file. Writes are batched: changes wait in memory, those of one record together, so that a
// task submitted and finished within one batch becomes one row written once. Reads see what waits. The bounds of
// retention are kept at each flush by taking the oldest finished records through an index, never by a scan; counts and
// sizes are carried along in the table `totals`, in the transaction that changes them.
//
// Rows with `cull_at` may go when there is too much: finished requests, output without request, and requests that an
// earlier controller left unfinished. All others are alive.

import { isParallelError, StoreError } from "../base/index.ts";
import { readQuery, readQueryKeys, type Retention, type TaskQuery, type TaskRecord, type TaskRecordPatch, type TaskStore } from "../core/index.ts";
import { framesBytes } from "../wire/index.ts";
import { CulledIds } from "./culled-ids.ts";
import { applyChanges, noChanges, type RecordChanges } from "./record-changes.ts";
import { appendBounded, boundPatch, boundRecord, resolveRetention } from "./retention.ts";
import { closeSqliteFile, openSqliteFile, sqliteError, type SqliteDatabase } from "./sqlite-file.ts";
import { selectRecords } from "./sqlite-find.ts";
import { SqliteTable } from "./sqlite-table.ts";

/** What an SQLite store may be told. */
export interface SqliteStoreOptions {
  /** The file; created when it is not there, with mode 0600. */
  readonly path: string;
  readonly retention?: Partial<Retention> | undefined;
  /** Records that wait before they are written out without being asked; default 2,000. */
  readonly batchRecordsMax?: number | undefined;
  /** Bytes of buffers and texts that wait before they are written out without being asked; default 32 MiB. */
  readonly batchBytesMax?: number | undefined;
  /** The time now in milliseconds since the epoch; default the system's. */
  readonly now?: (() => number) | undefined;
}

const BATCH_RECORDS_MAX = 2000;
const BATCH_BYTES_MAX = 32 * 1024 ** 2;
/** A store that cannot write keeps this many batches for the next try before it gives them up. */
const FAILED_BATCHES_MAX = 4;
/** Rows culled in one flush at most: more than a batch adds, so that culling keeps up, and few enough to be quick. */
const CULL_ROWS_MAX = 8000;

/** Keeps records in a file that this process holds alone. */
export class SqliteStore implements TaskStore {
  readonly name = "sqlite";
  readonly #path: string;
  readonly #retention: Retention;
  readonly #recordsMax: number;
  readonly #bytesMax: number;
  readonly #now: () => number;
  readonly #database: SqliteDatabase;
  readonly #table: SqliteTable;
  readonly #culled = new CulledIds();
  /** Changes that are not written, by record, in the order the records were first touched. */
  readonly #batch = new Map<string, RecordChanges>();
  #batchBytes = 0;
  /** The last attempt to write failed: only `flush` tries again, not every change. */
  #hasFailed = false;
  /** Records given up while the file could not be written; told once it can be. */
  #lost = 0;
  #isClosed = false;

  constructor(options: SqliteStoreOptions) {
    this.#path = options.path;
    this.#retention = resolveRetention(options.retention);
    this.#recordsMax = options.batchRecordsMax ?? BATCH_RECORDS_MAX;
    this.#bytesMax = options.batchBytesMax ?? BATCH_BYTES_MAX;
    this.#now = options.now ?? Date.now;
    this.#database = openSqliteFile(options.path);
    try {
      this.#table = new SqliteTable(this.#database, { charsMax: this.#retention.recordTextCharsMax, nowMicros: () => Math.round(this.#now() * 1000) });
    } catch (cause) {
      closeSqliteFile(this.#database);
      throw sqliteError(this.#path, "open", cause);
    }
  }

  add(record: TaskRecord): void {
    const bounded = boundRecord(record, this.#retention);
    const changes = this.#changesOf(record.msg_id);
    changes.added ??= bounded;
    this.#grow(framesBytes(bounded.buffers ?? []) + framesBytes(bounded.result_buffers ?? []));
  }

  update(msgId: string, patch: TaskRecordPatch): void {
    const bounded = boundPatch(patch, this.#retention);
    const changes = this.#changesOf(msgId);
    Object.assign(changes.patch, bounded);
    this.#grow(framesBytes(bounded.result_buffers ?? []));
  }

  appendText(msgId: string, field: "stdout" | "stderr", text: string): void {
    const changes = this.#changesOf(msgId);
    changes[field] = appendBounded(changes[field], text, this.#retention.recordTextCharsMax);
    this.#grow(text.length);
  }

  get(msgId: string): TaskRecord | undefined {
    return this.#read(() => {
      const kept = this.#table.read(msgId);
      const changes = this.#batch.get(msgId);
      if (changes !== undefined) return applyChanges(msgId, kept, changes, this.#retention.recordTextCharsMax);
      if (kept === undefined)
        this.#culled.refuse(msgId, `${this.#retention.recordsMax} records, ${this.#retention.bytesMax} bytes and ${this.#retention.ageMsMax} ms`);
      return kept;
    });
  }

  find(query: TaskQuery, keys: readonly string[] | null): readonly Partial<TaskRecord>[] {
    const conditions = readQuery(query);
    const fields = readQueryKeys(keys);
    return this.#readWritten(() => selectRecords(this.#database, conditions, fields));
  }

  history(): readonly string[] {
    return this.#readWritten(() => this.#table.history());
  }

  drop(msgIds: readonly string[]): number {
    return this.#readWritten(() => this.#table.transaction(() => this.#table.removeIds(msgIds)));
  }

  dropMatching(query: TaskQuery): number {
    const conditions = readQuery(query);
    return this.#readWritten(() => {
      if (conditions.length === 0) return this.#table.transaction(() => this.#table.removeFinished());
      const matches = selectRecords(this.#database, [...conditions, ...readQuery({ completed: { $exists: true } })], ["msg_id"]);
      return this.#table.transaction(() => this.#table.removeIds(matches.map((record) => record.msg_id as string)));
    });
  }

  flush(): void {
    if (this.#isClosed) return;
    try {
      this.#writeOut();
      this.#hasFailed = false;
    } catch (cause) {
      this.#hasFailed = true;
      throw sqliteError(this.#path, "write", cause);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    try {
      this.flush();
    } finally {
      this.#isClosed = true;
      this.#batch.clear();
      closeSqliteFile(this.#database);
    }
  }

  #changesOf(msgId: string): RecordChanges {
    const known = this.#batch.get(msgId);
    if (known !== undefined) return known;
    const fresh = noChanges();
    this.#batch.set(msgId, fresh);
    return fresh;
  }

  #grow(bytes: number): void {
    this.#batchBytes += bytes;
    if (this.#batch.size < this.#recordsMax && this.#batchBytes < this.#bytesMax) return;
    if (!this.#hasFailed) {
      try {
        this.flush();
      } catch {
        // The change itself was taken. Whoever calls `flush` next tries again and gets the error.
      }
    } else if (this.#batch.size >= this.#recordsMax * FAILED_BATCHES_MAX || this.#batchBytes >= this.#bytesMax * FAILED_BATCHES_MAX) {
      this.#lost += this.#batch.size;
      this.#batch.clear();
      this.#batchBytes = 0;
    }
  }

  #writeOut(): void {
    this.#table.transaction(() => {
      this.#table.writeAll(this.#batch);
      this.#cull();
    });
    this.#batch.clear();
    this.#batchBytes = 0;
    if (this.#lost === 0) return;
    const lost = this.#lost;
    this.#lost = 0;
    throw new StoreError(`the task store ${this.#path} can be written again; ${lost} records were given up meanwhile`);
  }

  #cull(): void {
    const { recordsMax, bytesMax, ageMsMax } = this.#retention;
    const oldestMicros = ageMsMax === 0 ? Number.NEGATIVE_INFINITY : Math.round((this.#now() - ageMsMax) * 1000);
    for (let removed = 0; removed < CULL_ROWS_MAX;) {
      const rows = this.#table.oldestCullable();
      let count = 0;
      let { records, bytes } = this.#table;
      for (const row of rows) {
        if (records <= recordsMax && bytes <= bytesMax && row.cullAtMicros >= oldestMicros) break;
        records -= 1;
        bytes -= row.bytes;
        count += 1;
        this.#culled.add(row.msgId);
      }
      this.#table.remove(rows.slice(0, count));
      removed += count;
      if (count === 0 || count < rows.length) return;
    }
  }

  #read<T>(body: () => T): T {
    if (this.#isClosed) throw new StoreError(`the task store ${this.#path} is closed`);
    try {
      return body();
    } catch (cause) {
      if (isParallelError(cause)) throw cause;
      throw sqliteError(this.#path, "read", cause);
    }
  }

  /** Reads of the table alone: what waits is written first. */
  #readWritten<T>(body: () => T): T {
    return this.#read(() => {
      if (this.#batch.size > 0) this.flush();
      return body();
    });
  }
}
