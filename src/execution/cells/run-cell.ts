// The steps of a cell's run, for whoever decides what surrounds them.

import type { RunningScriptOptions } from "node:vm";
import type { Namespace } from "../namespace.ts";
import { compileCell, type CompiledCell } from "./compile-cell.ts";
import type { HoistedImport } from "./transform.ts";

/** Errors keep their own stack; Node would put the source line before it, for errors of the outermost code only. */
const QUIET: RunningScriptOptions = { displayErrors: false };

/**
 * Compiles a cell and imports what it imports.
 *
 * @param filename the cell's name in stacks
 * @throws SyntaxError; what the imported modules throw
 */
export async function prepareCell(namespace: Namespace, code: string, filename: string): Promise<CompiledCell> {
  const cell = await compileCell(code, filename);
  for (const wanted of cell.imports) await bindImport(namespace, wanted);
  return cell;
}

async function bindImport(namespace: Namespace, { specifier, attributes, bindings }: HoistedImport): Promise<void> {
  const found = (await namespace.importModule(specifier, { attributes })) as Readonly<Record<string, unknown>>;
  for (const { imported, local } of bindings) {
    if (imported !== "*" && !(imported in found)) throw new SyntaxError(`the module "${specifier}" does not export "${imported}"`);
    namespace.push({ [local]: imported === "*" ? found : found[imported] });
  }
}

/** Runs a cell up to its first `await`. Its value, or a promise of `{ v: value }` when it `isAsync`. */
export function beginCell(namespace: Namespace, cell: CompiledCell, options: RunningScriptOptions = {}): unknown {
  namespace.declare(cell.names);
  for (const { name, script } of cell.functions) namespace.push({ [name]: script.runInThisContext(QUIET) });
  return cell.script.runInThisContext({ ...QUIET, ...options });
}
