// `execute_request`: a cell of JavaScript or TypeScript in the engine's namespace.

import type { Dict, ExecuteRequest, MimeBundle } from "../../wire/index.ts";
import { failed, interrupted, isThenable, type RunHooks, type RunOutcome } from "../outcome.ts";
import type { Containment } from "../containment.ts";
import { failureOf } from "../failure.ts";
import type { Namespace } from "../namespace.ts";
import type { CompiledCell } from "./compile-cell.ts";
import { inspectText, mimeBundle } from "./mime.ts";
import { beginCell, prepareCell } from "./run-cell.ts";

/** What a cell's run tells besides its end. */
export interface CellHooks extends RunHooks {
  /** The cell counts as number `executionCount` and begins. */
  begun(executionCount: number): void;
  /** The counted cell compiles; it runs when what is returned has settled, and fails with what that rejects with. */
  ready?(executionCount: number): Promise<void> | undefined;
  /** The cell's value, when it has one and is not silent. */
  result(data: MimeBundle, executionCount: number): void;
}

interface CellRun {
  readonly cell: CompiledCell;
  readonly request: ExecuteRequest;
  readonly count: number;
  readonly hooks: CellHooks;
}

/** Runs cells. */
export class CellRunner {
  readonly #namespace: Namespace;
  readonly #containment: Containment;
  #executionCount = 0;
  #silentCount = 0;

  constructor(namespace: Namespace, containment: Containment) {
    this.#namespace = namespace;
    this.#containment = containment;
  }

  /** Cells counted so far. */
  get executionCount(): number {
    return this.#executionCount;
  }

  /** Starts a request; its end is told through the hooks, never thrown. */
  start(request: ExecuteRequest, hooks: CellHooks): void {
    const isCounted = !request.silent && request.storeHistory;
    if (isCounted) this.#executionCount += 1;
    else this.#silentCount += 1;
    const count = this.#executionCount;
    if (!request.silent) hooks.begun(count);
    const filename = `ipp-cell-${isCounted ? count : `s${this.#silentCount}`}.ts`;
    const prepare = async (): Promise<CompiledCell> => {
      const cell = await prepareCell(this.#namespace, request.code, filename);
      if (isCounted) await hooks.ready?.(count);
      return cell;
    };
    prepare().then(
      // On a turn of its own, for the same reason as in `ApplyRunner`.
      (cell) => setImmediate(() => this.#invoke({ cell, request, count, hooks })),
      (error: unknown) => hooks.end(failed(error, errorExtras(count))),
    );
  }

  #invoke(run: CellRun): void {
    const { cell, count, hooks } = run;
    let value: unknown;
    let outcome: RunOutcome | undefined;
    let hasBegun = false;
    const end = this.#containment.run(() => {
      if (hooks.isOver()) return; // Asked in here: an interrupt from now on cuts the run.
      hasBegun = true;
      try {
        value = beginCell(this.#namespace, cell);
      } catch (error) {
        outcome = failed(error, errorExtras(count));
      }
    });
    if (end === "interrupted" || !hasBegun) hooks.end(interrupted(errorExtras(count)));
    else if (outcome !== undefined) hooks.end(outcome);
    else if (cell.isAsync && isThenable(value)) void this.#await(value, run); // Ends through the hooks; an interrupt may leave it waiting for ever.
    else this.#finish(value, run);
  }

  async #await(pending: PromiseLike<unknown>, run: CellRun): Promise<void> {
    let wrapped: { readonly v?: unknown } | undefined;
    try {
      wrapped = (await pending) as { readonly v?: unknown } | undefined;
    } catch (error) {
      return run.hooks.end(failed(error, errorExtras(run.count)));
    }
    if (!run.hooks.isOver()) this.#finish(wrapped?.v, run);
  }

  /** Shows the value and evaluates the user's expressions: user code again, by way of getters and display methods. */
  #finish(value: unknown, { cell, request, count, hooks }: CellRun): void {
    let outcome: RunOutcome | undefined;
    const end = this.#containment.run(() => {
      if (hooks.isOver()) return;
      try {
        if (cell.hasValue && value !== undefined && !request.silent) hooks.result(mimeBundle(value), count);
        const expressions: Record<string, Dict> = {};
        for (const [name, expression] of request.userExpressions) expressions[name] = this.#expression(expression);
        outcome = { status: "ok", content: { status: "ok", execution_count: count, user_expressions: expressions, payload: [] }, buffers: [] };
      } catch (error) {
        outcome = failed(error, errorExtras(count));
      }
    });
    hooks.end(end === "interrupted" || outcome === undefined ? interrupted(errorExtras(count)) : outcome);
  }

  #expression(expression: string): Dict {
    try {
      return { status: "ok", data: { "text/plain": inspectText(this.#namespace.evaluate(expression)) }, metadata: {} };
    } catch (error) {
      const { ename, evalue, traceback } = failureOf(error);
      return { status: "error", ename, evalue, traceback: traceback ?? [] };
    }
  }
}

function errorExtras(count: number): Dict {
  return { execution_count: count, user_expressions: {}, payload: [] };
}
