// Carries out what the registration and heart machines order: replies on the registration socket, notifications,
// pings, and the words to the router. All policy is in the machines.

import { engineUuid, type Clock, type EngineId } from "../base/index.ts";
import {
  Hearts,
  Registration,
  type EngineEntry,
  type EngineTable,
  type HeartConfig,
  type HeartEvent,
  type RegistrationConfig,
  type RegistrationEffect,
  type RegistrationEvent,
} from "../core/index.ts";
import type { Logger } from "../log/index.ts";
import type { BoundSocket } from "../net/index.ts";
import { errorContent, keepsCode, PACKING_OFFER, type Dict, type Frame, type NotificationType, type Session } from "../wire/index.ts";
import type { Drops } from "./drops.ts";
import type { EngineTableFile } from "./engine-table.ts";
import type { HubEnd, RoutedEngine } from "./hub-link.ts";
import { WakeTimer } from "./wake-timer.ts";

/** What the registry works with. */
export interface RegistryParts {
  readonly registration: BoundSocket;
  readonly notification: BoundSocket;
  readonly ping: BoundSocket;
  readonly pong: BoundSocket;
  readonly link: HubEnd;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly drops: Drops;
  readonly hearts: HeartConfig;
  readonly config: RegistrationConfig;
  readonly table: EngineTableFile;
}

/** Registration and hearts of one Hub. */
export class Registry {
  readonly #parts: RegistryParts;
  readonly #machine: Registration;
  readonly #hearts: Hearts;
  readonly #expiryTimer: WakeTimer;
  readonly #heartTimer: WakeTimer;
  #engineConnection: Dict = {};

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.#machine = new Registration(parts.config);
    this.#hearts = new Hearts(parts.hearts, parts.clock.now());
    this.#expiryTimer = new WakeTimer(parts.clock, (at) => this.handle({ type: "ticked", at }));
    this.#heartTimer = new WakeTimer(parts.clock, (at) => this.#heart({ type: "ticked", at }));
  }

  /** Engines that clients may see. */
  get engines(): readonly EngineEntry[] {
    return this.#machine.visible;
  }

  /** The visible engine of this id. */
  find(id: EngineId): EngineEntry | undefined {
    return this.#machine.findById(id);
  }

  /** Registrations that wait for their first heartbeat. */
  get pendingCount(): number {
    return this.#machine.pendingCount;
  }

  /** Starts to ping and to listen to pongs. */
  start(engineConnection: Dict, restored: EngineTable | undefined): void {
    this.#engineConnection = engineConnection;
    this.#parts.pong.receive((frames) => this.#ponged(frames));
    this.#heartTimer.set(this.#hearts.wakeAt);
    if (restored !== undefined) this.handle({ type: "tableRestored", at: this.#parts.clock.now(), table: restored });
  }

  /** Takes one fact. */
  handle(event: RegistrationEvent): void {
    for (const effect of this.#machine.handle(event)) this.#perform(effect);
  }

  /** Publishes one of the three notifications. */
  publish(type: NotificationType, content: Dict, parent?: Dict): void {
    const { notification, session, drops } = this.#parts;
    const frames = session.build(type, content, parent === undefined ? {} : { parent });
    if (!notification.send(frames)) drops.count("notification", "queueFull");
  }

  /** No more timers; the table is written. */
  close(): void {
    this.#expiryTimer.clear();
    this.#heartTimer.clear();
    this.#parts.table.flush();
  }

  #ponged(frames: readonly Frame[]): void {
    const [identity, text] = frames;
    if (identity === undefined || text === undefined || frames.length !== 2) return this.#parts.drops.count("hb_pong", "badPong");
    const codec = this.#parts.session.text;
    this.#heart({ type: "ponged", at: this.#parts.clock.now(), uuid: engineUuid(codec.decode(identity)), text: codec.decode(text) });
  }

  #heart(event: HeartEvent): void {
    const { clock, ping, session, logger } = this.#parts;
    for (const effect of this.#hearts.handle(event)) {
      switch (effect.type) {
        case "sendPing":
          ping.send([session.text.encode(effect.text)]);
          break;
        case "heartStarted":
          this.handle({ type: "heartBeat", at: clock.now(), uuid: effect.uuid });
          break;
        case "heartStopped":
          logger.warn("heart stopped", { uuid: effect.uuid, misses: effect.misses });
          this.handle({ type: "engineEnded", at: clock.now(), uuid: effect.uuid, cause: "its heart stopped" });
          break;
        case "wakeAt":
          this.#heartTimer.set(effect.at);
          break;
      }
    }
  }

  #perform(effect: RegistrationEffect): void {
    const { clock, link, logger, table } = this.#parts;
    switch (effect.type) {
      case "replyRegistered":
        logger.debug("registration requested", { id: effect.engine.id, uuid: effect.engine.uuid });
        return this.#reply(effect.peer, {
          id: effect.engine.id,
          status: "ok",
          hb_period: this.#parts.hearts.periodMs,
          ...PACKING_OFFER,
          connection_info: this.#engineConnection,
        });
      case "replyRefused":
        logger.warn("registration refused", { cause: effect.evalue });
        return this.#reply(effect.peer, errorContent({ ename: effect.ename, evalue: effect.evalue, traceback: [`${effect.ename}: ${effect.evalue}`] }));
      case "watchHeart":
        return this.#heart({ type: "watched", at: clock.now(), uuid: effect.uuid });
      case "forgetHeart":
        return this.#heart({ type: "forgotten", at: clock.now(), uuid: effect.uuid });
      case "admitEngine":
        return link.post({ type: "admitEngine", engine: routed(effect.engine) });
      case "expelEngine":
        return link.post({ type: "expelEngine", engine: routed(effect.engine) });
      case "publishRegistration":
        logger.info("engine registered", { id: effect.engine.id, uuid: effect.engine.uuid });
        return this.publish("registration_notification", { id: effect.engine.id, uuid: effect.engine.uuid, properties: effect.engine.properties });
      case "publishUnregistration":
        logger.info("engine left", { id: effect.engine.id, uuid: effect.engine.uuid, cause: effect.cause });
        return this.publish("unregistration_notification", { id: effect.engine.id, uuid: effect.engine.uuid });
      case "registrationExpired":
        return logger.warn("registration expired without a heartbeat", { id: effect.engine.id, uuid: effect.engine.uuid });
      case "persistTable":
        return table.put(() => this.#machine.table());
      case "wakeAt":
        return this.#expiryTimer.setEarlier(effect.at);
    }
  }

  /** `registration_reply` has an empty parent header, as in the reference. */
  #reply(peer: readonly Frame[], content: Dict): void {
    const { registration, session, drops } = this.#parts;
    if (!registration.send(session.build("registration_reply", content, { idents: peer }))) drops.count("registration", "queueFull");
  }
}

/** An engine in few words. One that says nothing of prefetch and code, as Python's, has neither. */
function routed({ id, uuid, properties }: EngineEntry): RoutedEngine {
  return { id, uuid, canPrefetch: properties["prefetch"] === 1, keepsCode: keepsCode(properties) };
}
