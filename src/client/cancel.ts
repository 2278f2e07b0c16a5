// Cancelling requests: those that have not begun never will, and one that runs is stopped. Whoever has a request is asked:
// this client while it waits here, the controller for what its scheduler holds, then the engines, by the control channel,
// which they answer while user code keeps their main thread. A Python engine cannot stop one request and no other: there,
// what waits is aborted, and what may be running is refused by name.

import { CompositeError, NotSupportedError, ProtocolError, TaskAborted, type EngineUuid } from "../base/index.ts";
import { languageOf, type EngineFacts } from "../core/client/index.ts";
import { isDict, readErrorContent, type Dict } from "../wire/index.ts";
import type { ClientLink } from "./client-link.ts";
import { errorOf } from "./decode.ts";
import { CONTROL_TIMEOUT_MS, orderEngines } from "./engine-control.ts";
import { queueStatus, type VerboseQueueStatus } from "./hub-queries.ts";
import type { RequestHandle } from "./request-handle.ts";
import { allOf, checkWait, waitFor, type Starter, type WaitOptions } from "./wait-for.ts";

/** What became of a request that was cancelled: it had not begun and never will, it ran and was stopped, or it had ended before. */
export type CancelOutcome = "aborted" | "stopped" | "ended";

/** Outcomes by message id, in the order in which the requests were named. */
export type CancelOutcomes = ReadonlyMap<string, CancelOutcome>;

/** Requests that the controller is told of at a time. */
const ASKED_MAX = 1000;
/** The word of an engine and its replies come by different ways: how long the reply is waited for of what was stopped. */
const REPLY_MS = 1000;
/** Likewise of what did not run any more: it may have ended just before. What waits behind a busy task is answered only later. */
const LATE_REPLY_MS = 50;

/** Ids of requests as an engine knows them, and the requests. */
type Orders = Map<EngineUuid, Map<string, RequestHandle>>;

/**
 * Cancels requests.
 *
 * @throws NotSupportedError for what a Python engine may be running, when everything else is cancelled; TimeoutError when an
 * engine or the controller does not answer; several failures as CompositeError
 */
export async function cancelRequests(link: ClientLink, handles: readonly RequestHandle[], options: WaitOptions): Promise<CancelOutcomes> {
  const cancellation = new Cancellation(link, { ...options, timeoutMs: options.timeoutMs ?? CONTROL_TIMEOUT_MS });
  return cancellation.run(handles);
}

/**
 * Cancels the requests behind a result; those that are being submitted again once they have their new ids.
 *
 * @param ownOf finds requests of this client, and refuses others
 * @throws as `cancelRequests`
 */
export async function cancelParts(
  link: ClientLink,
  handles: readonly RequestHandle[],
  options: WaitOptions,
  ownOf: (ids: readonly string[]) => readonly RequestHandle[],
): Promise<CancelOutcomes> {
  link.assertOpen();
  checkWait(options);
  const renamed = handles.flatMap((handle) => handle.renamed ?? []);
  if (renamed.length > 0) {
    const timeoutMs = options.timeoutMs ?? CONTROL_TIMEOUT_MS;
    const told: Starter<unknown> = (resolve, reject) => (void Promise.all(renamed).then(resolve, reject), () => undefined);
    await waitFor(told, { ...options, timeoutMs }, () => `the Hub did not tell the new ids of what is submitted again within ${timeoutMs} ms`);
  }
  return cancelRequests(
    link,
    handles.map((handle) => (handle.renamed === undefined ? (ownOf([handle.record.msgId])[0] as RequestHandle) : handle)),
    options,
  );
}

class Cancellation {
  readonly #link: ClientLink;
  readonly #options: WaitOptions;
  readonly #outcomes = new Map<string, CancelOutcome>();
  readonly #orders: Orders = new Map();

  constructor(link: ClientLink, options: WaitOptions) {
    this.#link = link;
    this.#options = options;
  }

  async run(handles: readonly RequestHandle[]): Promise<CancelOutcomes> {
    this.#link.abortWaiting(this.#waitingHere(handles));
    const tasks: RequestHandle[] = [];
    for (const handle of handles) {
      const { record } = handle;
      if (this.#outcomes.has(record.msgId) || record.state !== "sent") continue;
      this.#outcomes.set(record.msgId, "aborted");
      handle.isCancelled = true;
      if (record.channel === "task") tasks.push(handle);
      else for (const uuid of record.targets) this.#order(uuid, record.targets.length > 1 ? `${record.msgId}_${uuid}` : record.msgId, handle);
    }
    if (tasks.length > 0) await this.#askScheduler(tasks);
    await this.#orderAll();
    await this.#replies(handles);
    return this.#outcomes;
  }

  /** Notes what needs nobody else; gives the ids of those that wait in this client. */
  #waitingHere(handles: readonly RequestHandle[]): string[] {
    const waiting: string[] = [];
    for (const { state, record } of handles) {
      if (state !== "pending") this.#outcomes.set(record.msgId, "ended");
      else if (record.state === "waiting") {
        this.#outcomes.set(record.msgId, "aborted");
        waiting.push(record.msgId);
      }
    }
    return waiting;
  }

  #order(uuid: EngineUuid, id: string, handle: RequestHandle): void {
    const ids = this.#orders.get(uuid);
    if (ids === undefined) this.#orders.set(uuid, new Map([[id, handle]]));
    else ids.set(id, handle);
  }

  /** Python's scheduler takes no such word: then each engine is told, since one of them has the task or will get it. */
  async #askScheduler(tasks: readonly RequestHandle[]): Promise<void> {
    if (!this.#link.controllerAnswers) {
      for (const { uuid } of this.#link.directory.engines.values()) for (const task of tasks) this.#order(uuid, task.record.msgId, task);
      return;
    }
    for (let from = 0; from < tasks.length; from += ASKED_MAX) {
      const some = new Map(tasks.slice(from, from + ASKED_MAX).map((task) => [task.record.msgId as string, task] as const));
      const found = await askController(this.#link, "cancel_request", [...some.keys()], this.#options);
      for (const [id, task] of some) this.#noteTask(id, task, found[id]);
    }
  }

  #noteTask(id: string, task: RequestHandle, found: unknown): void {
    if (!isDict(found)) return;
    const { state, engine } = found;
    if (typeof engine !== "string") return;
    if (state === "running") this.#order(engine as EngineUuid, id, task);
    else if (state === "finished") this.#outcomes.set(id, "ended"); // Its reply is on the way.
  }

  async #orderAll(): Promise<void> {
    const { directory } = this.#link;
    const told = await Promise.allSettled([...this.#orders].map(([uuid, ids]) => this.#orderOne(uuid, ids)));
    const uuids = [...this.#orders.keys()];
    // An engine that has left runs nothing any more.
    const failures = told.flatMap((outcome, i) =>
      outcome.status === "rejected" && directory.findByUuid(uuids[i] as EngineUuid) !== undefined ? [outcome.reason as Error] : [],
    );
    if (failures.length === 1) throw failures[0] as Error;
    if (failures.length > 1) throw new CompositeError(failures);
  }

  async #orderOne(uuid: EngineUuid, ids: ReadonlyMap<string, RequestHandle>): Promise<void> {
    const engine = this.#link.directory.findByUuid(uuid);
    if (engine === undefined) return;
    if (languageOf(engine) === "python") return this.#abortAtPython(engine, ids);
    const { content } = await this.#link.askEngine(engine, "cancel_request", { msg_ids: [...ids.keys()] }, this.#options);
    if (content["status"] !== "ok") throw errorOf(readErrorContent(content));
    const stopped: unknown = content["stopped"];
    for (const id of Array.isArray(stopped) ? stopped : []) {
      const handle = ids.get(String(id));
      if (handle === undefined) continue;
      this.#outcomes.set(handle.record.msgId, "stopped");
    }
  }

  async #abortAtPython(engine: EngineFacts, ids: ReadonlyMap<string, RequestHandle>): Promise<void> {
    const all = [...ids.keys()];
    await orderEngines(this.#link, [engine], "abort_request", { msg_ids: all }, this.#options);
    const queues = (await queueStatus(this.#link, [engine.id], true, this.#options)) as VerboseQueueStatus;
    const behind = new Set(queues[engine.id]?.queue.slice(1));
    const doubtful = all.filter((id) => ids.get(id)?.state === "pending" && !behind.has(id));
    if (doubtful.length === 0) return;
    throw new NotSupportedError(
      `engine ${engine.id} runs Python, which cannot stop one request and no other: ${doubtful.join(", ")} will not begin, but runs on if it has begun;` +
        ` rc.sendSignal("SIGINT", ${engine.id}) interrupts whatever that engine runs`,
    );
  }

  /** Waits for replies, for a moment; what had ended just before is told as that. */
  async #replies(handles: readonly RequestHandle[]): Promise<void> {
    const single = handles.filter(({ record }) => record.targets.length <= 1);
    const thatWere = (outcome: CancelOutcome): RequestHandle[] => single.filter(({ record }) => this.#outcomes.get(record.msgId) === outcome);
    await this.#settled(thatWere("stopped"), REPLY_MS);
    await this.#settled(thatWere("aborted"), LATE_REPLY_MS);
    for (const { state, record, error } of handles)
      if (state === "ok" || (state === "failed" && !(error instanceof TaskAborted))) this.#outcomes.set(record.msgId, "ended");
  }

  async #settled(handles: readonly RequestHandle[], timeoutMs: number): Promise<void> {
    const starters = handles.map((handle) => (done: () => void) => handle.onSettled(done));
    try {
      await waitFor(allOf(starters), { signal: this.#options.signal, timeoutMs }, () => "");
    } catch {
      // They will not run, or have been stopped, whatever their replies do on the way.
    }
  }
}

/** What the controller's scheduler knows of tasks, by message id. */
export async function askController(link: ClientLink, msgType: string, msgIds: readonly string[], options: WaitOptions): Promise<Dict> {
  const { content } = await link.askController(msgType, { msg_ids: msgIds }, options);
  if (content["status"] !== "ok") throw errorOf(readErrorContent(content));
  if (!isDict(content["tasks"])) throw new ProtocolError(`the controller's answer to the ${msgType} tells of no tasks`);
  return content["tasks"];
}
