// Requests that run no cell: what the kernel is, completion, inspection, history.

import { checkCell } from "../execution/index.ts";
import { notebookKernelInfo, readCode, readCodePosition, readDetailLevel, readHistoryRequest, type Dict, type Message } from "../wire/index.ts";
import { toCodePoints, toIndex } from "./code-points.ts";
import { complete } from "./completion.ts";
import { completenessOf } from "./completeness.ts";
import type { History } from "./history.ts";
import { inspectAt } from "./inspection.ts";

/** Content of the reply; `undefined` for types that have none. */
export async function answerPlain({ header, content }: Message, history: History): Promise<Dict | undefined> {
  switch (header.msg_type) {
    case "kernel_info_request":
      return notebookKernelInfo(process.versions.node);
    case "is_complete_request":
      return { ...(await completenessOf(readCode(content), checkCell)) };
    case "complete_request":
      return completion(content);
    case "inspect_request":
      return inspection(content);
    case "history_request":
      return { status: "ok", history: history.query(readHistoryRequest(content)) };
    case "comm_info_request":
      return { status: "ok", comms: {} };
    case "shutdown_request":
      return { status: "ok", restart: content["restart"] === true };
    default:
      return undefined; // Of comms, and types we do not know.
  }
}

function completion(content: Dict): Dict {
  const { code, cursor } = readCodePosition(content);
  const found = complete(code, toIndex(code, cursor));
  const start = toCodePoints(code, found.start);
  const end = toCodePoints(code, found.end);
  const types = found.matches.map(({ text, type }) => ({ start, end, text, type }));
  return {
    status: "ok",
    matches: found.matches.map(({ text }) => text),
    cursor_start: start,
    cursor_end: end,
    metadata: { _jupyter_types_experimental: types },
  };
}

function inspection(content: Dict): Dict {
  const { code, cursor } = readCodePosition(content);
  const text = inspectAt(code, toIndex(code, cursor), readDetailLevel(content));
  return { status: "ok", found: text !== undefined, data: text === undefined ? {} : { "text/plain": text }, metadata: {} };
}
