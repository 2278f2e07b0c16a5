// A request's result as the Hub's task store has it: the reply as a message, and the output.

import { outputOf, type RequestRecord } from "../core/client/index.ts";
import { isDict, isHeader, readErrorContent, type Dict, type Message } from "../wire/index.ts";

/** The reply, but for its buffers. */
export function replyOf(found: Dict): Message {
  const header = found["result_header"];
  const dict = (name: string): Dict => (isDict(found[name]) ? (found[name] as Dict) : {});
  const fallback = { msg_id: "", msg_type: "apply_reply", username: "", session: "", date: "", version: "5.3" };
  return {
    idents: [],
    header: isHeader(header) ? header : fallback,
    parentHeader: dict("header"),
    metadata: dict("result_metadata"),
    content: dict("result_content"),
    buffers: [],
  };
}

/** Takes the stored output into a record. */
export function noteStoredOutput(record: RequestRecord, io: unknown): void {
  if (!isDict(io)) return;
  const output = outputOf(record);
  if (typeof io["stdout"] === "string") output.stdout = io["stdout"];
  if (typeof io["stderr"] === "string") output.stderr = io["stderr"];
  if (typeof io["execute_input"] === "string") output.executeInput = io["execute_input"];
  if (isDict(io["error"])) output.error = readErrorContent(io["error"]);
  const result = io["execute_result"];
  if (!isDict(result)) return;
  const count = result["execution_count"];
  output.executeResult = {
    data: isDict(result["data"]) ? result["data"] : {},
    metadata: isDict(result["metadata"]) ? result["metadata"] : {},
    executionCount: typeof count === "number" ? count : null,
  };
}
