// What is known of a finished or running request (protocol §10.4), in camelCase.

import { isoMicros, parseIsoDate, type KernelFailure } from "../base/index.ts";
import type { DisplayOutput, PartTimes, RequestRecord } from "../core/client/index.ts";

/** Facts of one request. Times are ISO 8601 texts with microseconds and `Z`; `new Date(text)` reads them. */
export interface RequestMetadata {
  /** Its message id. */
  readonly msgId: string;
  /** When this client submitted it. */
  readonly submitted: string;
  /** When the engine began; `undefined` until the reply is there. */
  readonly started: string | undefined;
  /** When the engine was done. */
  readonly completed: string | undefined;
  /** When this client had the reply. */
  readonly received: string | undefined;
  /** Engine that ran it; a list for a coalesced broadcast. */
  readonly engineUuid: string | readonly string[] | undefined;
  /** Id of that engine; `null` until it is known, a list for a coalesced broadcast. */
  readonly engineId: number | null | readonly (number | null)[];
  /** Message ids of the tasks beside which it had to run. */
  readonly follow: readonly string[];
  /** Message ids of the tasks for which it had to wait. */
  readonly after: readonly string[];
  /** `ok`, `error` or `aborted`; `undefined` while pending. */
  readonly status: string | undefined;
  /** The code of an `execute`, as the engine published it. */
  readonly executeInput: string | undefined;
  /** The value of an `execute` that was not silent. */
  readonly executeResult: (DisplayOutput & { readonly executionCount: number | null }) | undefined;
  /** Error as published by the engine, possibly of an attempt that was retried. */
  readonly error: KernelFailure | undefined;
  /** What it has printed so far. */
  readonly stdout: string;
  /** What it has written to standard error so far. */
  readonly stderr: string;
  /** What it has displayed so far. */
  readonly outputs: readonly DisplayOutput[];
  /** Data published by the task. */
  readonly data: unknown;
  /** The label of its view. */
  readonly label: unknown;
}

/** A snapshot of a record. */
export function metadataOf(record: RequestRecord): RequestMetadata {
  const { output } = record;
  return {
    msgId: record.msgId,
    submitted: record.submitted,
    started: record.started,
    completed: record.completed,
    received: record.received === undefined ? undefined : isoMicros(record.received),
    engineUuid: record.engineUuid,
    engineId: record.engineId,
    follow: record.follow,
    after: record.after,
    status: record.status,
    executeInput: output?.executeInput,
    executeResult: output?.executeResult,
    error: output?.error,
    stdout: output?.stdout ?? "",
    stderr: output?.stderr ?? "",
    outputs: output?.outputs ?? [],
    data: output?.data ?? {},
    label: record.label,
  };
}

/** A record's times as numbers. */
export function timesOf(record: RequestRecord): PartTimes {
  const read = (text: string | undefined): number | undefined => (text === undefined ? undefined : parseIsoDate(text));
  return { submitted: read(record.submitted), started: read(record.started), completed: read(record.completed), received: record.received };
}
