// How users name requests.

/** Things with message ids: an id, a result, or several. Where things are purged, the text `all` means all. */
export type Jobs = string | { readonly msgIds: readonly string[] } | readonly (string | { readonly msgIds: readonly string[] })[];

/** The message ids of jobs. */
export function readJobs(jobs: Jobs): string[] {
  if (typeof jobs === "string") return [jobs];
  if ("msgIds" in jobs) return [...jobs.msgIds];
  return jobs.flatMap((job) => (typeof job === "string" ? [job] : job.msgIds));
}
