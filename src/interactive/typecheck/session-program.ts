// The cells of a session as a program for TypeScript: a module for each cell, which begins with one line that brings in the names of
// the cells before it and ends with one that offers its own. So a cell may declare a name again, and its lines and columns stay
// what they were. Nothing here knows files or compilers.

import type { DeclaredNames } from "./declared-names.ts";
import { withoutExports } from "./declared-names.ts";

/** A cell as it is checked. */
export interface CheckedCell {
  /** Its number in the session. */
  readonly number: number;
  readonly code: string;
  readonly names: DeclaredNames;
  /** All of it is one object, though it begins as a block does. */
  readonly isObject: boolean;
}

/** A place in a cell. */
export interface CellPlace {
  readonly cell: number;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

interface Origin {
  readonly module: string;
  readonly isVariable: boolean;
}

/** Name of a cell's module, without its ending. */
const moduleOf = (cell: CheckedCell): string => `cell-${cell.number}`;

/**
 * Files of the program by their names.
 *
 * @param cells in the order in which they ran, each number once
 * @param globals types of variables that no cell declared, by their names
 */
export function programOf(cells: readonly CheckedCell[], globals: ReadonlyMap<string, string>): Map<string, string> {
  const origins = cells.map((cell) => originsOf(cell));
  // A function may use what a later cell declares: a name that is not known yet is the first one to come.
  const later: Map<string, Origin>[] = [];
  let behind = new Map<string, Origin>();
  for (let i = cells.length - 1; i >= 0; i -= 1) {
    later[i] = behind;
    behind = new Map([...behind, ...(origins[i] ?? [])]);
  }
  const files = new Map<string, string>();
  let known = new Map<string, Origin>();
  cells.forEach((cell, i) => {
    const own = origins[i] ?? new Map<string, Origin>();
    const visible = new Map([...(later[i] ?? []), ...known].filter(([name]) => !own.has(name)));
    files.set(`${moduleOf(cell)}.ts`, textOf(cell, own, visible));
    known = new Map([...known, ...own]);
  });
  const ambient = [...globals].filter(([name]) => !known.has(name)).map(([name, type]) => `  var ${name}: ${type};\n`);
  files.set("globals.d.ts", `export {};\ndeclare global {\n${ambient.join("")}}\n`);
  return files;
}

function originsOf(cell: CheckedCell): Map<string, Origin> {
  const { variables, entities } = cell.names;
  const module = moduleOf(cell);
  const of = (names: readonly string[], isVariable: boolean): [string, Origin][] => names.map((name) => [name, { module, isVariable }]);
  return new Map([...of(variables, true), ...of(entities, false)]);
}

function textOf({ code, isObject }: CheckedCell, own: ReadonlyMap<string, Origin>, visible: ReadonlyMap<string, Origin>): string {
  const head = [...visible].map(([name, { module, isVariable }]) =>
    isVariable ? `declare let ${name}: typeof import("./${module}.ts").${name};` : `import { ${name} } from "./${module}.ts";`,
  );
  const body = isObject ? `${code}\n)` : withoutExports(code);
  return `${head.join(" ")}${isObject ? "(" : ""}\n${body}\n;export { ${[...own.keys()].join(", ")} };\n`;
}

/** The place in a cell that a place in a file of the program means; `undefined` for files and lines that are no cell's. */
export function placeInCell(cells: readonly CheckedCell[], file: string, line: number, column: number): CellPlace | undefined {
  const cell = cells.find((one) => `${moduleOf(one)}.ts` === file);
  if (cell === undefined || line < 2 || line > cell.code.split("\n").length + 1) return undefined;
  return { cell: cell.number, line: line - 1, column };
}

/** A message of the compiler with cells named as users know them. */
export function inCellWords(message: string): string {
  return message.replaceAll(/(?:typeof )?import\("[^"]*\bcell-(\d+)(?:\.ts)?"\)\./g, (_, n: string) => `cell [${n}] `);
}
