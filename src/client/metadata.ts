// What is known of a finished or running request (protocol §10.4), in camelCase.

import { isoMicros, parseIsoDate, type KernelFailure } from "../base/index.ts";
import type { DisplayOutput, PartTimes, RequestRecord } from "../core/client/index.ts";

/** Facts of one request. Times are ISO 8601 texts with microseconds and `Z`; `new Date(text)` reads them. */
export interface RequestMetadata {
  readonly msgId: string;
  readonly submitted: string;
  /** When the engine began; `undefined` until the reply is there. */
  readonly started: string | undefined;
  /** When the engine was done. */
  readonly completed: string | undefined;
  /** When this client had the reply. */
  readonly received: string | undefined;
  /** Engine that ran it; a list for a coalesced broadcast. */
  readonly engineUuid: string | readonly string[] | undefined;
  readonly engineId: number | null | readonly (number | null)[];
  readonly follow: readonly string[];
  readonly after: readonly string[];
  /** `ok`, `error` or `aborted`; `undefined` while pending. */
  readonly status: string | undefined;
  readonly executeInput: string | undefined;
  readonly executeResult: (DisplayOutput & { readonly executionCount: number | null }) | undefined;
  /** Error as published by the engine, possibly of an attempt that was retried. */
  readonly error: KernelFailure | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: readonly DisplayOutput[];
  /** Data published by the task. */
  readonly data: unknown;
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
