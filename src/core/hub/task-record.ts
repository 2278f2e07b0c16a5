// The record of one request in the task store (protocol §5.3). Field names are the wire's, because queries and their
// answers name them. Times are ISO texts with microseconds and `Z`.

import type { Dict, Frame } from "../../wire/index.ts";

/** What the Hub knows of one request. */
export interface TaskRecord {
  /** Message id of the request. */
  readonly msg_id: string;
  /** Header of the request, with `username`, `session` and `date`. */
  readonly header: Dict | null;
  /** What its view asked of the scheduler. */
  readonly metadata: Dict | null;
  /** The request itself: code of an `execute`. */
  readonly content: Dict | null;
  /** Request buffers; `null` when they were larger than the store keeps. */
  readonly buffers: readonly Frame[] | null;
  /** When the controller had it. */
  readonly submitted: string | null;
  /** Session of the client. */
  readonly client_uuid: string | null;
  /** Identity of the engine that has or had it. */
  readonly engine_uuid: string | null;
  /** `mux`: a direct view; `task`: a load-balanced one; `broadcast`. */
  readonly queue: "mux" | "task" | "broadcast" | null;
  /** Whatever the request's metadata said. */
  readonly label: unknown;
  /** When the engine began. */
  readonly started: string | null;
  /** When the engine was done; `null` while it is not. */
  readonly completed: string | null;
  /** When the controller had the reply. */
  readonly received: string | null;
  /** Message id of the resubmission. */
  readonly resubmitted: string | null;
  /** Header of the reply. */
  readonly result_header: Dict | null;
  /** Metadata of the reply. */
  readonly result_metadata: Dict | null;
  /** Content of the reply: its status, and the error if it failed. */
  readonly result_content: Dict | null;
  /** `null` while there is no result, or when it was larger than the store keeps (see `result_metadata`). */
  readonly result_buffers: readonly Frame[] | null;
  /** Code as the engine published it. */
  readonly execute_input: string | null;
  /** Value of an `execute`, as published. */
  readonly execute_result: Dict | null;
  /** Error, as published. */
  readonly error: Dict | null;
  /** What it printed. */
  readonly stdout: string;
  /** What it wrote to standard error. */
  readonly stderr: string;
}

/** A change of some fields of one record. */
export type TaskRecordPatch = Partial<Omit<TaskRecord, "msg_id">>;

/** All fields but the two buffer lists, in the reference's order. */
export const TASK_RECORD_FIELDS: readonly (keyof TaskRecord)[] = [
  "msg_id",
  "header",
  "metadata",
  "content",
  "submitted",
  "client_uuid",
  "engine_uuid",
  "started",
  "completed",
  "resubmitted",
  "received",
  "result_header",
  "result_metadata",
  "result_content",
  "queue",
  "execute_input",
  "execute_result",
  "error",
  "stdout",
  "stderr",
  "label",
];

/** A record of which nothing but the id is known, as when output arrives before its request. */
export function emptyTaskRecord(msgId: string): TaskRecord {
  return {
    msg_id: msgId,
    header: null,
    metadata: null,
    content: null,
    buffers: [],
    submitted: null,
    client_uuid: null,
    engine_uuid: null,
    queue: null,
    label: null,
    started: null,
    completed: null,
    received: null,
    resubmitted: null,
    result_header: null,
    result_metadata: null,
    result_content: null,
    result_buffers: null,
    execute_input: null,
    execute_result: null,
    error: null,
    stdout: "",
    stderr: "",
  };
}
