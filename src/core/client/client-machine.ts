// The client's machine: which requests are outstanding, what each reply, output and departure of an engine ends.
//
//   waiting --room in its lane--> sent --reply--> ok | failed          (a request)
//   waiting --abort, engine left, close--> failed
//   sent    --engine left (mux and broadcast only), close--> failed
//   sent    --the controller went: found in its store--> ok | failed; see `resumption.ts` for the others
//
// While the controller is away nothing is sent: what is submitted waits.
// A request is forgotten when it is settled and its output is complete (`idle` seen, or known not to come). A task whose
// engine left stays outstanding: its scheduler answers. A reply for an unknown id is dropped and counted: it came twice,
// or too late. Invariants: see `validate`.

import { invariant, type EngineUuid, type KernelFailure, type Millis, type MsgId } from "../../base/index.ts";
import type { Message } from "../../wire/index.ts";
import { judge, PASSED_OVER, type ResumptionFacts } from "./resumption.ts";
import type { AnswerOutcome, ClientEffect, ClientEvent } from "./client-events.ts";
import { EngineDirectory, type EngineFacts } from "./engine-directory.ts";
import { applyOutput } from "./output.ts";
import { answeredId, expectsOutput, noteEngine, noteReply, outcomeOf, type RequestOutcome } from "./reply.ts";
import type { RequestRecord, RequestState } from "./request-record.ts";
import { DEFAULT_WINDOW, SendWindow, type Windowed, type WindowLimits } from "./send-window.ts";

/** What was dropped, by reason. */
export interface ClientCounters {
  unknownReplies: number;
  unknownAnswers: number;
  /** Settled requests given up while their `idle` was missing. */
  outputsGivenUp: number;
}

/** One step of one request, for `story`. */
export interface ClientTransition {
  readonly msgId: MsgId;
  readonly event: string;
  readonly from: RequestState;
  readonly to: RequestState;
}

/** Settled requests whose `idle` has not come, at most; beyond it the oldest count as complete. */
const DRAINING_MAX = 65_536;
const STORY_MAX = 512;

/** What takes room in a lane: one request, or all requests of one plain broadcast. */
interface SendUnit<Token> extends Windowed {
  readonly requests: readonly RequestRecord<Token>[];
  missing: number;
}

interface Question<Asker> {
  readonly engine: EngineUuid | undefined;
  readonly asker: Asker;
}

/** Synchronous and total: never throws on anything a peer sent. */
export class ClientMachine<Token, Asker> {
  readonly directory: EngineDirectory = new EngineDirectory();
  readonly counters: ClientCounters = { unknownReplies: 0, unknownAnswers: 0, outputsGivenUp: 0 };
  /** Requests without a reply. */
  readonly #outstanding = new Map<string, RequestRecord<Token>>();
  /** Settled requests whose output is not complete; none of them is in `#outstanding`. */
  readonly #draining = new Map<string, RequestRecord<Token>>();
  /** Derived ids under which engines publish for a coalesced broadcast. */
  readonly #aliases = new Map<string, RequestRecord<Token>>();
  /** Units of plain broadcasts with a request outstanding, by each of their ids. */
  readonly #units = new Map<string, SendUnit<Token>>();
  readonly #questions = new Map<string, Question<Asker>>();
  readonly #window: SendWindow<Windowed>;
  readonly #story: ClientTransition[] = [];
  #storyNext = 0;

  constructor(limits: WindowLimits = DEFAULT_WINDOW) {
    this.#window = new SendWindow(limits);
  }

  /** Ids of the requests that have no reply yet, in the order of submission. */
  get outstanding(): ReadonlyMap<string, RequestRecord<Token>> {
    return this.#outstanding;
  }

  /** What is under way and what waits in the client. */
  get window(): SendWindow<Windowed>["totals"] {
    return this.#window.totals;
  }

  /** Takes one event; gives the orders that follow from it, to be performed in order. */
  handle(event: ClientEvent<Token, Asker>): readonly ClientEffect<Token, Asker>[] {
    switch (event.type) {
      case "submitted":
        return this.#submitted(event.requests);
      case "replied":
        return this.#replied(event.message, event.at);
      case "published":
        return this.#published(event.message);
      case "aborted":
        return this.#aborted(event.msgIds);
      case "asked":
        this.#questions.set(event.msgId, { engine: event.engine, asker: event.asker });
        return NOTHING;
      case "answered":
        return this.#answered(event.message);
      case "abandoned":
        this.#questions.delete(event.msgId);
        return NOTHING;
      case "listingAsked":
        this.directory.listingAsked(event.msgId);
        return NOTHING;
      case "listed":
        return this.#listed(event.msgId, event.engines, event.keepsRequests);
      case "engineJoined":
        return this.directory.joined(event.engine) ? [{ type: "engineJoined", engine: event.engine }] : NOTHING;
      case "engineDescribed":
        this.directory.described(event.uuid, event.properties);
        return NOTHING;
      case "engineLeft": {
        const engine = this.directory.left(event.uuid);
        return engine === undefined ? NOTHING : this.#engineGone(engine);
      }
      case "controllerLost":
        return this.#controllerLost(event.reason);
      case "recovered":
        return this.#recovered(event.msgId, event.message, event.at);
      case "inquired":
        return this.#inquired({ ...event, isThere: (uuid) => this.directory.findByUuid(uuid) !== undefined });
      case "fenceReached":
        return this.#fenceReached(event.msgIds);
      case "controllerBack":
        return this.#admit(this.#window.resume());
      case "closed":
        return this.#closed({ type: event.cause === "closed" ? "lost" : "controllerLost", reason: event.reason });
    }
  }

  /** The last transitions of a request. */
  story(id: MsgId): readonly ClientTransition[] {
    const ordered = [...this.#story.slice(this.#storyNext), ...this.#story.slice(0, this.#storyNext)];
    return ordered.filter((step) => step.msgId === id);
  }

  /** Asserts every invariant. */
  validate(): void {
    for (const [id, record] of this.#outstanding) {
      invariant(!record.isSettled, () => `${id} is settled and outstanding`);
      invariant(!this.#draining.has(id), () => `${id} is outstanding and draining`);
    }
    for (const [id, record] of this.#draining) {
      invariant(record.isSettled, () => `${id} drains and is not settled`);
      invariant(!record.isOutputComplete, () => `${id} drains and its output is complete`);
    }
    for (const [id, record] of this.#aliases) invariant(!record.isOutputComplete, () => `${id} stands for a request whose output is complete`);
    const sent = new Set([...this.#outstanding.values()].filter((record) => record.state === "sent").map((record) => this.#units.get(record.msgId) ?? record));
    invariant(sent.size === this.#window.totals.messages, () => `${sent.size} messages are under way and the window counts ${this.#window.totals.messages}`);
    invariant(this.#draining.size <= DRAINING_MAX, () => `${this.#draining.size} requests drain`);
  }

  #submitted(requests: readonly RequestRecord<Token>[]): readonly ClientEffect<Token, Asker>[] {
    const first = requests[0];
    if (first === undefined) return NOTHING;
    for (const request of requests) this.#outstanding.set(request.msgId, request);
    let unit: Windowed = first;
    if (requests.length > 1) unit = this.#formUnit(first, requests);
    else if (first.targets.length > 1) this.#formAliases(first);
    return this.#window.offer(laneOf(first), unit) ? this.#admit([unit]) : NOTHING;
  }

  #formUnit(first: RequestRecord<Token>, requests: readonly RequestRecord<Token>[]): SendUnit<Token> {
    const unit: SendUnit<Token> = {
      bytes: first.bytes,
      requests,
      missing: requests.length,
      get state(): string {
        return requests.some((request) => request.state === "waiting") ? "waiting" : "settled";
      },
    };
    for (const request of requests) this.#units.set(request.msgId, unit);
    return unit;
  }

  #formAliases(record: RequestRecord<Token>): void {
    record.idlesMissing = record.targets.length;
    for (const uuid of record.targets) this.#aliases.set(`${record.msgId}_${uuid}`, record);
  }

  #admit(units: readonly Windowed[]): ClientEffect<Token, Asker>[] {
    const effects: ClientEffect<Token, Asker>[] = [];
    for (const unit of units) {
      const requests = "requests" in unit ? (unit as SendUnit<Token>).requests : [unit as RequestRecord<Token>];
      // Parts of a broadcast whose engine left while it waited have ended; it is sent for the others.
      const request = requests.find((part) => part.state === "waiting");
      if (request !== undefined) effects.push({ type: "send", request });
      for (const part of requests) if (part.state === "waiting") this.#move(part, "sent", "admitted");
    }
    return effects;
  }

  #replied(message: Message, at: Millis): readonly ClientEffect<Token, Asker>[] {
    const id = answeredId(message);
    const record = id === undefined ? undefined : this.#outstanding.get(id);
    if (record === undefined || record.state !== "sent") {
      this.counters.unknownReplies += 1;
      return NOTHING;
    }
    const outcome = outcomeOf(record, message, this.directory);
    if (outcome === undefined) return NOTHING;
    noteReply(record, message, at, this.directory);
    return this.#settle(record, outcome, expectsOutput(record, message), "replied");
  }

  #settle(record: RequestRecord<Token>, outcome: RequestOutcome, moreOutput: boolean, event: string): ClientEffect<Token, Asker>[] {
    const former = record.state;
    const effects: ClientEffect<Token, Asker>[] = [{ type: "settle", request: record, outcome }];
    this.#move(record, outcome.type === "value" ? "ok" : "failed", event);
    this.#outstanding.delete(record.msgId);
    this.#freeRoom(record, former, effects);
    if (record.isOutputComplete) return effects;
    if (moreOutput) this.#drain(record, effects);
    else this.#completeOutput(record, effects);
    return effects;
  }

  #freeRoom(record: RequestRecord<Token>, former: RequestState, effects: ClientEffect<Token, Asker>[]): void {
    const unit = this.#units.get(record.msgId);
    this.#units.delete(record.msgId);
    if (unit !== undefined) {
      unit.missing -= 1;
      if (unit.missing > 0) return;
    }
    const lane = laneOf(record);
    const admitted = former === "sent" ? this.#window.release(lane, unit ?? record) : this.#window.prune(lane);
    if (admitted.length > 0) effects.push(...this.#admit(admitted));
  }

  #drain(record: RequestRecord<Token>, effects: ClientEffect<Token, Asker>[]): void {
    this.#draining.set(record.msgId, record);
    if (this.#draining.size <= DRAINING_MAX) return;
    const [oldest] = this.#draining.values();
    if (oldest === undefined) return;
    this.counters.outputsGivenUp += 1;
    this.#completeOutput(oldest, effects);
  }

  #completeOutput(record: RequestRecord<Token>, effects: ClientEffect<Token, Asker>[]): void {
    record.isOutputComplete = true;
    this.#draining.delete(record.msgId);
    if (record.targets.length > 1) for (const uuid of record.targets) this.#aliases.delete(`${record.msgId}_${uuid}`);
    effects.push({ type: "outputCompleted", request: record });
  }

  #published(message: Message): readonly ClientEffect<Token, Asker>[] {
    const id = message.parentHeader["msg_id"];
    if (typeof id !== "string") return NOTHING;
    const record = this.#outstanding.get(id) ?? this.#draining.get(id) ?? this.#aliases.get(id);
    if (record === undefined || record.isOutputComplete) return NOTHING;
    if (record.targets.length <= 1) noteEngine(record, message.metadata, this.directory);
    const change = applyOutput(record, message);
    const effects: ClientEffect<Token, Asker>[] = [];
    if (change !== "nothing") effects.push({ type: "outputChanged", request: record, change, message });
    if (change === "idle") record.idlesMissing -= 1;
    else if (change !== "busy") record.outputsSeen += 1;
    const isAllThere = record.idlesMissing <= 0 || (record.outputsExpected !== undefined && record.outputsSeen >= record.outputsExpected);
    if (isAllThere) this.#completeOutput(record, effects);
    return effects;
  }

  /** Whether output for this id still matters; what is published for others need not even be read. */
  awaitsOutput(id: string): boolean {
    return this.#outstanding.has(id) || this.#draining.has(id) || this.#aliases.has(id);
  }

  #aborted(ids: readonly MsgId[]): readonly ClientEffect<Token, Asker>[] {
    const effects: ClientEffect<Token, Asker>[] = [];
    for (const id of ids) {
      const record = this.#outstanding.get(id);
      if (record?.state !== "waiting") continue;
      const failure: KernelFailure = { ename: "TaskAborted", evalue: `the request was aborted before it was sent, msg_id ${id}` };
      effects.push(...this.#settle(record, { type: "failure", failure }, false, "aborted"));
    }
    return effects;
  }

  #answered(message: Message): readonly ClientEffect<Token, Asker>[] {
    const id = message.parentHeader["msg_id"];
    const question = typeof id === "string" ? this.#questions.get(id) : undefined;
    if (question === undefined) {
      this.counters.unknownAnswers += 1;
      return NOTHING;
    }
    this.#questions.delete(id as string);
    return [{ type: "answer", asker: question.asker, outcome: { type: "answer", message } }];
  }

  #listed(key: MsgId, engines: readonly EngineFacts[], keepsRequests: boolean): readonly ClientEffect<Token, Asker>[] {
    const { joined, left } = this.directory.listed(key, engines);
    if (joined.length === 0 && left.length === 0) return NOTHING;
    const departures = left.flatMap((engine) => (keepsRequests ? [{ type: "engineLeft", engine } as const] : this.#engineGone(engine)));
    return [...departures, ...joined.map((engine) => ({ type: "engineJoined", engine }) as const)];
  }

  #engineGone(engine: EngineFacts): readonly ClientEffect<Token, Asker>[] {
    const effects: ClientEffect<Token, Asker>[] = [];
    for (const record of this.#waitingFirst()) {
      if (!record.targets.includes(engine.uuid)) continue;
      const evalue = `engine ${engine.id} died or left while it had the request ${record.msgId}`;
      const host = engine.properties["host"];
      const engineInfo = { engineUuid: engine.uuid, engineId: engine.id, method: record.kind, ...(typeof host === "string" ? { host } : {}) };
      effects.push(...this.#settle(record, { type: "failure", failure: { ename: "EngineError", evalue, engineInfo } }, false, "engineLeft"));
    }
    for (const record of this.#draining.values()) if (record.engineUuid === engine.uuid) this.#completeOutput(record, effects);
    for (const [id, question] of this.#questions) {
      if (question.engine !== engine.uuid) continue;
      this.#questions.delete(id);
      effects.push({ type: "answer", asker: question.asker, outcome: { type: "engineLeft", engine } });
    }
    effects.push({ type: "engineLeft", engine });
    return effects;
  }

  #controllerLost(reason: string): readonly ClientEffect<Token, Asker>[] {
    this.#window.pause();
    return this.#endTalk({ type: "controllerLost", reason });
  }

  /** What only the controller of now could still bring: output of settled requests, answers. */
  #endTalk(outcome: AnswerOutcome): ClientEffect<Token, Asker>[] {
    const effects: ClientEffect<Token, Asker>[] = [];
    for (const record of this.#draining.values()) this.#completeOutput(record, effects);
    for (const question of this.#questions.values()) effects.push({ type: "answer", asker: question.asker, outcome });
    this.#questions.clear();
    return effects;
  }

  #recovered(id: MsgId, message: Message, at: Millis): readonly ClientEffect<Token, Asker>[] {
    const record = this.#outstanding.get(id);
    const outcome = record?.state === "sent" ? outcomeOf(record, message, this.directory) : undefined;
    if (record === undefined || outcome === undefined) return NOTHING;
    noteReply(record, message, at, this.directory);
    return this.#settle(record, outcome, false, "recovered");
  }

  #inquired(facts: ResumptionFacts): readonly ClientEffect<Token, Asker>[] {
    const effects: ClientEffect<Token, Asker>[] = [];
    const fences = new Map<EngineUuid, MsgId[]>();
    for (const record of this.#waitingFirst()) {
      const verdict = judge(record, facts);
      if (verdict.type === "fail") effects.push(...this.#settle(record, verdict.outcome, false, "inquired"));
      else if (verdict.type === "fence") {
        const ids = fences.get(verdict.engine);
        if (ids === undefined) fences.set(verdict.engine, [record.msgId]);
        else ids.push(record.msgId);
      }
    }
    for (const [uuid, msgIds] of fences) {
      const engine = this.directory.findByUuid(uuid);
      if (engine !== undefined) effects.push({ type: "fence", engine, msgIds });
    }
    return effects;
  }

  #fenceReached(ids: readonly MsgId[]): readonly ClientEffect<Token, Asker>[] {
    return ids.flatMap((id): readonly ClientEffect<Token, Asker>[] => {
      const record = this.#outstanding.get(id);
      return record?.state === "sent" ? this.#settle(record, PASSED_OVER, false, "fenceReached") : NOTHING;
    });
  }

  #closed(outcome: AnswerOutcome & RequestOutcome): readonly ClientEffect<Token, Asker>[] {
    const effects: ClientEffect<Token, Asker>[] = [];
    for (const record of this.#waitingFirst()) effects.push(...this.#settle(record, outcome, false, "closed"));
    return [...effects, ...this.#endTalk(outcome)];
  }

  /** Outstanding requests, those that wait first: when all of a lane end, the room of sent ones is given to nobody. */
  #waitingFirst(): RequestRecord<Token>[] {
    const all = [...this.#outstanding.values()];
    return [...all.filter((record) => record.state === "waiting"), ...all.filter((record) => record.state === "sent")];
  }

  #move(record: RequestRecord<Token>, to: RequestState, event: string): void {
    const step: ClientTransition = { msgId: record.msgId, event, from: record.state, to };
    record.state = to;
    if (this.#story.length < STORY_MAX) this.#story.push(step);
    else {
      this.#story[this.#storyNext] = step;
      this.#storyNext = (this.#storyNext + 1) % STORY_MAX;
    }
  }
}

const NOTHING: readonly never[] = [];

function laneOf(record: RequestRecord): string {
  return record.channel === "mux" ? (record.targets[0] ?? "mux") : record.channel;
}
