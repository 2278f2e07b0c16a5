// The engine's machine: one queue of shell requests, run strictly one at a time in the order of arrival (protocol §8.2).
//
// States:
//   starting   not yet registered; requests wait
//   idle       nothing waits, nothing runs
//   claiming   the next request is one that the controller may take back: the shell claims it before anything is said of it
//   running    one request runs, others may wait
//   settling   a request ended, and what had arrived by then is being collected, because all of it is to be aborted:
//              after a failure that stops the queue (§8.5), or because an abort of everything came meanwhile (§8.7)
//   closed     shut down; nothing runs and nothing is answered
//
// Order of one request: status busy → (run) → reply → status idle → forget. An aborted one: busy → aborted reply → idle →
// forget. One whose sender counts its output messages has no status; its reply tells their number instead.
//
// Invariants: idle means that the queue is empty; serial numbers wait in rising order; bytes waiting is their sum; the
// intake is paused exactly while more than the bounds wait; after `leave` there are no effects.

import { BoundedSet, invariant, msgId, RingQueue, type MsgId } from "../../base/index.ts";
import type { EngineEffect, EngineEvent, QueuedRequest } from "./events.ts";

/** Bounds of the queue. */
export interface RequestQueueConfig {
  /** Requests that may wait before the sockets are paused; default 1000. */
  readonly waitingRequestsMax: number;
  /** Bytes that may wait before the sockets are paused; default 256 MiB. */
  readonly waitingBytesMax: number;
  /** Ids to abort that are remembered; default 100,000. */
  readonly abortIdsMax: number;
}

/** Defaults of the bounds. */
export const REQUEST_QUEUE_DEFAULTS: RequestQueueConfig = { waitingRequestsMax: 1000, waitingBytesMax: 256 * 1024 * 1024, abortIdsMax: 100_000 };

/** What the engine is doing. */
export type EngineState =
  | { readonly name: "starting" }
  | { readonly name: "idle" }
  | { readonly name: "claiming"; readonly request: QueuedRequest }
  | { readonly name: "running"; readonly request: QueuedRequest; readonly abortsWaiting: boolean }
  | { readonly name: "settling"; readonly request: QueuedRequest }
  | { readonly name: "closed" };

/** One step of the machine's life. */
export interface EngineTransition {
  readonly event: EngineEvent["type"];
  readonly from: EngineState["name"];
  readonly to: EngineState["name"];
}

const STORY_LENGTH_MAX = 64;
const STARTING: EngineState = { name: "starting" };
const IDLE: EngineState = { name: "idle" };
const CLOSED: EngineState = { name: "closed" };

/** Decides what an engine does next. */
export class RequestQueue {
  readonly #config: RequestQueueConfig;
  /** Ids of requests to abort when they are reached (protocol §8.7). */
  readonly #aborts: BoundedSet<MsgId>;
  readonly #story: EngineTransition[] = [];
  #waiting = new RingQueue<QueuedRequest>();
  /** Serial numbers of requests of the task channel to be aborted when they are reached: claims are made in order. */
  readonly #doomed = new Set<number>();
  #waitingBytes = 0;
  #state: EngineState = STARTING;
  #isPaused = false;
  #isLeaving = false;

  constructor(config: Partial<RequestQueueConfig> = {}) {
    this.#config = { ...REQUEST_QUEUE_DEFAULTS, ...config };
    this.#aborts = new BoundedSet(this.#config.abortIdsMax);
  }

  /** What the engine is doing now. */
  get state(): EngineState {
    return this.#state;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes one event and returns the orders that follow from it. */
  handle(event: EngineEvent): EngineEffect[] {
    const from = this.#state.name;
    const effects: EngineEffect[] = [];
    if (this.#state.name !== "closed") this.#dispatch(event, effects);
    this.#bound(effects);
    this.#remember({ event: event.type, from, to: this.#state.name });
    return effects;
  }

  #dispatch(event: EngineEvent, effects: EngineEffect[]): void {
    switch (event.type) {
      case "started":
        return this.#started(effects);
      case "requestArrived":
        return this.#requestArrived(event.request, effects);
      case "requestFinished":
        return this.#requestFinished(event.serial, event.stopsQueue, effects);
      case "claimed":
        return this.#claimed(event.serial, effects);
      case "tasksRecalled":
        return this.#tasksRecalled(event.through, effects);
      case "intakeSettled":
        return this.#intakeSettled(effects);
      case "abortRequested":
        return this.#abortRequested(event.msgIds, effects);
      case "cancelRequested":
        return this.#cancelRequested(event.msgIds, effects);
      case "shutdownRequested":
        this.#isLeaving = true;
        if (this.#state.name === "idle" || this.#state.name === "starting") this.#next(effects);
    }
  }

  #started(effects: EngineEffect[]): void {
    invariant(this.#state.name === "starting", () => `started while ${this.#tell()}`);
    effects.push({ type: "publishStatus", state: "starting", serial: null });
    this.#next(effects);
  }

  #requestArrived(request: QueuedRequest, effects: EngineEffect[]): void {
    this.#waiting.push(request);
    this.#waitingBytes += request.bytes;
    if (this.#state.name === "idle") this.#next(effects);
  }

  #requestFinished(serial: number, stopsQueue: boolean, effects: EngineEffect[]): void {
    const state = this.#state;
    if (state.name !== "running" || state.request.serial !== serial) return; // Given up before it ended: its late end means nothing.
    if (stopsQueue || state.abortsWaiting) {
      this.#state = { name: "settling", request: state.request };
      effects.push({ type: "settleIntake" });
      return;
    }
    this.#answer(state.request, effects);
    this.#next(effects);
  }

  #claimed(serial: number, effects: EngineEffect[]): void {
    if (this.#state.name !== "claiming" || this.#state.request.serial !== serial) return;
    if (!this.#begin(this.#state.request, effects)) this.#next(effects);
  }

  #tasksRecalled(through: number, effects: EngineEffect[]): void {
    const isRecalled = ({ ordinal }: QueuedRequest): boolean => ordinal !== undefined && ordinal <= through;
    const kept = new RingQueue<QueuedRequest>();
    for (const request of this.#waiting) {
      if (!isRecalled(request)) {
        kept.push(request);
        continue;
      }
      this.#waitingBytes -= request.bytes;
      this.#giveBack(request, effects);
    }
    this.#waiting = kept;
    if (this.#state.name !== "claiming" || !isRecalled(this.#state.request)) return;
    this.#giveBack(this.#state.request, effects);
    this.#next(effects);
  }

  #giveBack({ serial }: QueuedRequest, effects: EngineEffect[]): void {
    this.#doomed.delete(serial);
    effects.push({ type: "giveBack", serial }, { type: "forget", serial });
  }

  #intakeSettled(effects: EngineEffect[]): void {
    if (this.#state.name !== "settling") return;
    this.#answer(this.#state.request, effects);
    this.#abortWaitingExecutes(effects);
    this.#next(effects);
  }

  #abortRequested(msgIds: readonly MsgId[] | "all", effects: EngineEffect[]): void {
    if (msgIds !== "all") {
      for (const id of msgIds) this.#aborts.add(id);
      return;
    }
    if (this.#state.name === "claiming") {
      if (this.#state.request.kind === "execute") this.#doomed.add(this.#state.request.serial);
      return this.#abortWaitingExecutes(effects);
    }
    // While idle nothing waits, and while settling everything that waits is about to be aborted anyway.
    if (this.#state.name === "running") this.#state = { ...this.#state, abortsWaiting: true };
  }

  /** Those that wait are answered at once, unless the controller may still take them back; those that have not come, when they do. */
  #cancelRequested(msgIds: readonly MsgId[], effects: EngineEffect[]): void {
    const ids = new Set(msgIds);
    const { name } = this.#state;
    if (this.#state.name === "running" && ids.delete(this.#state.request.msgId)) effects.push({ type: "stop", serial: this.#state.request.serial });
    if (ids.size > 0 && name !== "starting" && name !== "closed") {
      this.#abortWaiting(({ msgId, ordinal }) => ordinal === undefined && ids.delete(msgId), effects);
    }
    for (const id of ids) this.#aborts.add(id);
  }

  #answer(request: QueuedRequest, effects: EngineEffect[]): void {
    effects.push({ type: "sendReply", serial: request.serial, tellsOutputs: request.countsOutputs });
    this.#end(request, effects);
  }

  #abort(request: QueuedRequest, effects: EngineEffect[]): void {
    this.#tellStatus(request, "busy", effects);
    effects.push({ type: "sendAborted", serial: request.serial, tellsOutputs: request.countsOutputs });
    this.#end(request, effects);
  }

  #end(request: QueuedRequest, effects: EngineEffect[]): void {
    this.#tellStatus(request, "idle", effects);
    effects.push({ type: "forget", serial: request.serial });
  }

  #tellStatus({ serial, countsOutputs }: QueuedRequest, state: "busy" | "idle", effects: EngineEffect[]): void {
    if (!countsOutputs) effects.push({ type: "publishStatus", state, serial });
  }

  #abortWaitingExecutes(effects: EngineEffect[]): void {
    for (const { kind, ordinal, serial } of this.#waiting) if (kind === "execute" && ordinal !== undefined) this.#doomed.add(serial);
    this.#abortWaiting(({ kind, ordinal }) => kind === "execute" && ordinal === undefined, effects);
  }

  #abortWaiting(isMeant: (request: QueuedRequest) => boolean, effects: EngineEffect[]): void {
    const kept = new RingQueue<QueuedRequest>();
    for (const request of this.#waiting) {
      if (!isMeant(request)) {
        kept.push(request);
        continue;
      }
      this.#waitingBytes -= request.bytes;
      this.#aborts.take(request.msgId);
      this.#abort(request, effects);
    }
    this.#waiting = kept;
  }

  /** Goes on with the next request that is not aborted, or rests, or leaves. */
  #next(effects: EngineEffect[]): void {
    if (this.#isLeaving) {
      this.#state = CLOSED;
      this.#waiting.clear();
      this.#doomed.clear();
      this.#waitingBytes = 0;
      effects.push({ type: "leave" });
      return;
    }
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      this.#waitingBytes -= request.bytes;
      if (request.ordinal !== undefined) {
        this.#state = { name: "claiming", request };
        effects.push({ type: "claim", serial: request.serial, ordinal: request.ordinal });
        return;
      }
      if (this.#begin(request, effects)) return;
    }
    this.#state = IDLE;
  }

  /** Starts a request, or aborts it and gives false. */
  #begin(request: QueuedRequest, effects: EngineEffect[]): boolean {
    const isAborted = this.#aborts.take(request.msgId);
    if (this.#doomed.delete(request.serial) || isAborted) {
      this.#abort(request, effects);
      return false;
    }
    this.#state = { name: "running", request, abortsWaiting: false };
    this.#tellStatus(request, "busy", effects);
    effects.push({ type: "run", serial: request.serial });
    return true;
  }

  #isFull(): boolean {
    return this.#waiting.length > this.#config.waitingRequestsMax || this.#waitingBytes > this.#config.waitingBytesMax;
  }

  #bound(effects: EngineEffect[]): void {
    const isFull = this.#isFull();
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (this.#state.name !== "closed") effects.push({ type: isFull ? "pauseIntake" : "resumeIntake" });
  }

  #remember(transition: EngineTransition): void {
    this.#story.push(transition);
    if (this.#story.length > STORY_LENGTH_MAX) this.#story.shift();
  }

  /** The last steps, oldest first. */
  story(): readonly EngineTransition[] {
    return [...this.#story];
  }

  /** Asserts every invariant. */
  validate(): void {
    const waiting = [...this.#waiting];
    const bytes = waiting.reduce((sum, request) => sum + request.bytes, 0);
    invariant(this.#waitingBytes === bytes, () => `${this.#waitingBytes} bytes counted, ${bytes} wait: ${this.#tell()}`);
    invariant(
      waiting.every((request, i) => i === 0 || (waiting[i - 1]?.serial ?? 0) < request.serial),
      () => `requests wait out of order: ${this.#tell()}`,
    );
    invariant(this.#state.name !== "idle" || waiting.length === 0, () => `idle with ${waiting.length} requests waiting: ${this.#tell()}`);
    invariant(this.#isPaused === this.#isFull(), () => `intake ${this.#isPaused ? "paused" : "open"} against the bounds: ${this.#tell()}`);
    invariant(this.#aborts.size <= this.#config.abortIdsMax, () => `${this.#aborts.size} ids to abort: ${this.#tell()}`);
  }

  #tell(): string {
    return this.#story.map((step) => `${step.event}: ${step.from} → ${step.to}`).join("; ");
  }
}

/** Reads the ids of an abort request as message ids. */
export function abortIds(ids: readonly string[] | "all"): readonly MsgId[] | "all" {
  return ids === "all" ? "all" : ids.map(msgId);
}
