// Searching the SQLite store: SQL selects, the matcher tests what SQL left over, rows become records with the fields
// that were asked for.

import { InvalidArgumentError } from "../base/index.ts";
import { matcher, type Condition, type TaskRecord } from "../core/index.ts";
import { BUFFER_STATE, loadBuffers } from "./sqlite-buffers.ts";
import type { SqliteDatabase } from "./sqlite-file.ts";
import { selectionOf } from "./sqlite-query.ts";
import { columnOf, decodeRow, type FieldName } from "./sqlite-rows.ts";

/** Buffers read for one query at most. */
const BUFFER_BYTES_MAX = 1024 ** 3;

type BufferField = "buffers" | "result_buffers";

/** Records that meet all conditions, by time of submission, with these fields. */
export function selectRecords(
  database: SqliteDatabase,
  conditions: readonly Condition[],
  fields: readonly (keyof TaskRecord)[],
): readonly Partial<TaskRecord>[] {
  const { where, parameters, residual } = selectionOf(conditions);
  const wanted = fields.filter((field): field is FieldName => !isBufferField(field));
  const tested = residual.map((condition) => condition.field.column as FieldName);
  const columns = [...new Set([...wanted, ...tested].map(columnOf))];
  const matches = matcher(residual);
  const found: Partial<TaskRecord>[] = [];
  const states: (readonly number[])[] = [];
  const rows = database
    .prepare(`SELECT ${columns.join(", ")}, seq, buffers_state, result_buffers_state FROM tasks WHERE ${where} ORDER BY submitted, seq`)
    .raw()
    .iterate([...parameters]) as IterableIterator<unknown[]>;
  for (const row of rows) {
    const record = decodeRow(columns, row);
    if (!matches(record)) continue;
    found.push(Object.fromEntries(wanted.map((field) => [field, record[field]])));
    states.push(row.slice(columns.length) as number[]);
  }
  const bufferFields = fields.filter(isBufferField);
  return bufferFields.length === 0 ? found : withBuffers(database, found, states, bufferFields);
}

function withBuffers(
  database: SqliteDatabase,
  found: readonly Partial<TaskRecord>[],
  states: readonly (readonly number[])[],
  fields: readonly BufferField[],
): readonly Partial<TaskRecord>[] {
  const inRow = database.prepare("SELECT request_block, result_block FROM tasks WHERE seq = ?").raw();
  const apart = database.prepare("SELECT request, result FROM buffers WHERE seq = ?").raw();
  let bytes = 0;
  return found.map((record, index) => {
    const [seq, request, result] = states[index] as [number, number, number];
    const lists = fields.map((field) => {
      const state = field === "buffers" ? request : result;
      const blocks =
        state < BUFFER_STATE.inRow ? undefined : ((state === BUFFER_STATE.inRow ? inRow : apart).get([seq]) as [Uint8Array | null, Uint8Array | null]);
      const block = field === "buffers" ? blocks?.[0] : blocks?.[1];
      bytes += block?.length ?? 0;
      if (bytes > BUFFER_BYTES_MAX) throw new InvalidArgumentError(`the buffers asked for are larger than ${BUFFER_BYTES_MAX} bytes; ask for fewer records`);
      return [field, loadBuffers(state, block)] as const;
    });
    return { ...record, ...Object.fromEntries(lists) };
  });
}

function isBufferField(field: keyof TaskRecord): field is BufferField {
  return field === "buffers" || field === "result_buffers";
}
