// Conditions of a query as SQL with parameters. What SQL says differently from the query language, or cannot say, is
// left over (`residual`) for the matcher; the SQL alone then selects too much, never too little.

import { parseIsoDate } from "../base/index.ts";
import type { Condition, OrderOperator } from "../core/index.ts";
import { columnOf, fieldExpression, fieldKind, microsOf, type FieldKind, type FieldName, type SqlValue } from "./sqlite-rows.ts";

/** A `WHERE` clause, and what it leaves to be tested. */
export interface SqlSelection {
  readonly where: string;
  readonly parameters: readonly SqlValue[];
  readonly residual: readonly Condition[];
}

interface Clause {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  /** False when the matcher has to look at the record too. */
  readonly isExact: boolean;
}

const exact = (sql: string, ...parameters: SqlValue[]): Clause => ({ sql, parameters, isExact: true });
const ALWAYS: Clause = exact("1");
const NEVER: Clause = exact("0");
const INEXACT: Clause = { sql: "1", parameters: [], isExact: false };

const SQL_ORDER: Readonly<Record<OrderOperator, string>> = { $lt: "<", $lte: "<=", $gt: ">", $gte: ">=" };

/** Translates the conditions of one query. */
export function selectionOf(conditions: readonly Condition[]): SqlSelection {
  const clauses = conditions.map((condition) => ({ condition, ...clauseOf(condition) }));
  return {
    where: clauses.length === 0 ? "1" : clauses.map((clause) => clause.sql).join(" AND "),
    parameters: clauses.flatMap((clause) => clause.parameters),
    residual: clauses.filter((clause) => !clause.isExact).map((clause) => clause.condition),
  };
}

function clauseOf(condition: Condition): Clause {
  const field = condition.field.column as FieldName;
  if (condition.field.path.length > 0) return pathClause(condition, field);
  const kind = fieldKind(field);
  const name = fieldExpression(field);
  switch (condition.operator) {
    case "$exists":
      return exact(condition.exists ? `${name} IS NOT NULL` : `${name} IS NULL`);
    case "$eq":
    case "$ne":
      return equalityClause(name, kind, condition.operator, condition.value);
    case "$in":
    case "$nin":
      return membershipClause(name, kind, condition.operator, condition.values);
    case "$lt":
    case "$lte":
    case "$gt":
    case "$gte":
      return orderClause(name, kind, condition.operator, condition.value);
    case "$glob":
    case "$all":
    case "$mod":
      return { sql: `${name} IS NOT NULL`, parameters: [], isExact: false };
  }
}

/** A path is looked up in the JSON text where that is sure to mean the same: texts at keys of plain letters. */
function pathClause(condition: Condition, field: FieldName): Clause {
  if (condition.operator !== "$eq" || fieldKind(field) !== "json") return INEXACT;
  const { value } = condition;
  if (typeof value !== "string" || isDate(value) || !condition.field.path.every((key) => /^[A-Za-z_]\w*$/.test(key))) return INEXACT;
  const column = columnOf(field);
  const path = [...(column === field ? [] : [field]), ...condition.field.path].join(".");
  return exact(`json_extract(${column}, '$.${path}') = ?`, value);
}

function equalityClause(name: string, kind: FieldKind, operator: "$eq" | "$ne", value: unknown): Clause {
  if (value === null) return exact(operator === "$eq" ? `${name} IS NULL` : `${name} IS NOT NULL`);
  const encoded = comparable(kind, value);
  if (encoded === "unknown") return INEXACT;
  if (encoded === "never") return operator === "$eq" ? NEVER : ALWAYS;
  return exact(operator === "$eq" ? `${name} = ?` : `${name} IS NOT ?`, encoded.value);
}

function orderClause(name: string, kind: FieldKind, operator: OrderOperator, value: unknown): Clause {
  if (value === null) return NEVER;
  const encoded = kind === "json" ? "unknown" : comparable(kind, value);
  if (encoded === "unknown") return INEXACT;
  return encoded === "never" ? NEVER : exact(`${name} ${SQL_ORDER[operator]} ?`, encoded.value);
}

function membershipClause(name: string, kind: FieldKind, operator: "$in" | "$nin", values: readonly unknown[]): Clause {
  const hasNull = values.some((value) => value === null);
  const encoded = values.filter((value) => value !== null).map((value) => comparable(kind, value));
  if (encoded.includes("unknown")) return INEXACT;
  const list = JSON.stringify(encoded.filter((value) => typeof value === "object").map(({ value }) => value));
  // One parameter, whatever the length: SQLite bounds how many a statement may have.
  const among = `${name} IN (SELECT value FROM json_each(?))`;
  if (operator === "$in") return exact(hasNull ? `(${name} IS NULL OR ${among})` : among, list);
  return exact(hasNull ? `(${name} IS NOT NULL AND NOT ${among})` : `(${name} IS NULL OR NOT ${among})`, list);
}

/** A value as the column holds it; "never" when no record can have it, "unknown" when only the matcher can tell. */
function comparable(kind: FieldKind, value: unknown): { readonly value: SqlValue } | "never" | "unknown" {
  switch (kind) {
    case "text":
      if (typeof value !== "string") return "never";
      return isDate(value) ? "unknown" : { value };
    case "time": {
      if (typeof value !== "string") return "never";
      const micros = microsOf(value);
      return micros === null ? "unknown" : { value: micros };
    }
    case "json":
      if (typeof value === "object" || (typeof value === "string" && isDate(value))) return "unknown";
      return { value: JSON.stringify(value) };
  }
}

function isDate(text: string): boolean {
  return parseIsoDate(text) !== undefined;
}
