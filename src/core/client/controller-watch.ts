// Whether the controller is there, and whether it is still the one it was. A controller's life is named by the session of its
// Hub, which every message of the Hub carries and each start makes anew, Python's too.
//
//   here     --its connection ended, or another life was heard--> lost         (told once)
//   lost     --a listing came through a standing connection--> resuming
//   resuming --everything outstanding was looked after--> here                 (told back)
//   resuming --connection ended, Hub silent--> lost                            (the same loss goes on: not told again)
//   lost     --deadline--> gone;   any --closed--> gone
//
// While it is lost the Hub is asked as soon as a connection stands, and again after growing pauses; at each of these one
// also looks whether a controller has announced itself at another address. The life counts as known only when the client has
// resumed with it: whoever is lost in between comes back as another life to requests of the one before. Invariants: see `validate`.

import { invariant, millis, type Millis } from "../../base/index.ts";

/** What the watch is told. */
export type WatchEvent =
  | { readonly type: "connected"; readonly at: Millis }
  | { readonly type: "disconnected"; readonly at: Millis }
  /** A message of the Hub came that is no listing. */
  | { readonly type: "heard"; readonly at: Millis; readonly life: string }
  /** The Hub told its engines. */
  | { readonly type: "listed"; readonly at: Millis; readonly life: string }
  /** The Hub did not answer when it was asked, or while the client resumed. */
  | { readonly type: "unanswered"; readonly at: Millis }
  /** What was outstanding is looked after. */
  | { readonly type: "resumed"; readonly at: Millis }
  | { readonly type: "ticked"; readonly at: Millis }
  | { readonly type: "closed" };

/** What the watch orders. */
export type WatchEffect =
  /** Nothing is sent any more; the user is to hear of it. */
  | { readonly type: "tellLost" }
  /** Look for another address. */
  | { readonly type: "look" }
  /** Ask the Hub for its engines; `listed` or `unanswered` is to follow. */
  | { readonly type: "ask" }
  /** Look after what is outstanding; `resumed` or `unanswered` is to follow. */
  | { readonly type: "resume"; readonly isSameLife: boolean }
  /** Sending goes on; the user is to hear of it. */
  | { readonly type: "tellBack"; readonly isSameLife: boolean }
  /** End everything. */
  | { readonly type: "giveUp" }
  | { readonly type: "wakeAt"; readonly at: Millis };

/** How long is waited. */
export interface WatchConfig {
  /** From the loss until everything is given up, in milliseconds. */
  readonly reconnectMs: number;
}

type WatchState =
  | { readonly state: "here" }
  | {
      readonly state: "lost";
      readonly since: Millis;
      readonly isConnected: boolean;
      readonly isAsking: boolean;
      readonly tryAt: Millis;
      readonly pauseMs: number;
    }
  | { readonly state: "resuming"; readonly since: Millis; readonly life: string; readonly isConnected: true }
  | { readonly state: "gone" };
type Lost = WatchState & { readonly state: "lost" };

const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 5000;
const NOTHING: readonly never[] = [];

/** The watch over one controller, from its first listing on. Total: never throws on anything a peer sent. */
export class ControllerWatch {
  readonly #reconnectMs: number;
  #state: WatchState = { state: "here" };
  /** The life that the client knows, once it has one. */
  #life: string | undefined;

  constructor(config: WatchConfig) {
    this.#reconnectMs = config.reconnectMs;
  }

  /** Where it stands. */
  get state(): WatchState["state"] {
    return this.#state.state;
  }

  /** Takes one event; gives the orders that follow from it, to be performed in order. */
  handle(event: WatchEvent): readonly WatchEffect[] {
    if (this.#state.state === "gone") return NOTHING;
    switch (event.type) {
      case "connected":
        return this.#connected(event.at);
      case "disconnected":
        return this.#disconnected(event.at);
      case "heard":
        return this.#heard(event.at, event.life);
      case "listed":
        return this.#listed(event.at, event.life);
      case "unanswered":
        return this.#unanswered(event.at);
      case "resumed":
        return this.#resumed();
      case "ticked":
        return this.#ticked(event.at);
      case "closed":
        this.#state = { state: "gone" };
        return NOTHING;
    }
  }

  #connected(at: Millis): readonly WatchEffect[] {
    const held = this.#state;
    // A connection that stands again without having ended is a new peer's too: a listing tells whose.
    if (held.state !== "lost" || held.isConnected) return NOTHING;
    return this.#try({ ...held, isConnected: true, pauseMs: PAUSE_FIRST_MS }, at);
  }

  #disconnected(at: Millis): readonly WatchEffect[] {
    const held = this.#state;
    // Before the first listing it is for whoever waits for that.
    if (this.#life === undefined) return NOTHING;
    if (held.state === "here") return [{ type: "tellLost" }, ...this.#lose(at, at, false)];
    if (held.state === "resuming") return this.#lose(held.since, at, false);
    // The question that was under way died with its connection.
    if (held.state === "lost") this.#state = { ...held, isConnected: false, isAsking: false };
    return NOTHING;
  }

  #heard(at: Millis, life: string): readonly WatchEffect[] {
    const held = this.#state;
    if (held.state === "here" && this.#life !== undefined && life !== this.#life) return [{ type: "tellLost" }, ...this.#lose(at, at, true)];
    if (held.state === "resuming" && life !== held.life) return this.#lose(held.since, at, true);
    return NOTHING;
  }

  #listed(at: Millis, life: string): readonly WatchEffect[] {
    const held = this.#state;
    if (held.state === "here" && this.#life === undefined) {
      this.#life = life;
      return NOTHING;
    }
    // What a controller said just before its end may be read after it.
    if (held.state !== "lost" || !held.isConnected) return this.#heard(at, life);
    this.#state = { state: "resuming", since: held.since, life, isConnected: true };
    return [{ type: "resume", isSameLife: life === this.#life }];
  }

  #unanswered(at: Millis): readonly WatchEffect[] {
    const held = this.#state;
    if (held.state === "resuming") return this.#lose(held.since, at, true);
    if (held.state === "lost") this.#state = { ...held, isAsking: false };
    return NOTHING;
  }

  #resumed(): readonly WatchEffect[] {
    const held = this.#state;
    if (held.state !== "resuming") return NOTHING;
    const isSameLife = held.life === this.#life;
    this.#life = held.life;
    this.#state = { state: "here" };
    return [{ type: "tellBack", isSameLife }];
  }

  #ticked(at: Millis): readonly WatchEffect[] {
    const held = this.#state;
    if (held.state !== "lost") return NOTHING;
    if (at >= held.since + this.#reconnectMs) {
      this.#state = { state: "gone" };
      return [{ type: "giveUp" }];
    }
    if (at < held.tryAt) return [this.#wake(held)];
    return this.#try(held, at);
  }

  #lose(since: Millis, at: Millis, isConnected: boolean): readonly WatchEffect[] {
    if (at >= since + this.#reconnectMs) {
      this.#state = { state: "gone" };
      return [{ type: "giveUp" }];
    }
    // Not at once when a Hub that is there has just failed to answer.
    const held: Lost = { state: "lost", since, isConnected, isAsking: false, tryAt: millis(at + PAUSE_FIRST_MS), pauseMs: PAUSE_FIRST_MS };
    this.#state = held;
    return [this.#wake(held)];
  }

  #try(held: Lost, at: Millis): readonly WatchEffect[] {
    const asks = held.isConnected && !held.isAsking;
    const pauseMs = Math.min(PAUSE_MAX_MS, 2 * held.pauseMs);
    const next: Lost = { ...held, isAsking: held.isAsking || asks, tryAt: millis(at + pauseMs), pauseMs };
    this.#state = next;
    return [{ type: "look" }, ...(asks ? ([{ type: "ask" }] as const) : []), this.#wake(next)];
  }

  #wake(held: Lost): WatchEffect {
    return { type: "wakeAt", at: millis(Math.min(held.tryAt, held.since + this.#reconnectMs)) };
  }

  /** Asserts every invariant. */
  validate(): void {
    const held = this.#state;
    if (held.state === "resuming" || held.state === "lost") invariant(this.#life !== undefined, () => `the controller is ${held.state} and was never there`);
    if (held.state !== "lost") return;
    invariant(!held.isAsking || held.isConnected, () => "the Hub is asked through no connection");
    invariant(held.pauseMs <= PAUSE_MAX_MS, () => `the pause is ${held.pauseMs} ms`);
  }
}
