// Messages that a notebook's kernel reads and writes besides those of an engine: Jupyter's messaging specification 5.3.
// Contents are read defensively; nonsense becomes a default, never an exception.

import { VERSION } from "../base/index.ts";
import { isDict, type Dict } from "./message.ts";

/** A place in code: positions on the wire count code points. */
export interface CodePosition {
  readonly code: string;
  /** In code points, from 0. */
  readonly cursor: number;
}

/** Reads `complete_request` and `inspect_request`; without a position the end of the code is meant. */
export function readCodePosition(content: Dict): CodePosition {
  const code = readCode(content);
  const { cursor_pos: cursor } = content;
  return { code, cursor: typeof cursor === "number" && cursor >= 0 ? Math.floor(cursor) : Number.POSITIVE_INFINITY };
}

/** How much `inspect_request` wants: 0, or 1 for everything. */
export function readDetailLevel(content: Dict): 0 | 1 {
  return content["detail_level"] === 1 ? 1 : 0;
}

/** The code of a request. */
export function readCode(content: Dict): string {
  const { code } = content;
  return typeof code === "string" ? code : "";
}

/** What of the history is wanted. */
export type HistoryQuery = { readonly wantsOutput: boolean } & (
  | { readonly type: "tail"; readonly n: number }
  /** `session` 0 is this one, a negative one so many before; `stop` is behind the last, `undefined` for all. */
  | { readonly type: "range"; readonly session: number; readonly start: number; readonly stop: number | undefined }
  /** `pattern` with `*` and `?`; the last `n`, or all. */
  | { readonly type: "search"; readonly pattern: string; readonly isUnique: boolean; readonly n: number | undefined }
);

/** Reads `history_request`. */
export function readHistoryRequest(content: Dict): HistoryQuery {
  const { hist_access_type: type, output, n, session, start, stop, pattern, unique } = content;
  const wantsOutput = output === true;
  const count = (value: unknown): number | undefined => (typeof value === "number" && value >= 0 ? Math.floor(value) : undefined);
  if (type === "range")
    return { type, wantsOutput, session: typeof session === "number" ? Math.trunc(session) : 0, start: count(start) ?? 0, stop: count(stop) };
  if (type === "search") return { type, wantsOutput, pattern: typeof pattern === "string" ? pattern : "*", isUnique: unique === true, n: count(n) };
  return { type: "tail", wantsOutput, n: count(n) ?? 10 };
}

/** Whether the front end of an `execute_request` can ask its user. */
export function allowsStdin(content: Dict): boolean {
  return content["allow_stdin"] === true;
}

/** The answer in an `input_reply`. */
export function readInputReply(content: Dict): string {
  const { value } = content;
  return typeof value === "string" ? value : "";
}

/** Whether a `shutdown_request` is the first half of a restart. */
export function readRestart(content: Dict): boolean {
  return content["restart"] === true;
}

/** Content of a notebook kernel's `kernel_info_reply`. */
export function notebookKernelInfo(nodeVersion: string): Dict {
  return {
    status: "ok",
    protocol_version: "5.3",
    implementation: "tsparallel",
    implementation_version: VERSION,
    language_info: {
      name: "typescript",
      version: nodeVersion,
      mimetype: "text/typescript",
      file_extension: ".ts",
      pygments_lexer: "typescript",
      codemirror_mode: "typescript",
      nbconvert_exporter: "script",
    },
    banner: `TypeScript on Node ${nodeVersion}, by tsparallel ${VERSION}`,
    debugger: false,
    help_links: [{ text: "TypeScript", url: "https://www.typescriptlang.org/docs/" }],
    supported_features: [],
  };
}

/** How a display is named and described. */
export interface DisplayFacts {
  /** Name under which it can be updated. */
  readonly displayId?: string | undefined;
  /** For the front end, by MIME type. */
  readonly metadata?: Dict | undefined;
}

/** Content of `display_data` and `update_display_data`. */
export function displayContent(data: Dict, { displayId, metadata }: DisplayFacts = {}): Dict {
  return { data, metadata: isDict(metadata) ? metadata : {}, transient: displayId === undefined ? {} : { display_id: displayId } };
}
