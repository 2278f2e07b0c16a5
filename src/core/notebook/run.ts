// One run of a notebook, as a machine: told what the kernel publishes and answers, that it ended, that time has passed or that
// somebody wants to stop, it says which cell is executed next, when the kernel is interrupted or killed, when the notebook is
// saved, and how the run ended.
//
//   starting ─(kernelReady)─> running ─(replied and idle)─> saving ─(saved)─> running the next … ─> ended
//                               │                             ^                                      ^
//      (time is over, stopped)  │          (errors are allowed)                                      │
//                               └──────> stopping (interrupted) ─────────────────────────────────────┤
//                                          └──(grace is over: killed)────────────────────────────────┘
//
// Invariants: one cell is under way at most; none begins before the one before it is saved; nothing happens after `ended`;
// each cell that was begun gets a status.

import type { Millis } from "../../base/index.ts";
import { isDict, type Dict } from "../../wire/index.ts";
import { CellOutputs, Displays } from "./cell-outputs.ts";
import type { Cell } from "./notebook.ts";
import { setStatus, type CellStatus, type PlannedCell, type RunPlan } from "./plan.ts";
import { tagsOf } from "./notebook.ts";

/** What a run is bound by. */
export interface NotebookRunOptions {
  /** How long one cell may take, in milliseconds; default: for ever. */
  readonly cellTimeoutMs?: number | undefined;
  /** Goes on after a cell that failed. */
  readonly allowsErrors: boolean;
  /** What one cell's outputs may have, in characters. */
  readonly outputCharsMax: number;
  /** What all cells' outputs may have together, in characters. */
  readonly allCharsMax: number;
}

/** What a run is told. `request` is the number that `execute` gave. */
export type NotebookEvent =
  | { readonly type: "kernelReady"; readonly at: Millis }
  | { readonly type: "published"; readonly at: Millis; readonly request: number; readonly msgType: string; readonly content: Dict; readonly date: string }
  | { readonly type: "replied"; readonly at: Millis; readonly request: number; readonly content: Dict; readonly date: string }
  /** Something was published, most likely by the cell that runs, that could not be read. */
  | { readonly type: "unreadable"; readonly at: Millis }
  /** The kernel's process is gone, or its heart has stopped; `how` continues a sentence. */
  | { readonly type: "kernelDied"; readonly at: Millis; readonly how: string }
  /** The run is to end, for a reason that is not the notebook's. */
  | { readonly type: "stopped"; readonly at: Millis }
  /** The save of this number is done, and with it those before. */
  | { readonly type: "saved"; readonly at: Millis; readonly save: number }
  | { readonly type: "saveFailed"; readonly at: Millis; readonly error: Error }
  | { readonly type: "ticked"; readonly at: Millis };

/** How a cell or a kernel failed. */
export interface CellFailure {
  readonly number: number;
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** How a run ended. */
export type NotebookEnd =
  | { readonly type: "completed"; readonly failures: readonly CellFailure[] }
  | { readonly type: "failed"; readonly failure: CellFailure }
  | { readonly type: "timedOut"; readonly number: number; readonly isKilled: boolean }
  /** `number` 0: no cell was under way. */
  | { readonly type: "kernelDied"; readonly number: number; readonly how: string }
  | { readonly type: "stopped"; readonly number: number }
  | { readonly type: "saveFailed"; readonly error: Error };

/** What is to be done. */
export type NotebookEffect =
  | { readonly type: "execute"; readonly request: number; readonly number: number; readonly code: Cell["source"] }
  | { readonly type: "cellEnded"; readonly number: number; readonly status: CellStatus; readonly failure?: CellFailure }
  /** Text that a cell wrote. */
  | { readonly type: "wrote"; readonly name: "stdout" | "stderr"; readonly text: string }
  | { readonly type: "interruptKernel" }
  | { readonly type: "killKernel" }
  /** A cell's outputs or status changed. */
  | { readonly type: "changed"; readonly cell: Cell }
  | { readonly type: "save"; readonly save: number }
  | { readonly type: "wakeAt"; readonly at: Millis }
  | { readonly type: "ended"; readonly end: NotebookEnd };

/** How long a cell may take to end once its kernel was interrupted. */
const INTERRUPT_GRACE_MS = 5000;
/** How long the last outputs may be silent once a cell's reply is there. */
const IDLE_GRACE_MS = 4000;
/** Outputs of a cell that runs on are saved so often. */
const SAVE_EVERY_MS = 30_000;

type Reason = "timed out" | "interrupted" | "not saved";

interface Execution {
  readonly planned: PlannedCell;
  readonly request: number;
  readonly outputs: CellOutputs;
  readonly began: Millis;
  reply: Dict | undefined;
  isIdle: boolean;
  /** The last sign of it. */
  heardAt: Millis;
  savedAt: Millis;
  stopping: { readonly reason: Reason; readonly killAt: Millis } | undefined;
}

/** Runs the cells of a plan. */
export class NotebookRun {
  readonly #options: NotebookRunOptions;
  readonly #waiting: PlannedCell[];
  readonly #displays = new Displays();
  /** Outputs by request: a cell may publish after its end. */
  readonly #published = new Map<number, { readonly cell: Cell; readonly outputs: CellOutputs }>();
  readonly #cellOf = new Map<CellOutputs, Cell>();
  /** Outputs that changed since the last save: to write them out at each change would cost the square of what there is. */
  readonly #unwritten = new Set<CellOutputs>();
  readonly #failures: CellFailure[] = [];
  #effects: NotebookEffect[] = [];
  #now = 0 as Millis;
  #requests = 0;
  #saves = 0;
  /** The save that the next cell waits for. */
  #awaitedSave: number | undefined;
  #chars = 0;
  #running: Execution | undefined;
  #hasBegun = false;
  #saveError: Error | undefined;
  #end: NotebookEnd | undefined;

  constructor(plan: RunPlan, options: NotebookRunOptions) {
    this.#options = options;
    this.#waiting = plan.cells.filter(({ action }) => action === "run");
  }

  /** How it ended; `undefined` before. */
  get end(): NotebookEnd | undefined {
    return this.#end;
  }

  handle(event: NotebookEvent): NotebookEffect[] {
    if (this.#end !== undefined) return [];
    this.#effects = [];
    this.#now = event.at;
    this.#take(event);
    return this.#effects;
  }

  #take(event: NotebookEvent): void {
    switch (event.type) {
      case "kernelReady":
        if (!this.#hasBegun) this.#next();
        this.#hasBegun = true;
        return;
      case "published":
        return this.#publish(event);
      case "replied":
        return this.#reply(event);
      case "unreadable":
        return this.#running?.outputs.leaveOut();
      case "kernelDied":
        return this.#die(event.how);
      case "stopped":
        return this.#stop("interrupted");
      case "saved":
        if (this.#awaitedSave !== undefined && event.save >= this.#awaitedSave) this.#next();
        return;
      case "saveFailed":
        this.#saveError ??= event.error;
        return this.#stop("not saved");
      case "ticked":
        return this.#tick();
    }
  }

  #publish({ request, msgType, content, date }: NotebookEvent & { readonly type: "published" }): void {
    const found = this.#published.get(request);
    if (found === undefined) return;
    const execution = this.#running?.request === request ? this.#running : undefined;
    if (execution !== undefined) execution.heardAt = this.#now;
    if (msgType === "status") return execution === undefined ? undefined : this.#status(execution, content["execution_state"], date);
    if (typeof content["execution_count"] === "number") found.cell["execution_count"] = content["execution_count"];
    if (msgType === "execute_input") addTime(found.cell, "iopub.execute_input", date);
    if (msgType === "stream" && typeof content["text"] === "string")
      this.#effects.push({ type: "wrote", name: content["name"] === "stderr" ? "stderr" : "stdout", text: content["text"] });
    for (const outputs of found.outputs.take(msgType, content)) this.#unwritten.add(outputs);
    if (execution !== undefined && this.#now - execution.savedAt >= SAVE_EVERY_MS) {
      execution.savedAt = this.#now;
      this.#save();
    }
  }

  #status(execution: Execution, state: unknown, date: string): void {
    if (state === "busy") addTime(execution.planned.cell, "iopub.status.busy", date);
    if (state !== "idle") return;
    addTime(execution.planned.cell, "iopub.status.idle", date);
    execution.isIdle = true;
    if (execution.reply !== undefined) this.#cellDone(execution);
  }

  #reply({ request, content, date }: NotebookEvent & { readonly type: "replied" }): void {
    const execution = this.#running;
    if (execution?.request !== request || execution.reply !== undefined) return;
    execution.reply = content;
    execution.heardAt = this.#now;
    if (typeof content["execution_count"] === "number") execution.planned.cell["execution_count"] = content["execution_count"];
    addTime(execution.planned.cell, "shell.execute_reply", date);
    if (execution.isIdle) this.#cellDone(execution);
    else this.#wakeAt((this.#now + IDLE_GRACE_MS) as Millis);
  }

  #tick(): void {
    const execution = this.#running;
    if (execution === undefined) return;
    const { reply, stopping, heardAt, began } = execution;
    const { cellTimeoutMs } = this.#options;
    if (reply !== undefined) {
      const until = (heardAt + IDLE_GRACE_MS) as Millis;
      return this.#now >= until ? this.#cellDone(execution) : this.#wakeAt(until);
    }
    if (stopping !== undefined) {
      if (this.#now < stopping.killAt) return this.#wakeAt(stopping.killAt);
      this.#effects.push({ type: "killKernel" });
      return this.#finish(execution, stopping.reason === "timed out" ? "timed out" : "interrupted", { isKilled: true });
    }
    if (cellTimeoutMs === undefined) return;
    const deadline = (began + cellTimeoutMs) as Millis;
    if (this.#now >= deadline) this.#stop("timed out");
    else this.#wakeAt(deadline);
  }

  /** Interrupts what runs; the first reason counts. */
  #stop(reason: Reason): void {
    const execution = this.#running;
    if (execution === undefined) return this.#over(this.#endFor(reason, 0, false));
    if (execution.stopping !== undefined) {
      // Time was over, and before the cell ended somebody wanted to stop: there will be no next cell.
      if (execution.stopping.reason === "timed out") execution.stopping = { ...execution.stopping, reason };
      return;
    }
    const killAt = (this.#now + INTERRUPT_GRACE_MS) as Millis;
    execution.stopping = { reason, killAt };
    this.#effects.push({ type: "interruptKernel" });
    this.#wakeAt(killAt);
  }

  #die(how: string): void {
    const execution = this.#running;
    if (execution === undefined) return this.#over({ type: "kernelDied", number: 0, how });
    const reason = execution.stopping?.reason;
    if (reason === "timed out") return this.#finish(execution, "timed out", { isKilled: true });
    if (reason !== undefined) return this.#finish(execution, "interrupted", { isKilled: true });
    this.#finish(execution, "kernel died", { how });
  }

  /** The reply is there, and everything that was published before it. */
  #cellDone(execution: Execution): void {
    const { reply = {}, outputs, planned, stopping } = execution;
    if (reply["status"] === "ok") {
      if (stopping === undefined) return this.#finish(execution, "ok");
      // It ended by itself in the moment in which it was to be stopped.
      return stopping.reason === "timed out" ? this.#finish(execution, "ok") : this.#finish(execution, "ok", { thenStops: stopping.reason });
    }
    if (!outputs.hasError) {
      outputs.addError(reply["status"] === "aborted" ? { ename: "Aborted", evalue: "the kernel did not run the cell", traceback: [] } : reply);
      this.#unwritten.add(outputs);
    }
    if (stopping !== undefined) return this.#finish(execution, stopping.reason === "timed out" ? "timed out" : "interrupted");
    const isExpected = tagsOf(planned.cell).includes("raises-exception");
    this.#finish(execution, isExpected ? "ok" : "failed", { failure: isExpected ? undefined : failureOf(planned.number, reply) });
  }

  #finish(
    { planned, outputs, stopping }: Execution,
    status: CellStatus,
    more: { readonly failure?: CellFailure | undefined; readonly how?: string; readonly isKilled?: boolean; readonly thenStops?: Reason } = {},
  ): void {
    this.#running = undefined;
    this.#unwritten.add(outputs);
    this.#chars += outputs.chars;
    setStatus(planned.cell, status);
    const { number } = planned;
    const { failure, how = "", isKilled = false, thenStops } = more;
    this.#effects.push({ type: "changed", cell: planned.cell }, { type: "cellEnded", number, status, ...(failure === undefined ? {} : { failure }) });
    if (thenStops !== undefined) return this.#over(this.#endFor(thenStops, number, false));
    switch (status) {
      case "kernel died":
        return this.#over({ type: "kernelDied", number, how });
      case "interrupted":
        return this.#over(this.#endFor(stopping?.reason ?? "interrupted", number, isKilled));
      case "timed out":
        if (isKilled || !this.#options.allowsErrors) return this.#over({ type: "timedOut", number, isKilled });
        this.#failures.push({ number, ename: "Timeout", evalue: "the cell took too long and was interrupted", traceback: [] });
        return this.#saveThenNext();
      case "failed":
        if (failure !== undefined && !this.#options.allowsErrors) return this.#over({ type: "failed", failure });
        if (failure !== undefined) this.#failures.push(failure);
        return this.#saveThenNext();
      case "ok":
      case "running":
        return this.#saveThenNext();
    }
  }

  #endFor(reason: Reason, number: number, isKilled: boolean): NotebookEnd {
    if (this.#saveError !== undefined) return { type: "saveFailed", error: this.#saveError };
    return reason === "timed out" ? { type: "timedOut", number, isKilled } : { type: "stopped", number };
  }

  #save(): number {
    for (const outputs of this.#unwritten) {
      const cell = this.#cellOf.get(outputs);
      if (cell === undefined) continue;
      cell["outputs"] = outputs.outputs();
      this.#effects.push({ type: "changed", cell });
    }
    this.#unwritten.clear();
    this.#saves += 1;
    this.#effects.push({ type: "save", save: this.#saves });
    return this.#saves;
  }

  /** The next cell begins when this one is safe. */
  #saveThenNext(): void {
    this.#awaitedSave = this.#save();
  }

  #next(): void {
    this.#awaitedSave = undefined;
    const planned = this.#waiting.shift();
    if (planned === undefined) return this.#over({ type: "completed", failures: this.#failures });
    const request = (this.#requests += 1);
    const { outputCharsMax, allCharsMax, cellTimeoutMs } = this.#options;
    const outputs = new CellOutputs(Math.max(0, Math.min(outputCharsMax, allCharsMax - this.#chars)), this.#displays);
    this.#cellOf.set(outputs, planned.cell);
    this.#published.set(request, { cell: planned.cell, outputs });
    setStatus(planned.cell, "running");
    const at = this.#now;
    this.#running = { planned, request, outputs, began: at, reply: undefined, isIdle: false, heardAt: at, savedAt: at, stopping: undefined };
    this.#effects.push({ type: "changed", cell: planned.cell }, { type: "execute", request, number: planned.number, code: planned.cell.source });
    if (cellTimeoutMs !== undefined) this.#wakeAt((at + cellTimeoutMs) as Millis);
  }

  #over(end: NotebookEnd): void {
    this.#end = end;
    this.#save();
    this.#effects.push({ type: "ended", end });
  }

  #wakeAt(at: Millis): void {
    this.#effects.push({ type: "wakeAt", at });
  }
}

function failureOf(number: number, { ename, evalue, traceback }: Dict): CellFailure {
  return {
    number,
    ename: typeof ename === "string" ? ename : "Error",
    evalue: typeof evalue === "string" ? evalue : "",
    traceback: Array.isArray(traceback) ? traceback.filter((line): line is string => typeof line === "string") : [],
  };
}

/** Times stand in a cell's metadata as nbclient has them. */
function addTime({ metadata }: Cell, name: string, date: string): void {
  const { execution } = metadata;
  metadata["execution"] = { ...(isDict(execution) ? execution : {}), [name]: date };
}
