// Showing what engines printed and displayed, grouped by engine, in the reference's form.

import type { DisplayOutput, RequestRecord } from "../core/index.ts";

/** Where text goes: a stream, or anything with `write`. */
export interface OutputSink {
  write(text: string): unknown;
}

/** Writes each request's stdout, stderr, displays and value. Several requests are told apart by `[stdout:3]`. */
export function showOutputs(records: readonly RequestRecord[], arity: "one" | "many", sink: OutputSink): void {
  for (const record of records) {
    const { output } = record;
    if (output === undefined) continue;
    const show = (name: string, text: string): void => {
      if (text === "") return;
      const body = text.endsWith("\n") ? text : `${text}\n`;
      sink.write(
        arity === "one"
          ? body
          : `[${name}:${String(record.engineId ?? "?")}] ${body.includes("\n", 0) && body.indexOf("\n") < body.length - 1 ? `\n${body}` : body}`,
      );
    };
    show("stdout", output.stdout);
    show("stderr", output.stderr);
    for (const display of output.outputs) show("output", plainText(display));
    if (output.executeResult !== undefined)
      sink.write(`Out[${String(record.engineId ?? "?")}:${output.executeResult.executionCount ?? "?"}]: ${plainText(output.executeResult)}\n`);
  }
}

function plainText(display: DisplayOutput): string {
  const text = display.data["text/plain"];
  return typeof text === "string" ? text : `<${Object.keys(display.data).join(", ")}>`;
}
