// What engines put out, piece by piece, while their requests run.

import type { DisplayOutput, OutputChange } from "../core/client/index.ts";
import type { Dict, Message } from "../wire/index.ts";
import type { RequestHandle } from "./request-handle.ts";

/** Where text goes: a stream, or anything with `write`. */
export interface OutputSink {
  /** Takes a piece of text. */
  write(text: string): unknown;
  /** Takes rich output; absent: its plain text is written. */
  display?(data: Dict, metadata: Dict): unknown;
}

/** One piece of an engine's output. */
export interface EngineOutput {
  /** Place of the request in its result, from 0. */
  readonly index: number;
  /** The engine; null when it did not say. */
  readonly engineId: number | null;
  /** Printed, written to standard error, displayed, or the value of a cell. */
  readonly kind: "stdout" | "stderr" | "display" | "result";
  /** What was printed, not always whole lines; of the others their `text/plain`, or their MIME types. */
  readonly text: string;
  /** MIME type to representation; empty for what was printed. */
  readonly data: Dict;
  /** Facts about the representations. */
  readonly metadata: Dict;
  /** Number of the cell whose value it is; else null. */
  readonly executionCount: number | null;
}

/** `Out[3:1]: `, before the value of engine 3's first cell. */
export function resultLabel(engineId: number | null, executionCount: number | null): string {
  return `Out[${engineId ?? "?"}:${executionCount ?? "?"}]: `;
}

/** Writes a label and a rich output: its plain text, or all of it where that can be shown. */
export function writeRich(sink: OutputSink, rich: DisplayOutput, label: string): void {
  const isPlain = Object.keys(rich.data).every((type) => type === "text/plain");
  if (sink.display === undefined || isPlain) {
    const text = plainText(rich);
    const body = text.endsWith("\n") ? text : `${text}\n`;
    // Several lines begin below their label.
    sink.write(`${label}${label !== "" && body.indexOf("\n") < body.length - 1 && !label.startsWith("Out") ? "\n" : ""}${body}`);
    return;
  }
  if (label !== "") sink.write(`${label.trimEnd()}\n`);
  sink.display(rich.data, rich.metadata);
}

/** The plain text of a rich output, or what there is instead. */
function plainText({ data }: Pick<DisplayOutput, "data">): string {
  const text = data["text/plain"];
  return typeof text === "string" ? text : `<${Object.keys(data).join(", ")}>`;
}

/** Calls back for each piece from now on; gives how to stop that. */
export function watchOutput(parts: readonly RequestHandle[], listener: (output: EngineOutput) => void): () => void {
  const stops = parts.map((part, index) =>
    part.onOutput((_, change, message) => {
      const output = pieceOf(change, message);
      const [engineId = null] = [part.record.engineId].flat();
      if (output !== undefined) listener({ index, engineId, ...output });
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

function pieceOf(change: OutputChange, { content }: Message): Omit<EngineOutput, "index" | "engineId"> | undefined {
  const none = { data: {}, metadata: {}, executionCount: null };
  if (change === "stdout" || change === "stderr") return { ...none, kind: change, text: String(content["text"]) };
  if (change !== "display" && change !== "result") return undefined;
  const [data, metadata, count] = [content["data"] as Dict | undefined, content["metadata"] as Dict | undefined, content["execution_count"]];
  const rich = { data: data ?? {}, metadata: metadata ?? {} };
  return { ...rich, kind: change, text: plainText(rich), executionCount: change === "result" && typeof count === "number" ? count : null };
}
