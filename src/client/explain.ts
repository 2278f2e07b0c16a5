// Asking why requests are not running. This client knows its own requests, the controller's scheduler those it holds, and
// the Hub the rest: whose turn it is at an engine, and what has ended, also of other clients.

import { setTimeout as sleep } from "node:timers/promises";
import { ControllerLostError, NoData, parseIsoDate, type EngineUuid } from "../base/index.ts";
import { resolveTargets, type RequestRecord } from "../core/client/index.ts";
import { isDict, type Dict } from "../wire/index.ts";
import { askController } from "./cancel.ts";
import type { ClientLink } from "./client-link.ts";
import { Explanation, type AwaitedTask, type EngineName, type ExplanationAttempts, type ExplanationFacts, type ExplanationState } from "./explanation.ts";
import { dbQuery, HUB_TIMEOUT_MS, queueStatus, type StoredRecord, type VerboseQueueStatus } from "./hub-queries.ts";
import type { RequestHandle } from "./request-handle.ts";
import type { WaitOptions } from "./wait-for.ts";

/** Tasks that the controller tells of at a time, with the moment of their last step. */
const ASKED_MAX = 20;
/** How often and at what intervals a task is asked for that is on its way. */
const OWN_ATTEMPTS = 5;
const OWN_PAUSE_MS = 20;
/** Fields of a stored record that an explanation is made of. */
const STORED_FIELDS = ["msg_id", "queue", "engine_uuid", "completed", "result_content"];
/** States of the scheduler's tasks, for those who wait for them. */
const STATE_OF: Readonly<Record<string, ExplanationState>> = { running: "running", stranded: "running", finished: "done", unknown: "unknown" };

type Facts = Omit<ExplanationFacts, "msgId">;
const UNKNOWN: Facts = { state: "unknown", reason: "unknown" };
const ON_ITS_WAY: Facts = { state: "waiting", reason: "onItsWay" };

/** Explains requests, in the order of the ids. */
export async function explainRequests(
  link: ClientLink,
  find: (id: string) => RequestHandle | undefined,
  ids: readonly string[],
  options: WaitOptions,
): Promise<Explanation[]> {
  const inquiry = new Inquiry(link, { ...options, timeoutMs: options.timeoutMs ?? HUB_TIMEOUT_MS });
  const explanations: Explanation[] = [];
  for (const id of ids) explanations.push(new Explanation({ msgId: id, ...(await inquiry.explain(id, find(id))) }));
  return explanations;
}

class Inquiry {
  readonly #link: ClientLink;
  readonly #options: WaitOptions;
  /** Asked once for all requests. */
  #queues: Promise<VerboseQueueStatus> | undefined;

  constructor(link: ClientLink, options: WaitOptions) {
    this.#link = link;
    this.#options = options;
  }

  async explain(id: string, handle: RequestHandle | undefined): Promise<Facts> {
    if (handle !== undefined && handle.state !== "pending") return this.#ended(handle);
    if (handle?.record.state === "waiting" && this.#link.outstanding.has(id)) return { state: "waiting", reason: "window" };
    try {
      return handle === undefined ? await this.#task(id) : await this.#own(id, handle);
    } catch (error) {
      // It may be asked again when the controller is back: until then, that is the reason.
      if (error instanceof ControllerLostError && handle !== undefined) return { state: "waiting", reason: "controllerLost" };
      throw error;
    }
  }

  #ended({ state, record, error }: RequestHandle): Facts {
    const engines = [record.engineUuid ?? []].flat().map((uuid) => this.#nameOf(uuid));
    const since = dateOf(record.completed) ?? (record.received === undefined ? undefined : new Date(record.received));
    return state === "ok"
      ? { state: "done", reason: "succeeded", engines, since }
      : { state: "done", reason: "failed", engines, since, failure: error === undefined ? undefined : `${error.name}: ${firstLine(error)}` };
  }

  /** A direct request, or a broadcast. */
  async #sentTo({ msgId, channel, targets }: Pick<RequestRecord, "msgId" | "channel" | "targets">): Promise<Facts> {
    const engines = targets.slice(0, ASKED_MAX).map((uuid) => this.#nameOf(uuid));
    const [engine] = engines;
    if (channel === "mux" && engine !== undefined) return this.#atEngine(msgId, engine);
    return { state: "running", reason: "enginesHaveIt", engines, engineCount: targets.length };
  }

  /** Requests of one engine run in the order in which they came; tasks that it has as well were sent one by one between them. */
  async #atEngine(id: string, engine: EngineName): Promise<Facts> {
    const queue = typeof engine === "number" ? (await this.#queueStatus())[engine]?.queue : undefined;
    const ahead = queue?.indexOf(id) ?? 0;
    if (ahead < 0) return ON_ITS_WAY;
    return ahead > 0 ? { state: "queued", reason: "engineBusy", engines: [engine], ahead } : { state: "running", reason: "engineHasIt", engines: [engine] };
  }

  #queueStatus(): Promise<VerboseQueueStatus> {
    this.#queues ??= queueStatus(this.#link, null, true, this.#options) as Promise<VerboseQueueStatus>;
    return this.#queues;
  }

  /** Questions go another way than requests, and may overtake them: so one that nobody knows yet is asked for again. */
  async #own(id: string, handle: RequestHandle): Promise<Facts> {
    const isTask = handle.record.channel === "task";
    for (let attempt = 1; ; attempt += 1) {
      const facts = isTask ? await this.#task(id) : await this.#sentTo(handle.record);
      if (handle.state !== "pending") return this.#ended(handle);
      // Of a task the Hub may have heard meanwhile, which says nothing about where it is.
      const isKnown = facts.state !== "unknown" && facts.reason !== "onItsWay" && (!isTask || facts.reason !== "enginesHaveIt");
      if (isKnown) return facts;
      if (attempt === OWN_ATTEMPTS) return ON_ITS_WAY;
      await sleep(OWN_PAUSE_MS, undefined, { signal: this.#options.signal });
      this.#queues = undefined;
    }
  }

  /** A task, or a request of which this client knows nothing. */
  async #task(id: string): Promise<Facts> {
    if (!this.#link.controllerAnswers) return (await this.#assigned(id)) ?? this.#stored(id);
    const found = (await askController(this.#link, "explain_request", [id], this.#options))[id];
    if (!isDict(found) || found["state"] === "unknown" || found["state"] === "finished") return this.#stored(id);
    const since = typeof found["since"] === "number" ? new Date(found["since"]) : undefined;
    return { ...(await this.#live(found)), since, attempts: this.#attempts(found["attempts"]) };
  }

  async #live(found: Dict): Promise<Facts> {
    const engine = typeof found["engine"] === "string" ? [this.#nameOf(found["engine"])] : [];
    switch (found["state"]) {
      case "running": {
        const ahead = Number(found["ahead"]);
        return ahead > 0 ? { state: "queued", reason: "engineBusy", engines: engine, ahead } : { state: "running", reason: "engineHasIt", engines: engine };
      }
      case "stranded":
        return { state: "running", reason: "engineLeft", engines: engine };
      case "resolving":
        return { state: "waiting", reason: "lookup", ...(await this.#awaited(found["lookedUp"])) };
      case "blocked":
        return { state: "waiting", reason: "dependency", ...(await this.#awaited(found["unfinished"])) };
      default:
        return this.#waiting(found);
    }
  }

  async #waiting(found: Dict): Promise<Facts> {
    switch (found["reason"]) {
      case "noEngines":
        return { state: "waiting", reason: "noEngines" };
      case "allBusy":
        return { state: "waiting", reason: "enginesFull", ...this.#enginesOf(found["engines"]), hwm: Number(found["hwm"]) };
      case "allDraining":
        return { state: "waiting", reason: "enginesLeaving", ...this.#enginesOf(found["engines"]) };
      case "allShunned":
        return { state: "waiting", reason: "enginesRefuse", ...this.#enginesOf(found["shunned"]) };
      case "followUnfinished":
        return { state: "waiting", reason: "follow", ...(await this.#awaited(found["unfinished"])) };
      default:
        return UNKNOWN;
    }
  }

  /** Tasks that are waited for, and how these stand. */
  async #awaited(listed: unknown): Promise<{ readonly waitsFor: readonly AwaitedTask[]; readonly waitsForCount: number }> {
    const { first, count } = readListed(listed);
    const found = first.length === 0 ? {} : await askController(this.#link, "explain_request", first.slice(0, ASKED_MAX), this.#options);
    const waitsFor = first.map((msgId) => {
      const one = found[msgId];
      const state = isDict(one) ? String(one["state"]) : "unknown";
      return { msgId, state: STATE_OF[state] ?? ("waiting" as const) };
    });
    return { waitsFor, waitsForCount: count };
  }

  #enginesOf(listed: unknown): { readonly engines: readonly EngineName[]; readonly engineCount: number } {
    const { first, count } = readListed(listed);
    const names = first.map((uuid) => this.#nameOf(uuid));
    const isId = (name: EngineName): name is number => typeof name === "number";
    return { engines: [...names.filter(isId).sort((one, other) => one - other), ...names.filter((name) => !isId(name))], engineCount: count };
  }

  #attempts(found: unknown): ExplanationAttempts | undefined {
    if (!isDict(found)) return undefined;
    return {
      retried: Number(found["retried"]),
      retriesLeft: Number(found["retriesLeft"]),
      failedOn: this.#enginesOf(found["failedOn"]).engines,
      declinedBy: this.#enginesOf(found["declinedBy"]).engines,
    };
  }

  /** Where the Hub of Python's controller sees a task. */
  async #assigned(id: string): Promise<Facts | undefined> {
    const queues = await this.#queueStatus();
    if (queues.unassigned.includes(id)) return { state: "waiting", reason: "unassigned" };
    const engine = resolveTargets(this.#link.directory.engines, "all").find((one) => queues[one.id]?.tasks.includes(id));
    return engine === undefined ? undefined : { state: "running", reason: "engineHasIt", engines: [engine.id] };
  }

  async #stored(id: string): Promise<Facts> {
    const record = await this.#record(id);
    if (record === undefined) return UNKNOWN;
    const engines = typeof record.engine_uuid === "string" ? [this.#nameOf(record.engine_uuid)] : [];
    if (typeof record.completed !== "string") {
      if (record.queue === "mux" && engines[0] !== undefined) return this.#atEngine(id, engines[0]);
      return { state: "running", reason: "enginesHaveIt", engines };
    }
    const since = dateOf(record.completed);
    const content = record.result_content ?? {};
    if (content["status"] === "ok") return { state: "done", reason: "succeeded", engines, since };
    const failure = content["status"] === "aborted" ? "TaskAborted" : `${String(content["ename"])}: ${String(content["evalue"])}`;
    return { state: "done", reason: "failed", engines, since, failure };
  }

  async #record(id: string): Promise<StoredRecord | undefined> {
    try {
      return (await dbQuery(this.#link, { msg_id: id }, STORED_FIELDS, this.#options))[0];
    } catch (error) {
      if (error instanceof NoData) return undefined; // There is no task store.
      throw error;
    }
  }

  #nameOf(uuid: string): EngineName {
    return this.#link.directory.findByUuid(uuid as EngineUuid)?.id ?? uuid;
  }
}

/** Some of a list of texts, and how long it is. */
function readListed(value: unknown): { readonly first: readonly string[]; readonly count: number } {
  const { first, count } = isDict(value) ? value : {};
  const texts = Array.isArray(first) ? first.filter((item): item is string => typeof item === "string") : [];
  return { first: texts, count: typeof count === "number" ? count : texts.length };
}

function dateOf(text: string | null | undefined): Date | undefined {
  const at = typeof text === "string" ? parseIsoDate(text) : undefined;
  return at === undefined ? undefined : new Date(at);
}

function firstLine(error: Error): string {
  const { evalue } = error as { readonly evalue?: unknown };
  return (typeof evalue === "string" ? evalue : error.message).split("\n")[0] ?? "";
}
