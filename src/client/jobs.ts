// How users name requests.

import { InvalidArgumentError } from "../base/index.ts";

/**
 * Requests: message ids, results, or indexes into the requests of this client, from the last when negative; one or several.
 * Where things are purged, the text `all` means all.
 */
export type Jobs = string | number | { readonly msgIds: readonly string[] } | readonly (string | number | { readonly msgIds: readonly string[] })[];

/** The message ids of jobs. */
export function readJobs(jobs: Jobs, idAt: (index: number) => string | undefined): string[] {
  const all: readonly unknown[] = Array.isArray(jobs) ? jobs : [jobs];
  return all.flatMap((job) => readJob(job, idAt));
}

function readJob(job: unknown, idAt: (index: number) => string | undefined): readonly string[] {
  if (typeof job === "string") return [job];
  if (typeof job === "number") {
    const id = idAt(job);
    if (id === undefined) throw new InvalidArgumentError(`there is no request at index ${job} of this client's history`);
    return [id];
  }
  const ids: unknown = typeof job === "object" && job !== null ? (job as { readonly msgIds?: unknown }).msgIds : undefined;
  if (Array.isArray(ids) && ids.every((id) => typeof id === "string")) return ids;
  throw new InvalidArgumentError(`a request is named by its message id, its result or its index, and not by ${typeof job}`);
}
