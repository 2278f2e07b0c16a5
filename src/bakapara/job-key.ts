// The identity of a job by its content, for resuming: two lines are the same job when they say the same, in whatever order
// of keys. The result does not count.

import { createHash } from "node:crypto";

/** A short key of a job's content. */
export function jobKey(job: Readonly<Record<string, unknown>>): string {
  const { result: _result, ...content } = job;
  return createHash("sha256").update(canonical(content)).digest("base64url").slice(0, 22);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

/** Whether a recorded result means that the job need not be run again: it ran to an end, whatever its code. */
export function isRecordedEnd(result: unknown): boolean {
  return typeof result === "object" && result !== null && typeof (result as { code?: unknown }).code === "number";
}

/** Counts recorded jobs: a job written twice in the input is done twice. */
export class DoneJobs {
  readonly #counts = new Map<string, number>();

  /** Jobs recorded. */
  get size(): number {
    let size = 0;
    for (const count of this.#counts.values()) size += count;
    return size;
  }

  /** A job was found with its end. */
  add(job: Readonly<Record<string, unknown>>): void {
    const key = jobKey(job);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Whether a job is done; each record answers yes once. */
  takes(job: Readonly<Record<string, unknown>>): boolean {
    if (this.#counts.size === 0) return false;
    const key = jobKey(job);
    const count = this.#counts.get(key) ?? 0;
    if (count === 0) return false;
    if (count === 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
    return true;
  }
}
