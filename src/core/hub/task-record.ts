// The record of one request in the task store (protocol §5.3). Field names are the wire's, because queries and their
// answers name them. Times are ISO texts with microseconds and `Z`.

import type { Dict, Frame } from "../../wire/index.ts";

/** What the Hub knows of one request. */
export interface TaskRecord {
  readonly msg_id: string;
  readonly header: Dict | null;
  readonly metadata: Dict | null;
  readonly content: Dict | null;
  /** Request buffers; `null` when they were larger than the store keeps. */
  readonly buffers: readonly Frame[] | null;
  readonly submitted: string | null;
  readonly client_uuid: string | null;
  readonly engine_uuid: string | null;
  readonly queue: "mux" | "task" | "broadcast" | null;
  /** Whatever the request's metadata said. */
  readonly label: unknown;
  readonly started: string | null;
  readonly completed: string | null;
  readonly received: string | null;
  /** Message id of the resubmission. */
  readonly resubmitted: string | null;
  readonly result_header: Dict | null;
  readonly result_metadata: Dict | null;
  readonly result_content: Dict | null;
  /** `null` while there is no result, or when it was larger than the store keeps (see `result_metadata`). */
  readonly result_buffers: readonly Frame[] | null;
  readonly execute_input: string | null;
  readonly execute_result: Dict | null;
  readonly error: Dict | null;
  readonly stdout: string;
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
