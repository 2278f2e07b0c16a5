// The run of a notebook: events in, whole lists of effects out.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { millis } from "../../../../src/base/index.ts";
import {
  NotebookRun,
  parseNotebook,
  planRun,
  statusOf,
  type NotebookEffect,
  type NotebookEvent,
  type NotebookRunOptions,
} from "../../../../src/core/notebook/index.ts";
import type { Dict } from "../../../../src/wire/index.ts";
import { codeCell, notebookOf } from "./notebooks.ts";

const DATE = "2026-01-01T00:00:00.000000Z";
const LIMITS: NotebookRunOptions = { allowsErrors: false, outputCharsMax: 10_000, allCharsMax: 100_000 };

/** A run that is driven by hand. */
class Driven {
  readonly notebook;
  readonly run: NotebookRun;
  at = 0;
  /** Whether saves are done at once. */
  saves = true;

  constructor(sources: readonly (string | ReturnType<typeof codeCell>)[], options: Partial<NotebookRunOptions> = {}) {
    this.notebook = parseNotebook(notebookOf(...sources.map((source) => (typeof source === "string" ? codeCell(source) : source))));
    this.run = new NotebookRun(planRun(this.notebook, {}), { ...LIMITS, ...options });
  }

  handle(event: { readonly type: string; readonly [name: string]: unknown }): NotebookEffect[] {
    const effects = this.run.handle({ at: millis(this.at), ...event } as NotebookEvent);
    const last = effects.findLast((effect) => effect.type === "save");
    return last === undefined || !this.saves ? effects : [...effects, ...this.handle({ type: "saved", save: last.save })];
  }

  publish(request: number, msgType: string, content: Dict): NotebookEffect[] {
    return this.handle({ type: "published", request, msgType, content, date: DATE });
  }

  reply(request: number, content: Dict): NotebookEffect[] {
    return this.handle({ type: "replied", request, content, date: DATE });
  }

  idle(request: number): NotebookEffect[] {
    return this.publish(request, "status", { execution_state: "idle" });
  }

  /** Answers a request, as a kernel does. */
  ok(request: number): NotebookEffect[] {
    return [...this.reply(request, { status: "ok", execution_count: request }), ...this.idle(request)];
  }

  fail(request: number): NotebookEffect[] {
    const failure = { ename: "RangeError", evalue: "too far", traceback: ["at 1"] };
    return [...this.publish(request, "error", failure), ...this.reply(request, { status: "error", ...failure }), ...this.idle(request)];
  }

  statuses(): unknown[] {
    return this.notebook.cells.map((cell) => statusOf(cell));
  }
}

/** Effects without those that only a file or a screen cares for. */
const orders = (effects: readonly NotebookEffect[]): object[] =>
  effects.filter(({ type }) => type !== "changed" && type !== "save" && type !== "wrote").map((effect) => effect);

describe("a run", () => {
  it("executes the next cell when the last one's reply is there and its outputs are", () => {
    const driven = new Driven(["a", "b"]);
    expect(orders(driven.handle({ type: "kernelReady" }))).toEqual([{ type: "execute", request: 1, number: 1, code: ["a"] }]);
    expect(orders(driven.idle(1))).toEqual([]);
    expect(orders(driven.reply(1, { status: "ok", execution_count: 7 }))).toEqual([
      { type: "cellEnded", number: 1, status: "ok" },
      { type: "execute", request: 2, number: 2, code: ["b"] },
    ]);
    expect(driven.notebook.cells[0]).toMatchObject({ execution_count: 7, metadata: { execution: { "iopub.status.idle": DATE, "shell.execute_reply": DATE } } });
    expect(driven.ok(2).slice(-2)).toEqual([
      { type: "save", save: 3 },
      { type: "ended", end: { type: "completed", failures: [] } },
    ]);
    expect(driven.statuses()).toEqual(["ok", "ok"]);
  });

  it("begins no cell before the one before it is saved", () => {
    const driven = new Driven(["a", "b"]);
    driven.saves = false;
    driven.handle({ type: "kernelReady" });
    expect(driven.ok(1).at(-1)).toEqual({ type: "save", save: 1 });
    expect(driven.handle({ type: "saved", save: 0 })).toEqual([]);
    expect(orders(driven.handle({ type: "saved", save: 1 }))).toEqual([{ type: "execute", request: 2, number: 2, code: ["b"] }]);
    expect(driven.handle({ type: "saved", save: 1 })).toEqual([]);
  });

  it("ends while it saves, when it is told to", () => {
    const driven = new Driven(["a", "b"]);
    driven.saves = false;
    driven.handle({ type: "kernelReady" });
    driven.ok(1);
    expect(driven.handle({ type: "stopped" }).at(-1)).toEqual({ type: "ended", end: { type: "stopped", number: 0 } });
  });

  it("saves what a long cell has written, now and then", () => {
    const driven = new Driven(["a"]);
    driven.handle({ type: "kernelReady" });
    driven.at = 29_999;
    expect(driven.publish(1, "stream", { name: "stdout", text: "1" })).toEqual([{ type: "wrote", name: "stdout", text: "1" }]);
    driven.at = 30_000;
    expect(driven.publish(1, "stream", { name: "stdout", text: "2" }).at(-1)).toEqual({ type: "save", save: 1 });
    expect(driven.notebook.cells[0]?.["outputs"]).toEqual([{ name: "stdout", output_type: "stream", text: ["12"] }]);
  });

  it("does not wait for ever for the last outputs of a cell that was answered", () => {
    const driven = new Driven(["a"]);
    driven.handle({ type: "kernelReady" });
    expect(orders(driven.reply(1, { status: "ok" }))).toEqual([{ type: "wakeAt", at: 4000 }]);
    driven.at = 3000;
    driven.publish(1, "stream", { name: "stdout", text: "late" });
    driven.at = 4000;
    expect(orders(driven.handle({ type: "ticked" }))).toEqual([{ type: "wakeAt", at: 7000 }]);
    driven.at = 7000;
    expect(orders(driven.handle({ type: "ticked" })).at(-1)).toMatchObject({ type: "ended", end: { type: "completed" } });
  });

  it("ends at a cell that fails, which keeps its error", () => {
    const driven = new Driven(["a", "b", "c"]);
    driven.handle({ type: "kernelReady" });
    driven.ok(1);
    const failure = { number: 2, ename: "RangeError", evalue: "too far", traceback: ["at 1"] };
    expect(orders(driven.fail(2))).toEqual([
      { type: "wakeAt", at: 4000 },
      { type: "cellEnded", number: 2, status: "failed", failure },
      { type: "ended", end: { type: "failed", failure } },
    ]);
    expect(driven.statuses()).toEqual(["ok", "failed", undefined]);
    expect(driven.notebook.cells[1]?.["outputs"]).toEqual([{ ename: "RangeError", evalue: "too far", output_type: "error", traceback: ["at 1"] }]);
    expect(driven.ok(2)).toEqual([]);
  });

  it("goes on after an error that is allowed or expected", () => {
    const driven = new Driven(["a", "b"], { allowsErrors: true });
    driven.handle({ type: "kernelReady" });
    expect(orders(driven.fail(1)).at(-1)).toMatchObject({ type: "execute", request: 2 });
    expect(driven.ok(2).at(-1)).toMatchObject({ end: { type: "completed", failures: [{ number: 1, ename: "RangeError" }] } });

    const expecting = new Driven([codeCell("a", "raises-exception"), "b"]);
    expecting.handle({ type: "kernelReady" });
    expect(orders(expecting.fail(1)).at(-1)).toMatchObject({ type: "execute", request: 2 });
    expect(expecting.statuses()[0]).toBe("ok");
  });

  it("writes the error of a reply into the cell when it was not published", () => {
    const driven = new Driven(["a"]);
    driven.handle({ type: "kernelReady" });
    driven.reply(1, { status: "error", ename: "E", evalue: "v", traceback: [] });
    driven.idle(1);
    expect(driven.notebook.cells[0]?.["outputs"]).toEqual([{ ename: "E", evalue: "v", output_type: "error", traceback: [] }]);
  });

  it("interrupts a cell that takes too long, and kills the kernel that does not stop", () => {
    const driven = new Driven(["a", "b"], { cellTimeoutMs: 1000 });
    expect(orders(driven.handle({ type: "kernelReady" })).at(-1)).toEqual({ type: "wakeAt", at: 1000 });
    driven.at = 1000;
    expect(orders(driven.handle({ type: "ticked" }))).toEqual([{ type: "interruptKernel" }, { type: "wakeAt", at: 6000 }]);
    driven.at = 6000;
    expect(orders(driven.handle({ type: "ticked" }))).toEqual([
      { type: "killKernel" },
      { type: "cellEnded", number: 1, status: "timed out" },
      { type: "ended", end: { type: "timedOut", number: 1, isKilled: true } },
    ]);
  });

  it("ends with the cell that was interrupted for its time, or goes on when errors are allowed", () => {
    const late = (allowsErrors: boolean): object | undefined => {
      const driven = new Driven(["a", "b"], { cellTimeoutMs: 1000, allowsErrors });
      driven.handle({ type: "kernelReady" });
      driven.at = 1000;
      driven.handle({ type: "ticked" });
      return orders(driven.fail(1)).findLast(({ type }: { type?: string }) => type !== "wakeAt");
    };
    expect(late(false)).toEqual({ type: "ended", end: { type: "timedOut", number: 1, isKilled: false } });
    expect(late(true)).toMatchObject({ type: "execute", request: 2 });
  });

  it("interrupts what runs when it is stopped, and begins no further cell", () => {
    const driven = new Driven(["a", "b"]);
    driven.handle({ type: "kernelReady" });
    expect(orders(driven.handle({ type: "stopped" }))[0]).toEqual({ type: "interruptKernel" });
    expect(driven.handle({ type: "stopped" })).toEqual([]);
    expect(driven.fail(1).at(-1)).toEqual({ type: "ended", end: { type: "stopped", number: 1 } });
    expect(driven.statuses()).toEqual(["interrupted", undefined]);
  });

  it("counts a cell as well that ended by itself while it was being stopped", () => {
    const driven = new Driven(["a", "b"]);
    driven.handle({ type: "kernelReady" });
    driven.handle({ type: "stopped" });
    expect(driven.ok(1).at(-1)).toEqual({ type: "ended", end: { type: "stopped", number: 1 } });
    expect(driven.statuses()).toEqual(["ok", undefined]);
  });

  it("ends at once when the kernel dies, in a cell or between two", () => {
    const driven = new Driven(["a", "b"]);
    driven.handle({ type: "kernelReady" });
    driven.publish(1, "stream", { name: "stdout", text: "so far" });
    expect(orders(driven.handle({ type: "kernelDied", how: "ended with exit status 1" }))).toEqual([
      { type: "cellEnded", number: 1, status: "kernel died" },
      { type: "ended", end: { type: "kernelDied", number: 1, how: "ended with exit status 1" } },
    ]);
    expect(driven.notebook.cells[0]?.["outputs"]).toEqual([{ name: "stdout", output_type: "stream", text: ["so far"] }]);
    expect(new Driven(["a"]).handle({ type: "kernelDied", how: "x" }).at(-1)).toEqual({ type: "ended", end: { type: "kernelDied", number: 0, how: "x" } });
  });

  it("stops when the notebook cannot be saved, and tells why", () => {
    const driven = new Driven(["a", "b"]);
    const error = new Error("the disk is full");
    driven.saves = false;
    driven.handle({ type: "kernelReady" });
    driven.ok(1);
    expect(driven.handle({ type: "saveFailed", error }).at(-1)).toEqual({ type: "ended", end: { type: "saveFailed", error } });

    const inCell = new Driven(["a", "b"]);
    inCell.handle({ type: "kernelReady" });
    expect(orders(inCell.handle({ type: "saveFailed", error }))[0]).toEqual({ type: "interruptKernel" });
    expect(inCell.fail(1).at(-1)).toEqual({ type: "ended", end: { type: "saveFailed", error } });
  });

  it("puts outputs that come after a cell's end where they belong", () => {
    const driven = new Driven(["a", "b"]);
    driven.handle({ type: "kernelReady" });
    driven.ok(1);
    driven.publish(1, "stream", { name: "stdout", text: "from a timer" });
    driven.ok(2);
    expect(driven.notebook.cells.map((cell) => cell["outputs"])).toEqual([[{ name: "stdout", output_type: "stream", text: ["from a timer"] }], []]);
  });

  it("changes displays of earlier cells", () => {
    const driven = new Driven(["a", "b"]);
    const shown = (text: string): Dict => ({ data: { "text/plain": text }, metadata: {}, transient: { display_id: "d" } });
    driven.handle({ type: "kernelReady" });
    driven.publish(1, "display_data", shown("1"));
    driven.ok(1);
    driven.publish(2, "update_display_data", shown("2"));
    expect(driven.ok(2)).toContainEqual({ type: "changed", cell: driven.notebook.cells[0] });
    expect(driven.notebook.cells[0]?.["outputs"]).toEqual([{ data: { "text/plain": ["2"] }, metadata: {}, output_type: "display_data" }]);
  });

  it("keeps the outputs of all cells together within their bound", () => {
    const driven = new Driven(["a", "b", "c"], { outputCharsMax: 4000, allCharsMax: 6000 });
    driven.handle({ type: "kernelReady" });
    for (const request of [1, 2, 3]) {
      driven.publish(request, "display_data", { data: { "text/html": "x".repeat(3000) } });
      driven.ok(request);
    }
    expect(driven.notebook.cells.map((cell) => JSON.stringify(cell["outputs"]).length > 3000)).toEqual([true, false, false]);
    expect(JSON.stringify(driven.notebook.cells[2]?.["outputs"])).toContain("1 further output was left out");
  });

  it("whatever happens, has one cell under way, tells of each begun cell's end, and ends once", () => {
    const event = fc.oneof(
      ...["kernelReady", "kernelDied", "stopped", "saveFailed"].map((type) => fc.constant({ type, how: "died", error: new Error("full") })),
      fc.record({ type: fc.constant("ticked"), wait: fc.integer({ min: 0, max: 7000 }) }),
      fc.record({ type: fc.constant("idle"), request: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ type: fc.constant("replied"), request: fc.integer({ min: 1, max: 4 }), status: fc.constantFrom("ok", "error", "aborted") }),
      fc.record({ type: fc.constant("wrote"), request: fc.integer({ min: 1, max: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.boolean(), (events, allowsErrors) => {
        const driven = new Driven(["a", "b", "c"], { allowsErrors, cellTimeoutMs: 5000 });
        const effects: NotebookEffect[] = [];
        for (const one of [{ type: "kernelReady" } as const, ...events]) {
          if (one.type === "ticked" && "wait" in one) driven.at += one.wait;
          if (one.type === "idle" && "request" in one) effects.push(...driven.idle(one.request));
          else if (one.type === "wrote" && "request" in one) effects.push(...driven.publish(one.request, "stream", { name: "stdout", text: "x" }));
          else if (one.type === "replied" && "status" in one) effects.push(...driven.reply(one.request, { status: one.status }));
          else effects.push(...driven.handle(one));
        }
        const begun = effects.filter(({ type }) => type === "execute").length;
        const ended = effects.filter(({ type }) => type === "cellEnded").length;
        const ends = effects.filter(({ type }) => type === "ended").length;
        expect(ends).toBe(driven.run.end === undefined ? 0 : 1);
        expect([begun, ends === 1 ? begun : begun - 1]).toContain(ended);
        expect(driven.statuses().filter((status) => status === "running").length).toBe(begun - ended);
      }),
    );
  });
});
