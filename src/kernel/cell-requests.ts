// `execute_request`: one cell at a time is started, given up when told to, and answered by whichever came first.

import type { KernelFailure } from "../base/index.ts";
import { CellRunner, checkCell, failed, interrupted, type Containment, type Namespace, type RunOutcome } from "../execution/index.ts";
import { errorContent, readExecuteRequest, type Dict, type ExecuteRequest, type Message } from "../wire/index.ts";
import type { TypedCell } from "./cell-extension.ts";
import { cellStack, type WrittenCell } from "./cell-stack.ts";
import type { History } from "./history.ts";
import type { Publications } from "./publications.ts";

/** How a request ended. `reply` is missing for types that have none. */
export interface CellEnd {
  readonly reply: Dict | undefined;
  /** It failed, and the cells that wait are not to be run. */
  readonly stopsQueue: boolean;
}

/** What cells are run with. */
export interface CellRequestsParts {
  readonly namespace: Namespace;
  readonly containment: Containment;
  readonly publications: Publications;
  readonly history: History;
  readonly ended: (serial: number, end: CellEnd) => void;
  /** The cell as it is to be compiled. Throws what the cell is to fail with. */
  readonly expand: (code: string) => string;
  /** The cell compiles; it runs when this has settled. */
  readonly ready: (cell: TypedCell) => Promise<void> | undefined;
}

interface Run {
  readonly serial: number;
  readonly message: Message;
  readonly stopsQueueOnError: boolean;
}

/** Runs cells for a front end. */
export class CellRequests {
  readonly #parts: CellRequestsParts;
  readonly #cells: CellRunner;
  #run: Run | undefined;
  /** Serial number of the request that was interrupted last. */
  #interrupted = 0;

  constructor(parts: CellRequestsParts) {
    this.#parts = parts;
    this.#cells = new CellRunner(parts.namespace, parts.containment);
  }

  /** Serial number of the cell that runs, 0 when none does. */
  get serial(): number {
    return this.#run?.serial ?? 0;
  }

  /** Request of the cell that runs. */
  get message(): Message | undefined {
    return this.#run?.message;
  }

  /** Cells counted so far. */
  get executionCount(): number {
    return this.#cells.executionCount;
  }

  /** Loads what the first cell will need. */
  warmUp(): void {
    void checkCell("0").catch(() => undefined); // The first cell would tell.
  }

  /** Starts a cell; its end is told by `ended`. */
  start(serial: number, message: Message): void {
    const request = readExecuteRequest(message.content);
    const isRequest = typeof request !== "string";
    const run: Run = { serial, message, stopsQueueOnError: isRequest && !request.silent && request.stopOnError };
    this.#run = run;
    if (isRequest) this.#start(run, request);
    else this.#end(run, failed(new TypeError(request), this.#emptyContent()));
  }

  #start(run: Run, request: ExecuteRequest): void {
    const { publications, history, expand, ready } = this.#parts;
    let code = "";
    let problem: { readonly error: unknown } | undefined;
    try {
      code = expand(request.code);
    } catch (error) {
      problem = { error }; // The cell counts as any other that fails: its number is its own.
    }
    this.#cells.start(
      { ...request, code },
      {
        isOver: () => this.#run !== run || run.serial === this.#interrupted,
        begun: (count) => {
          publications.input(request.code, count);
          if (request.storeHistory) history.add(count, request.code);
        },
        ready: (number) => (problem === undefined ? ready({ code: request.code, number, ...cellId(run.message) }) : undefined),
        result: (data, count) => {
          if (this.#run !== run) return;
          publications.result(data, count);
          const { "text/plain": text } = data;
          if (request.storeHistory && typeof text === "string") history.setOutput(count, text);
        },
        end: (outcome) => this.#end(run, problem === undefined ? outcome : failed(problem.error, this.#emptyContent())),
      },
    );
  }

  /**
   * Called in the middle of whatever runs: the cell will be given up. It may not have begun by now, and none of its code may
   * begin before `giveUp` has its turn: that code could not be interrupted any more.
   */
  noteInterrupt(serial: number): void {
    this.#interrupted = serial;
  }

  /** Gives the running cell up; does nothing when it is another one by now. */
  giveUp(serial: number): void {
    const run = this.#run;
    if (run !== undefined && run.serial === serial) this.#end(run, interrupted(this.#emptyContent()));
  }

  /** Gives up whatever runs, without an answer: the kernel leaves. */
  abandon(): void {
    this.#run = undefined;
  }

  #emptyContent(): Dict {
    return { execution_count: this.#cells.executionCount, user_expressions: {}, payload: [] };
  }

  #end(run: Run, outcome: RunOutcome): void {
    if (this.#run !== run) return; // Given up before; a late result means nothing.
    this.#run = undefined;
    const { publications, ended } = this.#parts;
    if (outcome.status === "ok") return ended(run.serial, { reply: outcome.content, stopsQueue: false });
    const { code } = run.message.content;
    const failure = inCellCoordinates(outcome.failure, typeof code === "string" ? { number: this.#cells.executionCount, code } : undefined);
    publications.error(failure);
    ended(run.serial, { reply: { ...errorContent(failure), ...outcome.content }, stopsQueue: run.stopsQueueOnError });
  }
}

/** The id of a notebook's cell: JupyterLab tells it beside the request. */
function cellId({ metadata }: Message): { readonly id?: string } {
  const { cellId: id } = metadata;
  return typeof id === "string" ? { id } : {};
}

/** A failure with a stack that names cells as the notebook does; see `cellStack`. */
export function inCellCoordinates(failure: KernelFailure, cell?: WrittenCell): KernelFailure {
  const traceback = cellStack(failure.traceback ?? [], cell);
  const isNamed = traceback.some((line) => line.includes(failure.evalue.split("\n")[0] ?? ""));
  return { ...failure, traceback: isNamed ? traceback : [`${failure.ename}: ${failure.evalue}`, ...traceback] }; // Those of engines have the remote stack only.
}
