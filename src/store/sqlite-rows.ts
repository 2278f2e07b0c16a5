// Records as rows: the columns of the table `tasks` and how a field becomes a column and back. Dictionaries are JSON
// texts, times are whole microseconds since the epoch, so that they compare and sort as numbers.

import { isoMicros, millis, parseIsoDate } from "../base/index.ts";
import type { TaskRecord, TaskRecordPatch } from "../core/index.ts";
import type { Frame } from "../wire/index.ts";

/** How a field is held. */
export type FieldKind = "text" | "json" | "time";
/** Fields that rows of `tasks` hold: all but the buffers. */
export type FieldName = Exclude<keyof TaskRecord, "buffers" | "result_buffers">;
/** What SQLite takes and gives. */
export type SqlValue = string | number | null;

type GroupName = "request" | "result" | "output";
type GroupField = "header" | "metadata" | "content" | "result_header" | "result_metadata" | "result_content" | "execute_result" | "error";
type PlainName = Exclude<FieldName, GroupField>;
type PlainColumns = Readonly<Record<PlainName, FieldKind>>;
type ColumnName = PlainName | GroupName;

/** Fields with a column of their own. `stdout` and `stderr` are null there while they are empty. */
const PLAIN_COLUMNS: PlainColumns = {
  msg_id: "text",
  submitted: "time",
  client_uuid: "text",
  engine_uuid: "text",
  queue: "text",
  label: "json",
  started: "time",
  completed: "time",
  received: "time",
  resubmitted: "text",
  execute_input: "text",
  stdout: "text",
  stderr: "text",
};

/**
 * Dictionaries that come together share a column, a JSON object by field: binding texts one by one is what writing a
 * row costs most.
 */
const GROUP_COLUMNS: Readonly<Record<GroupName, readonly GroupField[]>> = {
  request: ["header", "metadata", "content"],
  result: ["result_header", "result_metadata", "result_content"],
  output: ["execute_result", "error"],
};

const PLAIN_NAMES = Object.keys(PLAIN_COLUMNS) as PlainName[];
const GROUP_NAMES = Object.keys(GROUP_COLUMNS) as GroupName[];
const GROUP_OF: ReadonlyMap<string, GroupName> = new Map(GROUP_NAMES.flatMap((group) => GROUP_COLUMNS[group].map((field) => [field, group] as const)));

/** Columns with fields of records, in the order of rows. */
export const COLUMN_NAMES: readonly ColumnName[] = [...PLAIN_NAMES, ...GROUP_NAMES];
/** SQL types of these columns. */
export const COLUMN_TYPES: readonly string[] = COLUMN_NAMES.map((name) =>
  (PLAIN_COLUMNS as Readonly<Record<string, FieldKind>>)[name] === "time" ? "INTEGER" : "TEXT",
);

/** How a field is compared: what its SQL expression gives. */
export function fieldKind(name: FieldName): FieldKind {
  return Object.hasOwn(PLAIN_COLUMNS, name) ? PLAIN_COLUMNS[name as PlainName] : "json";
}

/** The SQL expression that has a field's value, JSON as text. */
export function fieldExpression(name: FieldName): string {
  const group = GROUP_OF.get(name);
  if (group !== undefined) return `json_extract(${group}, '$.${name}')`;
  return name === "stdout" || name === "stderr" ? `coalesce(${name}, '')` : name;
}

/** The column in which a field is. */
export function columnOf(name: FieldName): ColumnName {
  return GROUP_OF.get(name) ?? (name as PlainName);
}

/** Whole microseconds of an ISO date; `null` when it is not one. */
export function microsOf(text: string): number | null {
  const time = parseIsoDate(text);
  return time === undefined ? null : Math.round(time * 1000);
}

/** The columns' values of a whole record. */
export function encodeRecord(record: TaskRecord): SqlValue[] {
  const values: SqlValue[] = PLAIN_NAMES.map((name) => encodePlain(name, record[name]));
  for (const group of GROUP_NAMES) values.push(encodeGroup(group, record));
  return values;
}

/**
 * The columns and values of a change; `undefined` when it sets only a part of the fields that share a column: then the
 * row has to be read first.
 */
export function encodePatch(patch: TaskRecordPatch): { readonly columns: readonly string[]; readonly values: SqlValue[] } | undefined {
  const columns: string[] = [];
  const values: SqlValue[] = [];
  for (const name of PLAIN_NAMES) {
    if (name === "msg_id" || patch[name] === undefined) continue;
    columns.push(name);
    values.push(encodePlain(name, patch[name]));
  }
  for (const group of GROUP_NAMES) {
    const fields: readonly (keyof TaskRecordPatch)[] = GROUP_COLUMNS[group];
    const given = fields.filter((field) => patch[field] !== undefined);
    if (given.length === 0) continue;
    if (given.length < fields.length) return undefined;
    columns.push(group);
    values.push(encodeGroup(group, patch));
  }
  return { columns, values };
}

function encodePlain(name: PlainName, value: unknown): SqlValue {
  if (value === null || value === undefined) return null;
  const kind: FieldKind = PLAIN_COLUMNS[name];
  if (kind === "json") return JSON.stringify(value);
  if (typeof value !== "string") return null;
  if (kind === "time") return microsOf(value);
  return value === "" && (name === "stdout" || name === "stderr") ? null : storableText(value);
}

/** The driver reads a text up to its first NUL; output of programs may have some, and they are shown as U+2400 instead. */
export function storableText(text: string): string {
  return text.includes("\u0000") ? text.replaceAll("\u0000", "\u2400") : text;
}

function encodeGroup(group: GroupName, record: TaskRecordPatch): SqlValue {
  const dict: Record<string, unknown> = {};
  let isEmpty = true;
  for (const field of GROUP_COLUMNS[group]) {
    const value = record[field] ?? null;
    if (value === null) continue;
    dict[field] = value;
    isEmpty = false;
  }
  return isEmpty ? null : JSON.stringify(dict);
}

/** Fields out of a row that was selected with these columns, in this order. */
export function decodeRow(names: readonly ColumnName[], row: readonly unknown[]): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const [index, name] of names.entries()) {
    if (isGroup(name)) decodeGroup(name, row[index], record);
    else record[name] = decodePlain(name, row[index]);
  }
  return record;
}

function isGroup(name: string): name is GroupName {
  return Object.hasOwn(GROUP_COLUMNS, name);
}

function decodePlain(name: PlainName, value: unknown): unknown {
  if (value === null || value === undefined) return name === "stdout" || name === "stderr" ? "" : null;
  switch (PLAIN_COLUMNS[name]) {
    case "json":
      return JSON.parse(value as string);
    case "time":
      return isoMicros(millis((value as number) / 1000));
    case "text":
      return value;
  }
}

function decodeGroup(group: GroupName, value: unknown, into: Record<string, unknown>): void {
  const dict = typeof value === "string" ? (JSON.parse(value) as Record<string, unknown>) : {};
  for (const field of GROUP_COLUMNS[group]) into[field] = dict[field] ?? null;
}

/** A whole record out of a row with all columns, its buffers apart. */
export function decodeRecord(row: readonly unknown[], buffers: readonly Frame[] | null, resultBuffers: readonly Frame[] | null): TaskRecord {
  return { ...decodeRow(COLUMN_NAMES, row), buffers, result_buffers: resultBuffers } as unknown as TaskRecord;
}
