// The broadcast channel (protocol §3.5): one root socket for clients, one leaf or more for engines. The machine decides
// who gets what and when a reply is complete; here messages are unpacked, signed and sent.

import { engineUuid, type Clock, type EngineUuid } from "../base/index.ts";
import type { BroadcastEffect, BroadcastEvent, BroadcastScheduler } from "../core/index.ts";
import type { BoundSocket } from "../net/index.ts";
import { splitFrames, type Frame, type Message, type RawMessage, type Session } from "../wire/index.ts";
import { CodeSieve } from "./code-sieve.ts";
import type { CodeTable } from "./code-table.ts";
import type { Drops } from "./drops.ts";
import type { RoutedEngine } from "./hub-link.ts";
import type { Monitor } from "./monitor.ts";
import { WakeTimer } from "./wake-timer.ts";

/** What the broadcast channel works with. */
export interface BroadcastRouterParts {
  readonly root: BoundSocket;
  readonly leaves: readonly BoundSocket[];
  readonly scheduler: BroadcastScheduler<Frame>;
  readonly session: Session;
  readonly clock: Clock;
  readonly drops: Drops;
  readonly monitor: Monitor;
  readonly codes: CodeTable;
}

/** A message with the frames it came in, so that it can go on unchanged. */
interface FramedMessage extends Message {
  readonly frames: readonly Frame[];
}

/** Routes broadcasts. */
export class BroadcastRouter {
  readonly #parts: BroadcastRouterParts;
  readonly #timer: WakeTimer;
  readonly #sieve: CodeSieve;
  #fromEngines = 0;

  constructor(parts: BroadcastRouterParts) {
    this.#parts = parts;
    this.#sieve = new CodeSieve(parts.codes);
    this.#timer = new WakeTimer(parts.clock, (at) => this.#feed({ type: "ticked", at }));
  }

  /** Messages received from engines. */
  get fromEngines(): number {
    return this.#fromEngines;
  }

  /** Starts to receive. */
  start(): void {
    this.#parts.root.receive((frames) => this.#fromClient(frames));
    for (const leaf of this.#parts.leaves) leaf.receive((frames) => this.#fromEngine(frames));
  }

  engineJoined({ uuid, keepsCode }: RoutedEngine): void {
    this.#sieve.engineJoined(uuid, keepsCode);
    this.#feed({ type: "engineJoined", at: this.#parts.clock.now(), engine: uuid });
  }

  /** An engine misses code of this request: all of it, unless it was answered already. */
  codeOf(engine: EngineUuid, requestId: string): readonly Frame[] | undefined {
    return this.#sieve.asked(engine, requestId);
  }

  engineLeft(engine: EngineUuid): void {
    this.#sieve.engineLeft(engine);
    this.#feed({ type: "engineLeft", at: this.#parts.clock.now(), engine });
  }

  /** No more timers. */
  close(): void {
    this.#timer.clear();
  }

  #fromClient(frames: Frame[]): void {
    const { session, clock, drops, monitor } = this.#parts;
    const parsed = session.parse(frames);
    if (!parsed.ok) return drops.count("broadcast.client", parsed.reason);
    const client = parsed.value.idents[0];
    if (client === undefined) return drops.count("broadcast.client", "tooFewIdents");
    monitor.request("broadcastRequest", undefined, splitFrames(frames) as RawMessage);
    this.#feed({ type: "requested", at: clock.now(), client, message: parsed.value });
  }

  #fromEngine(frames: Frame[]): void {
    this.#fromEngines += 1;
    const { session, clock, drops } = this.#parts;
    const parsed = session.parse(frames);
    if (!parsed.ok) return drops.count("broadcast.engine", parsed.reason);
    const [source, client] = parsed.value.idents;
    if (source === undefined || client === undefined) return drops.count("broadcast.engine", "tooFewIdents");
    const message: FramedMessage = { ...parsed.value, frames };
    const engine = engineUuid(session.text.decode(source));
    const requestId = parsed.value.parentHeader["msg_id"];
    if (typeof requestId === "string") this.#sieve.answered(engine, requestId);
    this.#feed({ type: "replied", at: clock.now(), engine, client, message });
  }

  #feed(event: BroadcastEvent<Frame>): void {
    for (const effect of this.#parts.scheduler.handle(event)) this.#perform(effect);
  }

  #perform(effect: BroadcastEffect<Frame>): void {
    switch (effect.type) {
      case "sendToEngine":
        return this.#sendToEngine(effect);
      case "relayReply": {
        const { frames, idents } = effect.message as FramedMessage;
        return this.#reply(effect.client, frames.slice(idents.length), effect.message);
      }
      case "sendReply":
        return this.#reply(effect.client, this.#parts.session.rebuild({ ...effect.message, idents: [] }), effect.message);
      case "replyFailure": {
        const { msgType, parentHeader, metadata, content } = effect.failure;
        return this.#reply(effect.client, this.#parts.session.build(msgType, content, { parent: parentHeader, metadata }), { parentHeader });
      }
      case "wakeAt":
        return this.#timer.set(effect.at);
      case "dropped":
        return this.#parts.drops.count("broadcast.scheduler", effect.reason);
    }
  }

  #sendToEngine(effect: BroadcastEffect<Frame> & { type: "sendToEngine" }): void {
    const { leaves, session, drops } = this.#parts;
    const leaf = leaves[effect.engineId % leaves.length];
    const buffers = this.#sieve.sift(effect.engine, effect.message.header.msg_id, effect.message.buffers);
    const frames = session.rebuild({ ...effect.message, buffers, idents: [session.text.encode(effect.engine), effect.client] });
    if (leaf === undefined || !leaf.send(frames)) drops.count("broadcast.client", "queueFull");
  }

  /** Sends `[client] D…` and tells the Hub. */
  #reply(client: Frame, frames: readonly Frame[], message: Pick<Message, "parentHeader">): void {
    const { root, drops, monitor } = this.#parts;
    const requestId = message.parentHeader["msg_id"];
    if (typeof requestId === "string") monitor.reply("broadcastReply", undefined, requestId, splitFrames(frames) as RawMessage);
    if (!root.send([client, ...frames])) drops.count("broadcast.engine", "queueFull");
  }
}
