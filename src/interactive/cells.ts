// Cells of one session in this process: TypeScript or JavaScript with top-level await, imports and magics. What cells declare are
// globals, and travels with the functions that use it.

import { beginCell, hideLoaderWarning, Namespace, prepareCell, shownStack } from "../execution/index.ts";
import { cellStack } from "../kernel/index.ts";
import { addCellVariable } from "../serial/index.ts";
import type { Magics } from "./magics.ts";

/** What a cell came to. */
export interface CellValue {
  readonly value: unknown;
  /** Whether it ended with an expression. */
  readonly hasValue: boolean;
}

/** How a cell runs. */
export interface CellOptions {
  /** Ends the wait for what a cell awaits; what it began goes on. */
  readonly signal: AbortSignal;
  /** Whether SIGINT cuts the part of the cell that does not await. */
  readonly breakOnSigint: boolean;
}

/** Runs cells one after the other. */
export class Cells {
  readonly #magics: Magics;
  readonly #namespace = new Namespace(addCellVariable);
  #count = 0;
  /** Text of the last cell. */
  #code = "";

  constructor(magics: Magics) {
    this.#magics = magics;
    this.#namespace.prepare();
    hideLoaderWarning();
  }

  /** Makes variables, as a cell would. */
  define(values: Readonly<Record<string, unknown>>): void {
    this.#namespace.push(values);
  }

  /** Stack of what the last cell failed with, in the coordinates of cells. */
  stackOf(error: Error): string {
    return cellStack(shownStack(error).split("\n"), { number: this.#count, code: this.#code }).join("\n");
  }

  /**
   * Runs a cell.
   *
   * @throws SyntaxError with the place; what the cell throws; the signal's reason
   */
  async run(code: string, { signal, breakOnSigint }: CellOptions): Promise<CellValue> {
    this.#count += 1;
    this.#code = code;
    const cell = await prepareCell(this.#namespace, this.#magics.expand(code), `ipp-cell-${this.#count}.ts`);
    await this.#magics.ready({ code, number: this.#count });
    signal.throwIfAborted();
    const value = beginCell(this.#namespace, cell, { breakOnSigint });
    if (!cell.isAsync) return { value, hasValue: cell.hasValue };
    const end = (await untilAborted(value as Promise<{ readonly v?: unknown } | undefined>, signal)) as { readonly v?: unknown } | undefined;
    return { value: end?.v, hasValue: cell.hasValue };
  }
}

async function untilAborted<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    stop = () => signal.removeEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([pending, aborted]);
  } finally {
    stop();
    // What was left alone may fail later, and nobody is there to hear it.
    pending.catch(() => undefined);
  }
}
