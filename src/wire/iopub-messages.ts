// Messages of the iopub channel (protocol §8.6): topics, types and contents that an engine publishes.

import type { KernelFailure } from "../base/index.ts";
import { displayContent, type DisplayFacts } from "./kernel-messages.ts";
import type { Dict } from "./message.ts";

/** What an engine is doing, as `status` messages tell. */
export type ExecutionState = "starting" | "busy" | "idle";

/** Name of an output stream. */
export type StreamName = "stdout" | "stderr";

/** Representations of one value, by MIME type: text, or JSON for `application/json` and its kin; images in base64. */
export type MimeBundle = { readonly [mime: string]: unknown };

/** One message to publish: its topic frame as text, type and content. */
export interface IopubMessage {
  readonly topic: string;
  readonly msgType: string;
  readonly content: Dict;
}

const message = (topic: string, msgType: string, content: Dict): IopubMessage => ({ topic, msgType, content });

/** The messages of one engine; topics carry its id. */
export const iopub = {
  status: (engineId: number, state: ExecutionState): IopubMessage => message(`engine.${engineId}.status`, "status", { execution_state: state }),
  executeInput: (engineId: number, code: string, executionCount: number): IopubMessage =>
    message(`engine.${engineId}.execute_input`, "execute_input", { code, execution_count: executionCount }),
  stream: (engineId: number, name: StreamName, text: string): IopubMessage => message(`engine.${engineId}.${name}`, "stream", { name, text }),
  displayData: (engineId: number, data: MimeBundle, facts: DisplayFacts & { readonly isUpdate?: boolean } = {}): IopubMessage =>
    message(`engine.${engineId}.displaypub`, facts.isUpdate === true ? "update_display_data" : "display_data", displayContent(data, facts)),
  clearOutput: (engineId: number, wait: boolean): IopubMessage => message(`engine.${engineId}.clear_output`, "clear_output", { wait }),
  executeResult: (engineId: number, data: MimeBundle, executionCount: number): IopubMessage =>
    message(`engine.${engineId}.execute_result`, "execute_result", { data, metadata: {}, execution_count: executionCount }),
  error: (engineId: number, failure: KernelFailure): IopubMessage =>
    message(`engine.${engineId}.error`, "error", { ename: failure.ename, evalue: failure.evalue, traceback: failure.traceback ?? [] }),
  /** The value itself travels in the buffers. */
  data: (keys: readonly string[]): IopubMessage => message("datapub", "data_message", { keys }),
  shutdown: (engineId: number): IopubMessage => message(`engine.${engineId}.shutdown`, "shutdown_reply", { status: "ok", restart: false }),
};
