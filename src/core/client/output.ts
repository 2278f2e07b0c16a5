// What iopub messages do to a request's output (protocol §10.7). Output is bounded: user code in a loop may print more
// than a client can hold, and the end of a text is what its reader needs least to lose last.

import { readErrorContent, isDict, type Dict, type Message } from "../../wire/index.ts";
import type { DisplayOutput, RequestOutput, RequestRecord } from "./request-record.ts";

/** Characters kept of each of stdout and stderr; what comes later is dropped and said so. */
export const STREAM_CHARS_MAX: number = 16 * 1024 * 1024;
/** Display outputs kept for one request. */
export const DISPLAYS_MAX = 10_000;

const CUT_NOTE = "\n[output cut here: more than the client keeps]\n";

/** What a message did to the output. */
export type OutputChange = "stdout" | "stderr" | "display" | "result" | "error" | "input" | "data" | "busy" | "idle" | "nothing";

/** Applies one iopub message to a request's record. `idle` is only reported; the machine decides what it ends. */
export function applyOutput(record: RequestRecord, message: Message): OutputChange {
  const { content } = message;
  switch (message.header.msg_type) {
    case "status":
      return content["execution_state"] === "idle" ? "idle" : "busy";
    case "stream":
      return applyStream(outputOf(record), content);
    case "display_data":
    case "update_display_data":
      return applyDisplay(outputOf(record), content);
    case "execute_result": {
      const count = content["execution_count"];
      outputOf(record).executeResult = { ...displayOf(content), executionCount: typeof count === "number" ? count : null };
      return "result";
    }
    case "execute_input":
      outputOf(record).executeInput = typeof content["code"] === "string" ? content["code"] : "";
      return "input";
    case "error":
      outputOf(record).error = readErrorContent(content);
      return "error";
    case "data_message":
      return "data";
    default:
      return "nothing";
  }
}

/** The record's output, made when first needed: most requests print nothing. */
export function outputOf(record: RequestRecord): RequestOutput {
  record.output ??= { stdout: "", stderr: "", outputs: [], executeInput: undefined, executeResult: undefined, error: undefined, data: undefined };
  return record.output;
}

function applyStream(output: RequestOutput, content: Dict): OutputChange {
  const text = content["text"];
  const name = content["name"];
  if (typeof text !== "string" || (name !== "stdout" && name !== "stderr")) return "nothing";
  const before = output[name];
  if (before.length >= STREAM_CHARS_MAX) return "nothing";
  const room = STREAM_CHARS_MAX - before.length;
  const next = text.length <= room ? text : `${text.slice(0, room)}${CUT_NOTE}`;
  output[name] = next.includes("\r") ? overwriteLines(before, next) : before + next;
  return name;
}

/** Appends a text whose carriage returns go back to the start of the line, as on a terminal. */
export function overwriteLines(before: string, text: string): string {
  const lineStart = before.lastIndexOf("\n") + 1;
  const lines = (before.slice(lineStart) + text).replaceAll("\r\n", "\n").split("\n");
  return before.slice(0, lineStart) + lines.map(overwriteLine).join("\n");
}

function overwriteLine(line: string): string {
  // A return at the very end is kept: what it overwrites has not come yet.
  const isOpen = line.endsWith("\r");
  const parts = (isOpen ? line.slice(0, -1) : line).split("\r");
  let shown = "";
  for (const part of parts) shown = part + shown.slice(part.length);
  return isOpen ? `${shown}\r` : shown;
}

function applyDisplay(output: RequestOutput, content: Dict): OutputChange {
  if (output.outputs.length >= DISPLAYS_MAX) return "nothing";
  output.outputs.push(displayOf(content));
  return "display";
}

function displayOf(content: Dict): DisplayOutput {
  return { data: isDict(content["data"]) ? content["data"] : {}, metadata: isDict(content["metadata"]) ? content["metadata"] : {} };
}
