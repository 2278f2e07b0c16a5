// The rows of the SQLite store: reading, writing and removing one record at a time, with the running totals. Every
// statement is prepared once. The caller opens the transaction.

import type { TaskRecord } from "../core/index.ts";
import { framesBytes, type Frame } from "../wire/index.ts";
import { applyChanges, type RecordChanges } from "./record-changes.ts";
import { truncationMark } from "./retention.ts";
import { BUFFER_STATE, loadBuffers, storeBuffers } from "./sqlite-buffers.ts";
import type { SqliteDatabase, SqliteStatement } from "./sqlite-file.ts";
import { COLUMN_NAMES, decodeRecord, encodePatch, encodeRecord, microsOf, storableText } from "./sqlite-rows.ts";

/** A row that can be removed. */
export interface RowRef {
  readonly seq: number;
  readonly bytes: number;
}

/** A row that may be culled, and since when it is there. */
export interface CullableRow extends RowRef {
  readonly msgId: string;
  readonly cullAtMicros: number;
}

/** What the table has to know. */
export interface SqliteTableOptions {
  readonly charsMax: number;
  readonly nowMicros: () => number;
}

/** About what a row takes besides its texts and buffers: numbers, and its entries in the indexes. */
const ROW_BYTES = 400;
const CULL_STEP_ROWS = 256;
const REMOVE_STEP_ROWS = 5000;
/** Different sets of changed columns for which a statement is kept. */
const UPDATE_STATEMENTS_MAX = 64;

/** Rows inserted by one statement: the call into the database costs about as much as a third of a row. */
const INSERT_ROWS = 8;

const ROW_COLUMNS: readonly string[] = ["seq", "bytes", "cull_at", ...COLUMN_NAMES, "buffers_state", "result_buffers_state", "request_block", "result_block"];

/** A row ready to be inserted. */
interface EncodedRow {
  readonly values: readonly unknown[];
  readonly bytes: number;
  /** Blocks for the table `buffers`. */
  readonly requestApart: Buffer | null;
  readonly resultApart: Buffer | null;
}

/** The tables `tasks`, `buffers` and `totals`. */
export class SqliteTable {
  /** Rows and their bytes, as of the transaction under way. */
  records: number;
  bytes: number;
  readonly #database: SqliteDatabase;
  readonly #options: SqliteTableOptions;
  readonly #statements: Statements;
  readonly #updates = new Map<string, SqliteStatement>();
  #lastSeq: number;

  constructor(database: SqliteDatabase, options: SqliteTableOptions) {
    this.#database = database;
    this.#options = options;
    this.#statements = prepareStatements(database, options.charsMax);
    const totals = this.#statements.totals.get([]) as [number, number];
    [this.records, this.bytes] = totals;
    this.#lastSeq = (this.#statements.lastSeq.get([]) as [number | null])[0] ?? 0;
    // Nobody waits any more for what an earlier controller left unfinished.
    this.#statements.closeOpen.run([options.nowMicros()]);
  }

  /** Runs a body in a transaction: all of it is written or nothing, and the totals with it. */
  transaction<T>(body: () => T): T {
    const before = { records: this.records, bytes: this.bytes, lastSeq: this.#lastSeq };
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = body();
      this.#statements.setTotals.run([this.records, this.bytes]);
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.records = before.records;
      this.bytes = before.bytes;
      this.#lastSeq = before.lastSeq;
      // SQLite may have rolled back by itself, as when the disk is full.
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** The record of one id, with its buffers. */
  read(msgId: string): TaskRecord | undefined {
    const row = this.#statements.byId.get([msgId]) as unknown[] | undefined;
    if (row === undefined) return undefined;
    const [seq, requestState, resultState, requestBlock, resultBlock] = row.slice(COLUMN_NAMES.length) as [
      number,
      number,
      number,
      Uint8Array | null,
      Uint8Array | null,
    ];
    const isApart = requestState === BUFFER_STATE.apart || resultState === BUFFER_STATE.apart;
    const apart = isApart ? (this.#statements.blocks.get([seq]) as [Uint8Array | null, Uint8Array | null] | undefined) : undefined;
    return decodeRecord(
      row,
      loadBuffers(requestState, requestState === BUFFER_STATE.apart ? apart?.[0] : requestBlock),
      loadBuffers(resultState, resultState === BUFFER_STATE.apart ? apart?.[1] : resultBlock),
    );
  }

  /** Ids of requests by time of submission. */
  history(): readonly string[] {
    const ids: string[] = [];
    for (const row of this.#statements.history.iterate([]) as IterableIterator<[string]>) ids.push(row[0]);
    return ids;
  }

  /** Writes the changes of many records. */
  writeAll(batch: ReadonlyMap<string, RecordChanges>): void {
    let fresh: (readonly [string, RecordChanges])[] = [];
    for (const entry of batch) {
      if (entry[1].added === null) {
        this.#writeUpdate(...entry);
        continue;
      }
      fresh.push(entry);
      if (fresh.length < INSERT_ROWS) continue;
      if (!this.#insertTogether(fresh)) for (const one of fresh) this.#writeAdded(...one);
      fresh = [];
    }
    for (const one of fresh) this.#writeAdded(...one);
  }

  #writeAdded(msgId: string, changes: RecordChanges): void {
    if (!this.#insert(applyChanges(msgId, undefined, changes, this.#options.charsMax))) this.#merge(msgId, changes);
  }

  #writeUpdate(msgId: string, changes: RecordChanges): void {
    const row = this.#statements.refById.get([msgId]) as [number, number] | undefined;
    if (row === undefined) this.#insert(applyChanges(msgId, undefined, changes, this.#options.charsMax));
    else if (!this.#updateRow(row[0], changes)) this.#merge(msgId, changes);
  }

  /** The rows that go first when there is too much, a few of them. */
  oldestCullable(): readonly CullableRow[] {
    const rows = this.#statements.oldest.all([]) as [number, number, string, number][];
    return rows.map(([seq, bytes, msgId, cullAtMicros]) => ({ seq, bytes, msgId, cullAtMicros }));
  }

  /** Removes rows, all by one statement. */
  remove(rows: readonly RowRef[]): void {
    if (rows.length === 0) return;
    const list = JSON.stringify(rows.map((row) => row.seq));
    this.#statements.remove.run([list]);
    this.#statements.removeBlocks.run([list]);
    this.records -= rows.length;
    for (const row of rows) this.bytes -= row.bytes;
  }

  /** Removes rows by id; returns how many there were. */
  removeIds(msgIds: readonly string[]): number {
    const rows = new Map<number, RowRef>();
    for (const msgId of msgIds) {
      const row = this.#statements.refById.get([msgId]) as [number, number] | undefined;
      if (row !== undefined) rows.set(row[0], { seq: row[0], bytes: row[1] });
    }
    this.remove([...rows.values()]);
    return rows.size;
  }

  /** Removes all finished rows, in steps, so that memory stays flat; returns how many there were. */
  removeFinished(): number {
    let count = 0;
    for (;;) {
      const rows = this.#statements.finished.all([]) as [number, number][];
      if (rows.length === 0) return count;
      this.remove(rows.map(([seq, bytes]) => ({ seq, bytes })));
      count += rows.length;
    }
  }

  /** Inserts rows by one statement; false, and nothing is inserted, when one of the ids is there already. */
  #insertTogether(entries: readonly (readonly [string, RecordChanges])[]): boolean {
    const rows = entries.map(([msgId, changes], index) =>
      this.#encode(applyChanges(msgId, undefined, changes, this.#options.charsMax), this.#lastSeq + 1 + index),
    );
    try {
      this.#statements.insertMany.run(rows.flatMap((row) => row.values));
    } catch (error) {
      if (String((error as { readonly code?: unknown }).code).startsWith("SQLITE_CONSTRAINT")) return false;
      throw error;
    }
    for (const row of rows) this.#inserted(row);
    return true;
  }

  /** Inserts a row; false when there is one with this id. */
  #insert(record: TaskRecord): boolean {
    const row = this.#encode(record, this.#lastSeq + 1);
    if (this.#statements.insert.run(row.values).changes === 0) return false;
    this.#inserted(row);
    return true;
  }

  #inserted(row: EncodedRow): void {
    this.#lastSeq += 1;
    this.records += 1;
    this.bytes += row.bytes;
    if (row.requestApart !== null || row.resultApart !== null) this.#statements.insertBlocks.run([this.#lastSeq, row.requestApart, row.resultApart]);
  }

  #encode(record: TaskRecord, seq: number): EncodedRow {
    const fields = encodeRecord(record);
    const request = storeBuffers(record.buffers);
    const result = storeBuffers(record.result_buffers);
    const bytes = ROW_BYTES + textBytes(fields) + (request.block?.length ?? 0) + (result.block?.length ?? 0);
    const isRequestApart = request.state === BUFFER_STATE.apart;
    const isResultApart = result.state === BUFFER_STATE.apart;
    return {
      values: [
        seq,
        bytes,
        this.#cullAt(record),
        ...fields,
        request.state,
        result.state,
        isRequestApart ? null : request.block,
        isResultApart ? null : result.block,
      ],
      bytes,
      requestApart: isRequestApart ? request.block : null,
      resultApart: isResultApart ? result.block : null,
    };
  }

  /**
   * When a record is culled, compared with others; null while it must stay. By the Hub's clock, where that has seen the
   * result: clients' clocks may be hours apart, and a result must not go at once because its client's is behind.
   */
  #cullAt(record: TaskRecord): number | null {
    if (record.completed === null && record.header !== null) return null;
    const at = record.received ?? record.submitted;
    return (at === null ? null : microsOf(at)) ?? this.#options.nowMicros();
  }

  /** The row is made anew: a record was added that is there already, or fields were set that share a column with others. */
  #merge(msgId: string, changes: RecordChanges): void {
    const kept = this.read(msgId);
    this.removeIds([msgId]);
    this.#insert(applyChanges(msgId, kept, changes, this.#options.charsMax));
  }

  /** Changes columns of a row; false when that takes more. */
  #updateRow(seq: number, changes: RecordChanges): boolean {
    const { buffers, result_buffers: resultBuffers, ...fields } = changes.patch;
    const encoded = encodePatch(fields);
    if (encoded === undefined) return false;
    const values: unknown[] = encoded.values;
    const growth = textBytes(values) + framesBytes(buffers ?? []) + framesBytes(resultBuffers ?? []) + this.#appendTexts(seq, changes);
    const assignments = encoded.columns.map((name) => `${name} = ?`);
    if (buffers !== undefined) this.#assignBuffers(seq, "request", buffers, assignments, values);
    if (resultBuffers !== undefined) this.#assignBuffers(seq, "result", resultBuffers, assignments, values);
    if ((fields.completed ?? null) !== null) {
      assignments.push("cull_at = coalesce(?, submitted, ?)");
      values.push(typeof fields.received === "string" ? microsOf(fields.received) : null, this.#options.nowMicros());
    }
    assignments.push("bytes = bytes + ?");
    values.push(growth, seq);
    this.#updateStatement(assignments.join(", ")).run(values);
    this.bytes += growth;
    return true;
  }

  /** Appends output as far as there is room; returns by how much it grew. */
  #appendTexts(seq: number, changes: RecordChanges): number {
    if (changes.stdout === "" && changes.stderr === "") return 0;
    const before = (this.#statements.textLengths.get([seq]) as [number])[0];
    if (changes.stdout !== "") this.#statements.appendStdout.run([storableText(changes.stdout), seq]);
    if (changes.stderr !== "") this.#statements.appendStderr.run([storableText(changes.stderr), seq]);
    return (this.#statements.textLengths.get([seq]) as [number])[0] - before;
  }

  #assignBuffers(seq: number, kind: "request" | "result", frames: readonly Frame[] | null, assignments: string[], values: unknown[]): void {
    const { state, block } = storeBuffers(frames);
    assignments.push(kind === "request" ? "buffers_state = ?" : "result_buffers_state = ?", `${kind}_block = ?`);
    values.push(state, state === BUFFER_STATE.inRow ? block : null);
    if (state === BUFFER_STATE.apart) (kind === "request" ? this.#statements.setRequest : this.#statements.setResult).run([seq, block]);
  }

  #updateStatement(assignments: string): SqliteStatement {
    const known = this.#updates.get(assignments);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(`UPDATE tasks SET ${assignments} WHERE seq = ?`);
    if (this.#updates.size < UPDATE_STATEMENTS_MAX) this.#updates.set(assignments, statement);
    return statement;
  }
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(database: SqliteDatabase, charsMax: number) {
  const row = `(${ROW_COLUMNS.map(() => "?").join(", ")})`;
  const insert = (rows: number): string => `INSERT INTO tasks (${ROW_COLUMNS.join(", ")}) VALUES ${Array.from({ length: rows }, () => row).join(", ")}`;
  const mark = truncationMark(charsMax).replaceAll("'", "''");
  // Two placeholders would bind the text twice; ?1 is the text, ?2 the row.
  const append = (column: string): string =>
    `UPDATE tasks SET ${column} = CASE WHEN length(coalesce(${column}, '')) >= ${charsMax} THEN ${column}
      WHEN length(coalesce(${column}, '')) + length(?1) <= ${charsMax} THEN coalesce(${column}, '') || ?1
      ELSE substr(coalesce(${column}, '') || ?1, 1, ${charsMax}) || '${mark}' END WHERE seq = ?2`;
  return {
    totals: database.prepare("SELECT records, bytes FROM totals").raw(),
    setTotals: database.prepare("UPDATE totals SET records = ?, bytes = ?"),
    lastSeq: database.prepare("SELECT max(seq) FROM tasks").raw(),
    closeOpen: database.prepare("UPDATE tasks SET cull_at = coalesce(submitted, ?) WHERE cull_at IS NULL"),
    insert: database.prepare(`${insert(1)} ON CONFLICT (msg_id) DO NOTHING`),
    insertMany: database.prepare(insert(INSERT_ROWS)),
    insertBlocks: database.prepare("INSERT INTO buffers (seq, request, result) VALUES (?, ?, ?)"),
    setRequest: database.prepare("INSERT INTO buffers (seq, request) VALUES (?1, ?2) ON CONFLICT (seq) DO UPDATE SET request = excluded.request"),
    setResult: database.prepare("INSERT INTO buffers (seq, result) VALUES (?1, ?2) ON CONFLICT (seq) DO UPDATE SET result = excluded.result"),
    textLengths: database.prepare("SELECT length(coalesce(stdout, '')) + length(coalesce(stderr, '')) FROM tasks WHERE seq = ?").raw(),
    appendStdout: database.prepare(append("stdout")),
    appendStderr: database.prepare(append("stderr")),
    byId: database
      .prepare(`SELECT ${COLUMN_NAMES.join(", ")}, seq, buffers_state, result_buffers_state, request_block, result_block FROM tasks WHERE msg_id = ?`)
      .raw(),
    refById: database.prepare("SELECT seq, bytes FROM tasks WHERE msg_id = ?").raw(),
    blocks: database.prepare("SELECT request, result FROM buffers WHERE seq = ?").raw(),
    history: database.prepare("SELECT msg_id FROM tasks WHERE submitted IS NOT NULL ORDER BY submitted, seq").raw(),
    oldest: database.prepare(`SELECT seq, bytes, msg_id, cull_at FROM tasks WHERE cull_at IS NOT NULL ORDER BY cull_at LIMIT ${CULL_STEP_ROWS}`).raw(),
    finished: database.prepare(`SELECT seq, bytes FROM tasks WHERE completed IS NOT NULL LIMIT ${REMOVE_STEP_ROWS}`).raw(),
    remove: database.prepare("DELETE FROM tasks WHERE seq IN (SELECT value FROM json_each(?))"),
    removeBlocks: database.prepare("DELETE FROM buffers WHERE seq IN (SELECT value FROM json_each(?))"),
  };
}

function textBytes(values: readonly unknown[]): number {
  let sum = 0;
  for (const value of values) if (typeof value === "string") sum += value.length;
  return sum;
}
