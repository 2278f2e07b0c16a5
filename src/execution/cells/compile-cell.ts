// From a cell's text to something that can run: JavaScript first, TypeScript when that fails.

import type { Script } from "node:vm";
import { compile, ownModule } from "../namespace.ts";
import { stripTypes, TypeSyntaxError } from "./strip-types.ts";
import type { CellPlan, HoistedImport } from "./transform.ts";

/** A cell, compiled. */
export interface CompiledCell {
  readonly script: Script;
  readonly functions: readonly { readonly name: string; readonly script: Script }[];
  readonly imports: readonly HoistedImport[];
  readonly names: readonly string[];
  readonly isAsync: boolean;
  readonly hasValue: boolean;
}

/** A place in a cell. */
export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 0. */
  readonly column: number;
}

/** Places of syntax errors, beside them: users see all that an error itself has. */
const places = new WeakMap<object, Position>();

/**
 * Compiles a cell.
 *
 * @param filename the cell's name in stacks
 * @throws SyntaxError whose stack begins with the place, the line and a mark under the column
 */
export async function compileCell(code: string, filename: string): Promise<CompiledCell> {
  return compilePlan(await planAny(code, filename), filename);
}

async function planAny(code: string, filename: string): Promise<CellPlan> {
  const { planCell } = await import("./transform.ts");
  const plan = (text: string): CellPlan => planCell(text, ownModule);
  let planned: CellPlan | undefined;
  let failure: unknown;
  try {
    planned = plan(code);
    if (!planned.looksGeneric) return planned;
  } catch (error) {
    failure = error;
  }
  try {
    return plan(await stripTypes(code));
  } catch (typeFailure) {
    if (planned !== undefined) return planned;
    throw located(furthest(failure, typeFailure), code, filename);
  }
}

/** Of two parsers' complaints, the one about the later place: the other stopped at syntax it does not know. */
function furthest(first: unknown, second: unknown): unknown {
  const a = positionOf(first);
  const b = positionOf(second);
  if (b === undefined) return first;
  return a === undefined || b.line > a.line || (b.line === a.line && b.column > a.column) ? second : first;
}

/** Checks a cell without running it. Rejects with the SyntaxError; see `positionOfSyntaxError`. */
export async function checkCell(code: string): Promise<void> {
  await compileCell(code, "ipp-cell-check.ts");
}

/** Names that a cell would make global, by its own declarations and imports. @throws SyntaxError when it does not compile */
export async function namesOfCell(code: string): Promise<readonly string[]> {
  return (await planAny(code, "ipp-cell-check.ts")).names;
}

/** Where a cell that does not compile is wrong, when that is known. */
export function positionOfSyntaxError(error: unknown): Position | undefined {
  return typeof error === "object" && error !== null ? places.get(error) : undefined;
}

function positionOf(error: unknown): Position | undefined {
  if (error instanceof TypeSyntaxError) return error.line > 0 ? error : undefined;
  return (error as { loc?: Position } | null)?.loc;
}

function located(error: unknown, code: string, filename: string): SyntaxError {
  const at = positionOf(error);
  const text = (error instanceof Error ? error.message : String(error)).replace(/ \(\d+:\d+\)$/, "");
  const located = new SyntaxError(at === undefined ? text : `${text} (line ${at.line}, column ${at.column + 1})`);
  if (at !== undefined) {
    places.set(located, { line: at.line, column: at.column });
    const line = code.split("\n")[at.line - 1] ?? "";
    located.stack = `${filename}:${at.line}\n${line}\n${" ".repeat(at.column)}^\nSyntaxError: ${located.message}`;
  }
  return located;
}

function compilePlan(plan: CellPlan, filename: string): CompiledCell {
  const head = plan.isStrict ? '"use strict";(' : "(";
  return {
    script: compile(plan.script, { filename, columnOffset: plan.columnOffset }),
    functions: plan.functions.map(({ name, source, line, column }) => ({
      name,
      script: compile(`${head}${source})`, { filename, lineOffset: line, columnOffset: column - head.length }),
    })),
    imports: plan.imports,
    names: plan.names,
    isAsync: plan.isAsync,
    hasValue: plan.hasValue,
  };
}
