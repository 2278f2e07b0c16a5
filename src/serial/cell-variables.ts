// Names that a notebook's cells have made. They are properties of the global object there, and would be taken for the
// engine's own; a user means by them what a module's variables are, which travel with the functions that use them.

import { processWide } from "../base/index.ts";
import type { ScopeVariables } from "./scope-reader.ts";

const CELLS = processWide("cell-variables", (): { count: number; readonly vars: Record<string, unknown> } => ({
  count: 0,
  vars: Object.create(null) as Record<string, unknown>,
}));

/** From now on a global of this name travels with the functions that use it. Called where cells run that belong to no engine. */
export function addCellVariable(name: string): void {
  if (Object.hasOwn(CELLS.vars, name)) return;
  Object.defineProperty(CELLS.vars, name, { get: () => (globalThis as Record<string, unknown>)[name], enumerable: true });
  CELLS.count += 1;
}

/** The variables of cells as the outermost scope of every function; nothing where no cells run. */
export function cellScopes(): readonly ScopeVariables[] {
  return CELLS.count === 0 ? [] : [{ kind: "Cells", vars: CELLS.vars }];
}
