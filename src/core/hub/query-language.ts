// The query language of the task store (protocol §4.6): fields with values or `{operator: argument}`, all ANDed.
// Reading a query checks every field, operator and argument and gives a list of conditions; `matcher` tests records
// with them, `query-sql.ts` turns what a database can answer into SQL. One meaning for every store:
//   - a missing field and null are the same; null never matches `$lt $gt $lte $gte $glob $mod $all`
//   - two texts that both are ISO dates compare as times, others by code point, numbers by value; different kinds never
//     compare, and are different for `$eq`
//   - `header.session` looks into an object; a path that leads nowhere is null

import { InvalidArgumentError, parseIsoDate } from "../../base/index.ts";
import { isDict } from "../../wire/index.ts";
import { globMatcher } from "./query-glob.ts";
import { TASK_RECORD_FIELDS, type TaskRecord } from "./task-record.ts";
import type { TaskQuery } from "./task-store.ts";

/** Operators that order, by their names in a query. */
export type OrderOperator = "$lt" | "$lte" | "$gt" | "$gte";

/** One thing that must hold for a record. */
export type Condition = { readonly field: QueryField } & (
  | { readonly operator: "$eq" | "$ne"; readonly value: unknown }
  | { readonly operator: OrderOperator; readonly value: unknown }
  | { readonly operator: "$in" | "$nin"; readonly values: readonly unknown[]; readonly test: (value: unknown) => boolean }
  | { readonly operator: "$all"; readonly values: readonly unknown[] }
  | { readonly operator: "$mod"; readonly divisor: number; readonly remainder: number }
  | { readonly operator: "$exists"; readonly exists: boolean }
  | { readonly operator: "$glob"; readonly pattern: string; readonly test: (text: string) => boolean }
);

/** A field of a record, or a path into one of its objects. */
export interface QueryField {
  /** As written, e.g. `header.session`. */
  readonly text: string;
  readonly column: keyof TaskRecord;
  /** Keys below the column; empty for the column itself. */
  readonly path: readonly string[];
}

/** All operators, in the order they are named to users. */
export const QUERY_OPERATORS = ["$lt", "$gt", "$lte", "$gte", "$eq", "$ne", "$in", "$nin", "$all", "$mod", "$exists", "$glob"] as const;
type Operator = (typeof QUERY_OPERATORS)[number];

/** Fields that hold times. */
export const TIME_FIELDS: ReadonlySet<string> = new Set<keyof TaskRecord>(["submitted", "started", "completed", "received"]);

const FIELDS: ReadonlySet<string> = new Set<string>(TASK_RECORD_FIELDS);
const BUFFER_FIELDS: ReadonlySet<string> = new Set<keyof TaskRecord>(["buffers", "result_buffers"]);
const CONDITIONS_MAX = 1000;
const VALUES_MAX = 100_000;
const DEPTH_MAX = 32;

/** Reads a query into conditions. Throws InvalidArgumentError naming what is wrong and what is known. */
export function readQuery(query: TaskQuery): readonly Condition[] {
  checkSize(query);
  const conditions: Condition[] = [];
  for (const [text, test] of Object.entries(query)) {
    const field = readField(text);
    if (isOperatorDict(test)) for (const [operator, argument] of Object.entries(test)) conditions.push(readCondition(field, operator, argument));
    else conditions.push({ field, operator: "$eq", value: test });
  }
  if (conditions.length > CONDITIONS_MAX) throw new InvalidArgumentError(`a query has ${conditions.length} conditions; at most ${CONDITIONS_MAX} are allowed`);
  return conditions;
}

/** Checks the `keys` of a query. `null`: all fields but the buffers. `msg_id` is always among the result. */
export function readQueryKeys(keys: readonly string[] | null): readonly (keyof TaskRecord)[] {
  if (keys === null) return TASK_RECORD_FIELDS;
  for (const key of keys) {
    if (!FIELDS.has(key) && !BUFFER_FIELDS.has(key))
      throw new InvalidArgumentError(`unknown record key "${key}"; known are ${[...FIELDS, ...BUFFER_FIELDS].join(", ")}`);
  }
  return [...new Set(["msg_id", ...keys])] as (keyof TaskRecord)[];
}

/** A predicate that is true for records that meet all conditions. */
export function matcher(conditions: readonly Condition[]): (record: Partial<TaskRecord>) => boolean {
  return (record) => conditions.every((condition) => holds(condition, fieldValue(record, condition.field)));
}

/** What a record has in a field; null when there is nothing. */
function fieldValue(record: Partial<TaskRecord>, field: QueryField): unknown {
  let value: unknown = record[field.column] ?? null;
  for (const key of field.path) {
    if (!isDict(value) || !Object.hasOwn(value, key)) return null;
    value = value[key] ?? null;
  }
  return value;
}

function isOperatorDict(value: unknown): value is { readonly [operator: string]: unknown } {
  return isDict(value) && Object.keys(value).some((key) => key.startsWith("$"));
}

function readField(text: string): QueryField {
  const [column = "", ...path] = text.split(".");
  if (BUFFER_FIELDS.has(column)) throw new InvalidArgumentError(`the field "${column}" can be asked for with \`keys\`, but not searched`);
  if (!FIELDS.has(column))
    throw new InvalidArgumentError(`unknown field "${text}" in a query; known are ${[...FIELDS].join(", ")}, and paths into objects such as header.session`);
  return { text, column: column as keyof TaskRecord, path };
}

function readCondition(field: QueryField, name: string, argument: unknown): Condition {
  const operator = name as Operator;
  switch (operator) {
    case "$eq":
    case "$ne":
    case "$lt":
    case "$lte":
    case "$gt":
    case "$gte":
      return { field, operator, value: argument ?? null };
    case "$in":
    case "$nin":
      if (!Array.isArray(argument)) throw wrongArgument(field, operator, "a list");
      return { field, operator, values: argument, test: membership(argument) };
    case "$all":
      if (!Array.isArray(argument)) throw wrongArgument(field, operator, "a list");
      return { field, operator, values: argument };
    case "$mod":
      if (!Array.isArray(argument) || argument.length !== 2 || !argument.every(Number.isFinite) || argument[0] === 0)
        throw wrongArgument(field, operator, "[divisor, remainder] with a divisor other than 0");
      return { field, operator, divisor: argument[0] as number, remainder: argument[1] as number };
    case "$exists":
      if (typeof argument !== "boolean") throw wrongArgument(field, operator, "true or false");
      return { field, operator, exists: argument };
    case "$glob":
      if (typeof argument !== "string") throw wrongArgument(field, operator, "a text with a shell pattern");
      return { field, operator, pattern: argument, test: globMatcher(argument) };
    default:
      operator satisfies never;
      throw new InvalidArgumentError(`unknown operator "${name}" for the field "${field.text}"; known are ${QUERY_OPERATORS.join(" ")}`);
  }
}

function wrongArgument(field: QueryField, operator: Operator, wanted: string): InvalidArgumentError {
  return new InvalidArgumentError(`the operator ${operator} of the field "${field.text}" takes ${wanted}`);
}

function holds(condition: Condition, value: unknown): boolean {
  switch (condition.operator) {
    case "$eq":
      return isSame(value, condition.value);
    case "$ne":
      return !isSame(value, condition.value);
    case "$lt":
      return compare(value, condition.value) < 0;
    case "$lte":
      return compare(value, condition.value) <= 0;
    case "$gt":
      return compare(value, condition.value) > 0;
    case "$gte":
      return compare(value, condition.value) >= 0;
    case "$in":
      return condition.test(value);
    case "$nin":
      return !condition.test(value);
    case "$all":
      return value !== null && condition.values.every((wanted) => contains(value, wanted));
    case "$mod":
      return typeof value === "number" && flooredModulo(value, condition.divisor) === condition.remainder;
    case "$exists":
      return (value !== null) === condition.exists;
    case "$glob":
      return typeof value === "string" && condition.test(value);
  }
}

/** Whether a value is among those of a list; texts are looked up, since lists of ids may be long. */
function membership(values: readonly unknown[]): (value: unknown) => boolean {
  const texts = new Set(values.filter((item) => typeof item === "string"));
  const times = new Set([...texts].map(parseIsoDate).filter((time) => time !== undefined));
  const others = values.filter((item) => typeof item !== "string");
  return (value) => {
    if (typeof value !== "string") return others.some((item) => isSame(value, item));
    const time = times.size === 0 ? undefined : parseIsoDate(value);
    return texts.has(value) || (time !== undefined && times.has(time));
  };
}

/** Below, at or above zero; NaN, with which every comparison is false, where the two cannot be ordered. */
function compare(left: unknown, right: unknown): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left !== "string" || typeof right !== "string") return Number.NaN;
  const rightTime = parseIsoDate(right);
  const leftTime = rightTime === undefined ? undefined : parseIsoDate(left);
  return leftTime === undefined || rightTime === undefined ? compareTexts(left, right) : leftTime - rightTime;
}

/** Orders texts by code point, as databases and Python do, not by UTF-16 unit. */
export function compareTexts(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i += 1) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a === b) continue;
    // Surrogates stand for code points above all others, though their units are below U+E000.
    const isHighA = a >= 0xd800 && a <= 0xdfff;
    const isHighB = b >= 0xd800 && b <= 0xdfff;
    return isHighA === isHighB ? a - b : isHighA ? 1 : -1;
  }
  return left.length - right.length;
}

/** Equality of JSON values; key order does not matter, dates are the same when they are the same moment. */
function isSame(left: unknown, right: unknown): boolean {
  const one = left ?? null;
  const other = right ?? null;
  if (one === other) return true;
  if (typeof one === "string" && typeof other === "string") return isSameTime(one, other);
  if (Array.isArray(one)) return Array.isArray(other) && one.length === other.length && one.every((item, index) => isSame(item, other[index]));
  if (!isDict(one) || !isDict(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]));
}

function isSameTime(one: string, other: string): boolean {
  const time = parseIsoDate(other);
  return time !== undefined && parseIsoDate(one) === time;
}

/** `$all`: a list field has the element; or, as in the reference, the argument's element (list or text) has the value. */
function contains(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(value) && value.some((item) => isSame(item, wanted))) return true;
  if (Array.isArray(wanted)) return wanted.some((item) => isSame(item, value));
  return typeof wanted === "string" && typeof value === "string" && wanted.includes(value);
}

/** The remainder that has the divisor's sign, as Python and mathematics have it. */
function flooredModulo(value: number, divisor: number): number {
  const remainder = value % divisor;
  return remainder !== 0 && remainder < 0 !== divisor < 0 ? remainder + divisor : remainder;
}

/** Refuses queries that are too deep or too large to be worked on without harm. */
function checkSize(query: TaskQuery): void {
  let left = VALUES_MAX;
  const visit = (value: unknown, depth: number): void => {
    left -= 1;
    if (left < 0) throw new InvalidArgumentError(`a query has more than ${VALUES_MAX} values`);
    if (typeof value !== "object" || value === null) return;
    if (depth >= DEPTH_MAX) throw new InvalidArgumentError(`a query is nested deeper than ${DEPTH_MAX} levels`);
    for (const item of Object.values(value)) visit(item, depth + 1);
  };
  visit(query, 0);
}
