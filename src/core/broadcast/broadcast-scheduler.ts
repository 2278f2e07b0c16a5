// The broadcast scheduler as a machine (protocol §3.5). One request becomes one message for each target, with an id
// derived from the engine's uuid. Replies to a plain broadcast are relayed one by one and nothing is remembered of it;
// replies to a coalescing broadcast are held until every target has answered or is gone, then sent as one message.
//
// A target of a coalescing broadcast is   awaited -> answered   by its reply,
//                                         awaited -> leaving    when its engine leaves: a reply may be on its way,
//                                         leaving -> answered   when that reply comes in time,
//                                         leaving -> lost       after the grace; at once if it never was here.
// With no target awaited or leaving the broadcast is complete: merged, or an EngineError if one is lost.

import { msgId, type EngineUuid, type Millis } from "../../base/index.ts";
import { errorContent, framesBytes, type Dict, type Header, type Message } from "../../wire/index.ts";
import type { BroadcastDropReason, BroadcastEffect, BroadcastEvent, BroadcastSchedulerOptions } from "./events.ts";
import {
  derivedHeader,
  derivedMsgId,
  parentMsgId,
  readBroadcastRequest,
  replyType,
  targetPairs,
  type BroadcastRequest,
  type BroadcastTarget,
} from "./request.ts";
import { resolveBroadcastOptions } from "./options.ts";
import type { PendingBroadcast } from "./pending-broadcast.ts";
import { validateBroadcasts } from "./validate.ts";

/** What is held now. */
export interface BroadcastLoad {
  /** Coalescing broadcasts that are not complete. */
  readonly pending: number;
  readonly heldBytes: number;
  readonly engines: number;
}

/** Spreads requests over engines and gathers the replies. */
export class BroadcastScheduler<Route = unknown> {
  readonly #config: Required<BroadcastSchedulerOptions>;
  readonly #engines = new Set<EngineUuid>();
  /** Engines that left, and when their replies are given up; in this order, because the grace is always the same. */
  readonly #leaving = new Map<EngineUuid, Millis>();
  readonly #pending = new Map<string, PendingBroadcast>();
  /** Broadcasts that wait for an engine. */
  readonly #byEngine = new Map<EngineUuid, Set<PendingBroadcast>>();
  readonly #dropped: Record<BroadcastDropReason, number> = { duplicateRequest: 0, lateReply: 0, foreignReply: 0, duplicateEngine: 0, unknownEngine: 0 };
  #heldBytes = 0;
  #wakeAt: Millis | null = null;
  #effects: BroadcastEffect[] = [];
  #now = 0 as Millis;

  constructor(options: BroadcastSchedulerOptions = {}) {
    this.#config = resolveBroadcastOptions(options);
  }

  /** Takes in a fact and gives the orders that follow from it. Never throws on anything a peer sent. */
  handle(event: BroadcastEvent<Route>): BroadcastEffect<Route>[] {
    this.#now = event.at;
    switch (event.type) {
      case "engineJoined":
        this.#engineJoined(event.engine);
        break;
      case "engineLeft":
        this.#engineLeft(event.engine);
        break;
      case "requested":
        this.#requested(event.client, event.message);
        break;
      case "replied":
        this.#replied(event.engine, event.client, event.message);
        break;
      case "ticked":
        this.#ticked();
        break;
    }
    this.#announceWake();
    const effects = this.#effects;
    this.#effects = [];
    // Routes went through untouched, so those that come out are of the type that went in.
    return effects as BroadcastEffect<Route>[];
  }

  /** How much is held now. */
  load(): BroadcastLoad {
    return { pending: this.#pending.size, heldBytes: this.#heldBytes, engines: this.#engines.size };
  }

  /** How often something had no consequence, by reason. */
  dropped(): Readonly<Record<BroadcastDropReason, number>> {
    return { ...this.#dropped };
  }

  /** Asserts every invariant; for tests. */
  validate(): void {
    validateBroadcasts({
      engines: this.#engines,
      leaving: this.#leaving,
      pending: this.#pending,
      byEngine: this.#byEngine,
      heldBytes: this.#heldBytes,
      config: this.#config,
    });
  }

  #engineJoined(engine: EngineUuid): void {
    if (this.#engines.has(engine)) return this.#drop("duplicateEngine", null, engine);
    // It came back in time: what it was asked before may still be answered, by the same process.
    this.#leaving.delete(engine);
    this.#engines.add(engine);
  }

  #engineLeft(engine: EngineUuid): void {
    if (!this.#engines.delete(engine)) return this.#drop("unknownEngine", null, engine);
    if (this.#byEngine.has(engine)) this.#leaving.set(engine, (this.#now + this.#config.departedGraceMs) as Millis);
  }

  #requested(client: unknown, message: Message): void {
    const request = readBroadcastRequest(message);
    if (typeof request === "string") return this.#refuse(client, message, "ValueError", request);
    if (!request.isCoalescing) return this.#spread(client, message, request);
    const { originalMsgId, targets } = request;
    if (this.#pending.has(originalMsgId)) return this.#drop("duplicateRequest", originalMsgId, null);
    if (this.#pending.size >= this.#config.pendingMax) {
      return this.#refuse(client, message, "QueueFullError", `${this.#pending.size} coalescing broadcasts are pending; wait for results before sending more`);
    }
    const open = new Set(targets.map((target) => target.engine));
    const broadcast: PendingBroadcast = { client, header: message.header, request, open, lost: [], held: new Map(), heldBytes: 0, last: null };
    this.#pending.set(originalMsgId, broadcast);
    for (const { engine } of targets) {
      if (this.#engines.has(engine)) this.#await(engine, broadcast);
      else this.#lose(engine, broadcast);
    }
    this.#spread(client, message, request);
    this.#completeIfDone(broadcast);
  }

  /** Sends each target its copy; a target of a plain broadcast that is not here is answered for. */
  #spread(client: unknown, message: Message, request: BroadcastRequest): void {
    const metadata: Dict = { ...message.metadata, original_msg_id: request.originalMsgId };
    for (const { engine, engineId } of request.targets) {
      const header = derivedHeader(message.header, request.originalMsgId, engine);
      if (this.#engines.has(engine)) this.#effects.push({ type: "sendToEngine", engine, engineId, client, message: { ...message, header, metadata } });
      else if (!request.isCoalescing) this.#failLost(client, header, request, engine);
    }
  }

  #replied(engine: EngineUuid, client: unknown, message: Message): void {
    const parent = parentMsgId(message.parentHeader) ?? "";
    const broadcast = this.#findAwaited(parent, engine);
    if (broadcast === undefined) return this.#relay(engine, client, message, parent);
    const held = framesBytes(message.buffers);
    this.#settleTarget(engine, broadcast);
    broadcast.held.set(engine, message.buffers);
    broadcast.heldBytes += held;
    // Field by field: whatever else the shell keeps with a message would be held as well.
    const { idents, header, parentHeader, metadata, content } = message;
    broadcast.last = { idents, header, parentHeader, metadata, content, buffers: [] };
    this.#heldBytes += held;
    if (this.#heldBytes > this.#config.heldBytesMax) return this.#failTooLarge(broadcast);
    this.#completeIfDone(broadcast);
  }

  /** The pending broadcast that waits for this engine's reply to this derived id. */
  #findAwaited(parent: string, engine: EngineUuid): PendingBroadcast | undefined {
    const suffix = `_${engine}`;
    if (!parent.endsWith(suffix)) return undefined;
    const broadcast = this.#pending.get(parent.slice(0, -suffix.length));
    return broadcast?.open.has(engine) === true ? broadcast : undefined;
  }

  #relay(engine: EngineUuid, client: unknown, message: Message, parent: string): void {
    if (!parent.endsWith(`_${engine}`)) return this.#drop("foreignReply", parent, engine);
    // Nobody waits for single replies to a coalescing broadcast: its client has been answered, or will be.
    if (message.metadata["is_coalescing"] === true) return this.#drop("lateReply", parent, engine);
    this.#effects.push({ type: "relayReply", client, message });
  }

  #ticked(): void {
    this.#wakeAt = null;
    for (const [engine, at] of this.#leaving) {
      if (at > this.#now) break;
      this.#leaving.delete(engine);
      for (const broadcast of this.#byEngine.get(engine) ?? []) {
        this.#settleTarget(engine, broadcast);
        broadcast.lost.push(engine);
        this.#completeIfDone(broadcast);
      }
    }
  }

  #await(engine: EngineUuid, broadcast: PendingBroadcast): void {
    const waiting = this.#byEngine.get(engine);
    if (waiting === undefined) this.#byEngine.set(engine, new Set([broadcast]));
    else waiting.add(broadcast);
  }

  /** A target that is not here when the request comes. */
  #lose(engine: EngineUuid, broadcast: PendingBroadcast): void {
    broadcast.open.delete(engine);
    broadcast.lost.push(engine);
  }

  /** A target is waited for no longer. */
  #settleTarget(engine: EngineUuid, broadcast: PendingBroadcast): void {
    broadcast.open.delete(engine);
    const waiting = this.#byEngine.get(engine);
    waiting?.delete(broadcast);
    if (waiting?.size !== 0) return;
    this.#byEngine.delete(engine);
    this.#leaving.delete(engine);
  }

  #completeIfDone(broadcast: PendingBroadcast): void {
    if (broadcast.open.size > 0) return;
    this.#forget(broadcast);
    const { client, header, request, last, lost } = broadcast;
    const dead = lost[0];
    if (dead !== undefined) return this.#failLost(client, derivedHeader(header, request.originalMsgId, dead), request, dead);
    if (last === null) return;
    const buffers = request.targets.flatMap((target) => broadcast.held.get(target.engine) ?? []);
    const metadata: Dict = { ...last.metadata, broadcast_targets: targetPairs(request.targets) };
    this.#effects.push({ type: "sendReply", client, message: { ...last, metadata, buffers } });
  }

  #forget(broadcast: PendingBroadcast): void {
    this.#pending.delete(broadcast.request.originalMsgId);
    this.#heldBytes -= broadcast.heldBytes;
    for (const engine of broadcast.open) this.#settleTarget(engine, broadcast);
  }

  #failLost(client: unknown, parentHeader: Header, request: BroadcastRequest, engine: EngineUuid): void {
    const evalue = `Engine '${engine}' died while running task '${derivedMsgId(request.originalMsgId, engine)}'`;
    this.#reply(client, parentHeader, { ...replyMetadata(request, request.targets), engine }, { ename: "EngineError", evalue });
  }

  #failTooLarge(broadcast: PendingBroadcast): void {
    const { client, header, request } = broadcast;
    const evalue = `replies held for coalescing exceed ${this.#config.heldBytesMax} bytes; broadcast without coalescing, or fetch less at a time`;
    this.#forget(broadcast);
    this.#reply(client, header, replyMetadata(request, request.targets), { ename: "QueueFullError", evalue });
  }

  /** Answers a request that is not accepted. */
  #refuse(client: unknown, message: Message, ename: string, evalue: string): void {
    const isCoalescing = message.metadata["is_coalescing"] === true;
    this.#reply(client, message.header, replyMetadata({ isCoalescing, originalMsgId: message.header.msg_id }, []), { ename, evalue });
  }

  #reply(client: unknown, parentHeader: Header, metadata: Dict, failure: { readonly ename: string; readonly evalue: string }): void {
    const msgType = replyType(parentHeader.msg_type);
    this.#effects.push({ type: "replyFailure", client, failure: { msgType, parentHeader, metadata, content: errorContent(failure) } });
  }

  #drop(reason: BroadcastDropReason, id: string | null, engine: EngineUuid | null): void {
    this.#dropped[reason] += 1;
    this.#effects.push({ type: "dropped", reason, msgId: id === null ? null : msgId(id), engine });
  }

  #announceWake(): void {
    const earliest = this.#leaving.values().next().value;
    if (earliest === undefined || (this.#wakeAt !== null && this.#wakeAt <= earliest)) return;
    this.#wakeAt = earliest;
    this.#effects.push({ type: "wakeAt", at: earliest });
  }
}

/** Metadata by which a client recognises the reply to a broadcast. */
function replyMetadata(request: Pick<BroadcastRequest, "isCoalescing" | "originalMsgId">, targets: readonly BroadcastTarget[]): Dict {
  return {
    status: "error",
    is_broadcast: true,
    is_coalescing: request.isCoalescing,
    original_msg_id: request.originalMsgId,
    ...(request.isCoalescing && targets.length > 0 ? { broadcast_targets: targetPairs(targets) } : {}),
  };
}
