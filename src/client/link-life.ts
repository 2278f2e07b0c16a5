// The shell around the watch over the controller: it owns the connection, keeps its timer, asks, looks for another address,
// and has the link told. What is done when is the watch's business (`core/client/controller-watch.ts`).

import { millis, type Clock, type Millis } from "../base/index.ts";
import { ControllerWatch, type WatchEffect, type WatchEvent } from "../core/client/index.ts";
import type { Logger } from "../log/index.ts";
import { Connection, type ConnectionHandlers, type Endpoint } from "./connection.ts";
import type { WaitOptions } from "./wait-for.ts";

/** How a client is told that its controller is there again. */
export interface ControllerReturn {
  /** It is the one that was there before: only the connection was lost. */
  readonly isSameLife: boolean;
}

/** How what is outstanding is looked after. */
export interface ResumeOptions extends ControllerReturn {
  /** The controller is at another address: engines of the one before do not find it. */
  readonly isElsewhere: boolean;
  /** Aborts when the controller goes again. */
  readonly signal: AbortSignal;
}

/** What a link does on the life's behalf. */
export interface LifeHooks {
  readonly handlers: Omit<ConnectionHandlers, "onConnected" | "onDisconnected">;
  /** Nothing is to be sent any more. */
  readonly lost: (sentence: string) => void;
  /** Asks the Hub for its engines; `listed` is told by the link. */
  readonly list: (options: WaitOptions) => Promise<unknown>;
  /** Looks after what is outstanding. */
  readonly resume: (options: ResumeOptions) => Promise<void>;
  readonly back: (how: ControllerReturn) => void;
  /** Everything is over. */
  readonly giveUp: (reason: string) => void;
}

/** What a life is made of. */
export interface LifeParts {
  readonly endpoint: Endpoint;
  /** Where a controller has announced itself since; `undefined`: nowhere else. Never rejects. Default: nobody can know. */
  readonly findEndpoint?: ((current: Endpoint) => Promise<Endpoint | undefined>) | undefined;
  /** From the loss of the controller until everything is given up, in milliseconds. */
  readonly reconnectMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long the Hub may take to list its engines, when it has just come back. */
const ASK_MS = 5000;
/** How long the channels may take to stand. */
const CHANNELS_MS = 2000;
/** Longest delay of a timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The connection of one client, over all lives of its controller. */
export class LinkLife {
  readonly #parts: LifeParts;
  readonly #hooks: LifeHooks;
  readonly #watch: ControllerWatch;
  #connection: Connection;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isElsewhere = false;
  /** Ends what was begun for a controller that has gone again. */
  #efforts = new AbortController();

  constructor(parts: LifeParts, hooks: LifeHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
    this.#watch = new ControllerWatch({ reconnectMs: parts.reconnectMs });
    this.#connection = this.#connect(parts.endpoint);
    this.#connection.openChannels();
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** `lost`: nobody is there to be asked; `resuming`: a controller is there, and what was outstanding is looked after. */
  get state(): ControllerWatch["state"] {
    return this.#watch.state;
  }

  /** A message of the Hub came; a listing only when the link has taken it. */
  heard(type: "heard" | "listed", life: string): void {
    this.#handle({ type, at: this.#now, life });
  }

  /** Ends the watch; the connection is for the link to close. */
  close(): void {
    this.#handle({ type: "closed" });
    this.#efforts.abort();
    clearTimeout(this.#timer);
  }

  get #now(): Millis {
    return this.#parts.clock.now();
  }

  #connect(endpoint: Endpoint): Connection {
    return new Connection(endpoint, {
      ...this.#hooks.handlers,
      onConnected: () => this.#handle({ type: "connected", at: this.#now }),
      onDisconnected: () => this.#handle({ type: "disconnected", at: this.#now }),
    });
  }

  #handle(event: WatchEvent): void {
    const before = this.#watch.state;
    const effects = this.#watch.handle(event);
    if (this.#watch.state === "lost" && before !== "lost") this.#stopEfforts();
    for (const effect of effects) this.#perform(effect);
  }

  /** The controller has gone: whatever is under way with it has no aim any more. */
  #stopEfforts(): void {
    this.#efforts.abort();
    this.#efforts = new AbortController();
    this.#connection.dropChannels();
  }

  #perform(effect: WatchEffect): void {
    switch (effect.type) {
      case "tellLost":
        return this.#tellLost();
      case "look":
        void this.#look(); // Does not reject.
        return;
      case "ask":
        void this.#ask(); // Does not reject.
        return;
      case "resume":
        void this.#resume(effect.isSameLife); // Does not reject.
        return;
      case "tellBack":
        this.#isElsewhere = false;
        this.#parts.logger.info("controller is back", { address: this.#connection.url, restarted: !effect.isSameLife });
        return this.#hooks.back({ isSameLife: effect.isSameLife });
      case "giveUp":
        return this.#giveUp();
      case "wakeAt":
        return this.#wakeAt(effect.at);
    }
  }

  #tellLost(): void {
    const { reconnectMs, logger } = this.#parts;
    const { url } = this.#connection;
    logger.warn("controller went away", { address: url, reconnectMs });
    const patience = reconnectMs === Infinity ? "" : `; results wait ${reconnectMs / 1000} s for it to come back`;
    this.#hooks.lost(`the controller at ${url} went away${patience}`);
  }

  #giveUp(): void {
    clearTimeout(this.#timer);
    const { reconnectMs, logger } = this.#parts;
    const { url } = this.#connection;
    logger.error("controller did not come back; the client is closed", { address: url, reconnectMs });
    const patience = reconnectMs === 0 ? "" : ` and did not come back within ${reconnectMs / 1000} s`;
    this.#hooks.giveUp(`the controller at ${url} went away${patience}`);
  }

  #wakeAt(at: Millis): void {
    clearTimeout(this.#timer);
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(at - this.#now)));
    this.#timer = setTimeout(() => this.#handle({ type: "ticked", at: millis(Math.max(at, this.#now)) }), delayMs);
  }

  async #look(): Promise<void> {
    const { findEndpoint } = this.#parts;
    if (findEndpoint === undefined || this.#isLooking) return;
    this.#isLooking = true;
    const found = await findEndpoint(this.#connection.endpoint);
    this.#isLooking = false;
    if (found === undefined) return;
    if (this.#watch.state !== "lost") {
      if (found.transport !== this.#connection.endpoint.transport) await found.transport.close();
      return;
    }
    this.#parts.logger.info("the controller has a new address", { address: `${found.interface}:${found.info.registration}` });
    this.#isElsewhere = true;
    const former = this.#connection;
    this.#handle({ type: "disconnected", at: this.#now });
    this.#connection = this.#connect(found);
    // Nobody waits for it: there is nothing in it that could be delivered.
    void former.abort(found);
  }

  async #ask(): Promise<void> {
    try {
      await this.#hooks.list({ timeoutMs: ASK_MS, signal: this.#efforts.signal });
    } catch {
      // Silent, or gone again: the watch decides when to ask again.
      this.#handle({ type: "unanswered", at: this.#now });
    }
  }

  async #resume(isSameLife: boolean): Promise<void> {
    const { signal } = this.#efforts;
    try {
      await this.#connection.standChannels(CHANNELS_MS);
      await this.#hooks.resume({ isSameLife, isElsewhere: this.#isElsewhere, signal });
      if (!signal.aborted) this.#handle({ type: "resumed", at: this.#now });
    } catch (cause) {
      if (signal.aborted) return;
      this.#parts.logger.warn("the controller that came back does not answer", { cause });
      this.#handle({ type: "unanswered", at: this.#now });
    }
  }
}
