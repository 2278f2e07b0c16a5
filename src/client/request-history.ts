// What a client knows of its own requests: the outstanding ones and the last that have ended. Users name requests by what
// stands here.

import { InvalidArgumentError } from "../base/index.ts";
import { DEFAULT_RECENT, RecentRequests } from "../core/client/index.ts";
import type { ClientLink } from "./client-link.ts";
import { readJobs, type Jobs } from "./jobs.ts";
import { metadataOf, type RequestMetadata } from "./metadata.ts";
import type { RequestHandle } from "./request-handle.ts";

/** The requests of one client. */
export class RequestHistory {
  readonly #link: ClientLink;
  readonly #recent = new RecentRequests<RequestHandle>(DEFAULT_RECENT);
  /** Those that this client has had submitted again, until their results are there. */
  readonly #resubmitted = new Map<string, RequestHandle>();

  constructor(link: ClientLink) {
    this.#link = link;
    link.events.on("settled", (handle) => this.#recent.remember(handle.record.msgId, handle, handle.record.bytes));
  }

  /** Ids of the last finished requests, oldest first. */
  get finished(): readonly string[] {
    return this.#recent.ids;
  }

  /** Values of the last finished requests that went well, by id. */
  get results(): ReadonlyMap<string, unknown> {
    return new Map(this.#remembered().flatMap((handle) => (handle.state === "ok" ? [[handle.record.msgId, handle.value] as const] : [])));
  }

  /** Facts of the outstanding and of the last finished requests, by id. */
  get metadata(): ReadonlyMap<string, RequestMetadata> {
    const records = [...this.#remembered().map((handle) => handle.record), ...this.#link.outstanding.values()];
    return new Map(records.map((record) => [record.msgId, metadataOf(record)] as const));
  }

  /** A request, outstanding or finished, if this client still has it. */
  find(id: string): RequestHandle | undefined {
    return this.#link.outstanding.get(id)?.token ?? this.#recent.get(id) ?? this.#resubmitted.get(id);
  }

  /** The controller has submitted a request once more for this client. */
  resubmitted(handle: RequestHandle): void {
    const id = handle.record.msgId;
    this.#resubmitted.set(id, handle);
    handle.onSettled(() => this.#resubmitted.delete(id));
  }

  /** Requests of this client by id. @throws InvalidArgumentError for an id that is none */
  ownOf(ids: readonly string[]): RequestHandle[] {
    return ids.map((id) => {
      const handle = this.find(id);
      if (handle !== undefined) return handle;
      throw new InvalidArgumentError(
        `there is no request ${id} of this client, or it has ended long ago; a request is cancelled by the client that has submitted it`,
      );
    });
  }

  /** Whether a request is known to have ended. */
  hasEnded(id: string): boolean {
    return !this.#link.outstanding.has(id) && this.#recent.get(id) !== undefined;
  }

  /** What is outstanding of these requests, default all. */
  outstandingOf(jobs: Jobs | undefined): RequestHandle[] {
    const ids = jobs === undefined ? this.#link.outstanding.keys() : this.idsOf(jobs);
    return [...ids].flatMap((id) => this.#link.outstanding.get(id)?.token ?? []);
  }

  /** Message ids of jobs; a number counts the requests in the order of submission, from the last when negative. */
  idsOf(jobs: Jobs): string[] {
    return readJobs(jobs, (index) => {
      const all = [...this.#remembered().map((handle) => handle.record), ...this.#link.outstanding.values()];
      return all.sort((a, b) => (a.submitted < b.submitted ? -1 : a.submitted > b.submitted ? 1 : 0)).at(index)?.msgId;
    });
  }

  /** Forgets finished requests: these, or all, and all of these engines. */
  forget(jobs: Jobs, engineIds: readonly number[]): void {
    if (jobs === "all") return this.#recent.clear();
    for (const id of this.idsOf(jobs)) this.#recent.forget(id);
    for (const { record } of this.#remembered()) if (engineIds.includes(record.engineId as number)) this.#recent.forget(record.msgId);
  }

  #remembered(): RequestHandle[] {
    return this.#recent.ids.flatMap((id) => this.#recent.get(id) ?? []);
  }
}
