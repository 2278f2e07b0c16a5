// From what an engine says of a job to the result a user reads.

import { EngineError, isoMicros, KernelError, millis } from "../base/index.ts";
import type { RequestMetadata } from "../client/index.ts";
import type { JobOutcome } from "../jobs/index.ts";
import { formatElapsed, type JobResult } from "./job.ts";

/** What is known of one attempt besides its outcome. */
export interface AttemptFacts {
  readonly metadata: RequestMetadata;
  readonly attempt: number;
  readonly engineId: number | null;
  readonly host: string | null;
}

/** Result of an attempt that an engine reported. */
export function reportedResult(outcome: JobOutcome, facts: AttemptFacts): JobResult {
  const error = outcome.error ?? (outcome.aborted ? STOPPED : undefined);
  return {
    ...common(facts),
    code: error === undefined ? outcome.code : null,
    started: isoMicros(millis(outcome.startedAt)),
    completed: isoMicros(millis(outcome.completedAt)),
    elapsed: formatElapsed(outcome.elapsedMs),
    status: error === undefined ? "ok" : "error",
    signal: outcome.signal,
    timed_out: outcome.timedOut,
    max_rss: outcome.maxRssKb,
    ...(error === undefined ? {} : { error }),
  };
}

/** Result of an attempt that ended with an error of the cluster: the engine died, the request was aborted. */
export function failedResult(failure: unknown, facts: AttemptFacts, isStopped: boolean): JobResult {
  const error = failure instanceof Error ? failure : new Error(String(failure));
  const pyerr = error instanceof KernelError ? { ename: error.ename, evalue: error.evalue, traceback: error.traceback } : null;
  return { ...common(facts), pyerr, error: isStopped ? STOPPED : sentenceOf(error, facts) };
}

/** A dead engine is told by what people know it by; the cluster's own words stand in `pyerr`. */
function sentenceOf(error: Error, { engineId, host }: AttemptFacts): string {
  if (!(error instanceof EngineError)) return error.message;
  return `the engine that had the job died${engineId === null ? "" : ` (engine ${engineId}${host === null ? "" : ` on ${host}`})`}; with \`retries\` it runs again on another`;
}

const STOPPED = "the job was stopped before its end";

function common({ metadata, attempt, engineId, host }: AttemptFacts): JobResult {
  return {
    code: null,
    submitted: metadata.submitted,
    started: metadata.started ?? null,
    completed: metadata.completed ?? null,
    received: metadata.received ?? isoMicros(millis(Date.now())),
    elapsed: null,
    engine_id: engineId,
    host,
    pyerr: null,
    pyout: null,
    status: "error",
    msg_id: metadata.msgId,
    signal: null,
    attempt,
    timed_out: false,
    max_rss: null,
  };
}
