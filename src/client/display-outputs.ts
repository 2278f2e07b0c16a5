// Showing what engines printed and displayed, grouped by engine, by kind, or in the order of submission, in the
// reference's form.

import { KernelError } from "../base/index.ts";
import { resultLabel, writeRich, type OutputSink } from "./engine-output.ts";
import type { DisplayOutput } from "../core/client/index.ts";
import type { RequestHandle } from "./request-handle.ts";
import type { Arity } from "./result-shape.ts";

/** How outputs are put together. */
export type OutputGroups = "engine" | "type" | "order";

/** How outputs are shown. */
export interface DisplayOptions {
  /**
   * `engine` (default): all of one engine, then all of the next, by their ids. `type`: what all printed, then what all wrote
   * to standard error, what they displayed, their values, their errors. `order`: request by request, as submitted.
   */
  readonly groupBy?: OutputGroups;
  /** Default `process.stdout`. */
  readonly sink?: OutputSink;
  /** Whether errors are shown, too. Default true. */
  readonly errors?: boolean;
}

/** One output as it is shown; those of one kind are next to each other where outputs are grouped by type. */
interface Shown {
  readonly kind: number;
  readonly engine: number;
  write(sink: OutputSink): void;
}

interface HowShown {
  readonly arity: Arity;
  readonly groupBy: OutputGroups;
  readonly errors: boolean;
}

const KINDS = ["stdout", "stderr", "output", "result", "error"] as const;

/** Writes what the requests put out. Several requests are told apart by `[stdout:3]`. */
export function showOutputs(parts: readonly RequestHandle[], how: HowShown, sink: OutputSink): void {
  const all = parts.flatMap((part) => outputsOf(part, how));
  // Sorting is stable: within a group the order of submission stays.
  if (how.groupBy === "engine") all.sort((a, b) => a.engine - b.engine);
  if (how.groupBy === "type") all.sort((a, b) => a.kind - b.kind);
  for (const one of all) one.write(sink);
}

function outputsOf(part: RequestHandle, { arity, errors }: HowShown): Shown[] {
  const { engineId, output } = part.record;
  const [id] = [engineId].flat();
  const engine = id ?? -1;
  const shown: Shown[] = [];
  const show = (kind: (typeof KINDS)[number], text: string): void => {
    if (text !== "") shown.push({ kind: KINDS.indexOf(kind), engine, write: (sink) => void sink.write(text) });
  };
  const showRich = (kind: (typeof KINDS)[number], rich: DisplayOutput, before: string): void => {
    shown.push({ kind: KINDS.indexOf(kind), engine, write: (sink) => writeRich(sink, rich, before) });
  };
  const labelled = (kind: (typeof KINDS)[number], text: string): string => {
    if (text === "") return "";
    const body = text.endsWith("\n") ? text : `${text}\n`;
    if (arity === "one") return body;
    const isLong = body.indexOf("\n") < body.length - 1;
    return `[${kind}:${id ?? "?"}] ${isLong ? `\n${body}` : body}`;
  };
  if (output !== undefined) {
    show("stdout", labelled("stdout", output.stdout));
    show("stderr", labelled("stderr", output.stderr));
    for (const display of output.outputs) showRich("output", display, arity === "one" ? "" : `[output:${id ?? "?"}] `);
    const { executeResult } = output;
    if (executeResult !== undefined) showRich("result", executeResult, resultLabel(id ?? null, executeResult.executionCount));
  }
  const error = part.lookAtError();
  if (error !== undefined && errors) show("error", labelled("error", textOf(error)));
  return shown;
}

function textOf(error: Error): string {
  if (!(error instanceof KernelError)) return `${error.name}: ${error.message}`;
  const title = error.evalue === "" ? error.ename : `${error.ename}: ${error.evalue}`;
  return [title, ...error.traceback.slice(1)].join("\n");
}
