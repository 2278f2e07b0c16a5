// Which cells of a notebook a run executes. Code cells are counted from 1, in the notebook as it is written: empty ones and a
// cell with parameters count too. A run that begins later takes what the cells before had from the last run's file, as far as
// they are the same cells; the kernel is a new one, so cells that set parameters, or are tagged for it, are run all the same.

import { INJECTED_TAG, PARAMETERS_TAG } from "./parameters.ts";
import { isCode, tagsOf, textOf, type Cell, type Fields, type Notebook } from "./notebook.ts";
import { isDict } from "../../wire/index.ts";

/** Tag of cells that are run even if the run begins behind them. */
export const ALWAYS_TAG = "always-run";
const SKIP_TAG = "skip-execution";
const ALWAYS: readonly string[] = [ALWAYS_TAG, PARAMETERS_TAG, INJECTED_TAG];

/** How a cell's last execution went, as its metadata say. */
export type CellStatus = "running" | "ok" | "failed" | "timed out" | "interrupted" | "kernel died";

/** What becomes of one code cell. */
export interface PlannedCell {
  readonly cell: Cell;
  /** Number among the code cells, from 1. */
  readonly number: number;
  /** `kept`: as the last run left it. `skipped`: nothing in it is to be run. */
  readonly action: "run" | "kept" | "skipped";
}

/** The cells of a run. */
export interface RunPlan {
  readonly cells: readonly PlannedCell[];
  /** Number of the first cell that is run in its turn; one more than there are when all have run well. */
  readonly startAt: number;
  /** Numbers of cells before that which are run all the same. */
  readonly again: readonly number[];
}

/** Where a run begins. */
export interface PlanOptions {
  /** Number of the first cell; default 1. */
  readonly startAt?: number | undefined;
  /** Begins at the first cell that has not run well. */
  readonly resumes?: boolean;
  /** What the last run left. */
  readonly previous?: Notebook | undefined;
}

/** Decides which cells are run, and prepares the notebook: those that are run lose what they had. */
export function planRun(notebook: Notebook, { startAt: wanted, resumes = false, previous }: PlanOptions): RunPlan {
  const code = notebook.cells.filter(isCode);
  const before = previous?.cells.filter(isCode) ?? [];
  const last = (index: number): Cell | undefined => {
    const other = before[index];
    return other !== undefined && textOf(other.source) === textOf(code[index]?.source ?? "") ? other : undefined;
  };
  const isDone = (cell: Cell, index: number): boolean => isSkipped(cell) || statusOf(last(index)) === "ok";
  const firstOpen = code.findIndex((cell, index) => !isDone(cell, index));
  const startAt = wanted ?? (resumes ? (firstOpen < 0 ? code.length : firstOpen) + 1 : 1);
  const again: number[] = [];
  const cells = code.map((cell, index): PlannedCell => {
    const number = index + 1;
    if (isSkipped(cell)) return { cell, number, action: "skipped" };
    const isAgain = number < startAt && tagsOf(cell).some((tag) => ALWAYS.includes(tag));
    if (isAgain) again.push(number);
    if (number >= startAt || isAgain) {
      clearCell(cell);
      return { cell, number, action: "run" };
    }
    keepFrom(cell, last(index));
    return { cell, number, action: "kept" };
  });
  return { cells, startAt, again };
}

const isSkipped = (cell: Cell): boolean => textOf(cell.source).trim() === "" || tagsOf(cell).includes(SKIP_TAG);

/** How a cell's last execution went; `undefined`: it was not run by this package. */
export function statusOf(cell: Cell | undefined): CellStatus | undefined {
  const own = cell?.metadata["tsparallel"];
  return isDict(own) && typeof own["status"] === "string" ? (own["status"] as CellStatus) : undefined;
}

/** Writes down how a cell's execution goes. */
export function setStatus(cell: Cell, status: CellStatus): void {
  cell.metadata = { ...cell.metadata, tsparallel: { status } };
}

function clearCell(cell: Cell): void {
  const { execution: _times, tsparallel: _status, ...metadata } = cell.metadata;
  cell.metadata = metadata;
  cell["execution_count"] = null;
  cell["outputs"] = [];
}

function keepFrom(cell: Cell, other: Cell | undefined): void {
  if (other === undefined) return;
  const kept: Fields = {};
  for (const name of ["execution", "tsparallel"]) if (name in other.metadata) kept[name] = other.metadata[name];
  cell.metadata = { ...cell.metadata, ...kept };
  cell["execution_count"] = other["execution_count"] ?? null;
  cell["outputs"] = other["outputs"] ?? [];
}
