// Hearts: is the engine still there? Every period one ping goes to all engines, and each answers with the same bytes.
// A heart that was silent for more than `missesMax` periods in a row has stopped.
//
// While somebody waits for a first beat (a registration), pings go out more often: after 10 ms, then at doubling
// intervals, but never so often that many engines flood the Hub. Such extra pings count no misses. A tick that comes
// much too late (the process was stopped, or busy) counts none either: the silence was ours.

import { invariant, millis, type EngineUuid, type Millis } from "../../base/index.ts";

/** Past facts about hearts. */
export type HeartEvent =
  /** An engine registers: its heart is waited for. */
  | { readonly type: "watched"; readonly at: Millis; readonly uuid: EngineUuid }
  | { readonly type: "forgotten"; readonly at: Millis; readonly uuid: EngineUuid }
  | { readonly type: "ponged"; readonly at: Millis; readonly uuid: EngineUuid; readonly text: string }
  | { readonly type: "ticked"; readonly at: Millis };

/** Orders to the shell. */
export type HeartEffect =
  | { readonly type: "sendPing"; readonly text: string }
  /** The first valid pong since this heart is watched. */
  | { readonly type: "heartStarted"; readonly uuid: EngineUuid }
  | { readonly type: "heartStopped"; readonly uuid: EngineUuid; readonly misses: number }
  | { readonly type: "wakeAt"; readonly at: Millis };

/** How hearts are listened to. */
export interface HeartConfig {
  /** Milliseconds between pings; the default of the protocol is 3000. */
  readonly periodMs: number;
  /** Silent periods in a row that are forgiven; default 10: the next one stops the heart. */
  readonly missesMax: number;
}

interface Heart {
  hasBeaten: boolean;
  /** A pong came since the last regular ping. */
  isHeard: boolean;
  misses: number;
}

/** First interval of the extra pings, in milliseconds; each following one is twice as long. */
const EAGER_FIRST_MS = 10;
/** Extra pings come at most so often that a thousand hearts answer every 500 ms. */
const EAGER_PER_HEART_MS = 0.5;
/** Pings that are remembered as answerable: an answer to an older one proves nothing of now. */
const RECENT_PINGS = 64;

/** The machine. */
export class Hearts {
  readonly #config: HeartConfig;
  readonly #startedAt: Millis;
  readonly #hearts = new Map<EngineUuid, Heart>();
  /** How many hearts have not beaten yet: the count over `#hearts`. */
  #waiting = 0;
  /** Texts of the last pings, youngest last. */
  readonly #recent = new Set<string>();
  #nextPeriodAt: Millis;
  /** When the next extra ping is due; `undefined` while nobody waits. */
  #eagerAt: Millis | undefined;
  #eagerMs = EAGER_FIRST_MS;
  #lastText = "";

  constructor(config: HeartConfig, now: Millis) {
    this.#config = config;
    this.#startedAt = now;
    this.#nextPeriodAt = millis(now + config.periodMs);
  }

  /** How many hearts are listened for. */
  get size(): number {
    return this.#hearts.size;
  }

  /** When the next tick is wanted. */
  get wakeAt(): Millis {
    return this.#eagerAt === undefined || this.#eagerAt > this.#nextPeriodAt ? this.#nextPeriodAt : this.#eagerAt;
  }

  /** Takes one event and tells what is to be done. */
  handle(event: HeartEvent): HeartEffect[] {
    switch (event.type) {
      case "watched":
        return this.#watched(event.uuid, event.at);
      case "forgotten":
        this.#forget(event.uuid);
        return [];
      case "ponged":
        return this.#ponged(event.uuid, event.text);
      case "ticked":
        return this.#ticked(event.at);
    }
  }

  #watched(uuid: EngineUuid, at: Millis): HeartEffect[] {
    this.#forget(uuid);
    this.#hearts.set(uuid, { hasBeaten: false, isHeard: true, misses: 0 });
    this.#waiting += 1;
    this.#eagerMs = Math.max(EAGER_FIRST_MS, this.#hearts.size * EAGER_PER_HEART_MS);
    const soon = millis(at + this.#eagerMs);
    // Registrations that follow each other closely must not put the ping off again and again.
    if (this.#eagerAt === undefined || this.#eagerAt > soon) this.#eagerAt = soon;
    return [{ type: "wakeAt", at: this.wakeAt }];
  }

  #forget(uuid: EngineUuid): void {
    const heart = this.#hearts.get(uuid);
    if (heart === undefined) return;
    this.#hearts.delete(uuid);
    if (!heart.hasBeaten) this.#waiting -= 1;
    if (this.#waiting === 0) this.#eagerAt = undefined;
  }

  #ponged(uuid: EngineUuid, text: string): HeartEffect[] {
    const heart = this.#hearts.get(uuid);
    if (heart === undefined || !this.#recent.has(text)) return [];
    heart.isHeard = true;
    heart.misses = 0;
    if (heart.hasBeaten) return [];
    heart.hasBeaten = true;
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#eagerAt = undefined;
    return [{ type: "heartStarted", uuid }];
  }

  #ticked(at: Millis): HeartEffect[] {
    if (at >= this.#nextPeriodAt) return this.#period(at);
    if (this.#eagerAt === undefined || at < this.#eagerAt) return [{ type: "wakeAt", at: this.wakeAt }];
    return [this.#ping(at), { type: "wakeAt", at: this.wakeAt }];
  }

  #period(at: Millis): HeartEffect[] {
    const isLate = at - this.#nextPeriodAt > this.#config.periodMs;
    const effects: HeartEffect[] = isLate ? [] : this.#countMisses();
    this.#nextPeriodAt = millis(at + this.#config.periodMs);
    effects.push(this.#ping(at), { type: "wakeAt", at: this.wakeAt });
    return effects;
  }

  #countMisses(): HeartEffect[] {
    const stopped: HeartEffect[] = [];
    for (const [uuid, heart] of this.#hearts) {
      // A heart that never beat belongs to a registration, which has its own time limit.
      if (!heart.hasBeaten) continue;
      if (!heart.isHeard) heart.misses += 1;
      heart.isHeard = false;
      if (heart.misses > this.#config.missesMax) stopped.push({ type: "heartStopped", uuid, misses: heart.misses });
    }
    for (const effect of stopped) if (effect.type === "heartStopped") this.#forget(effect.uuid);
    return stopped;
  }

  #ping(at: Millis): HeartEffect {
    const text = this.#freshText(at);
    this.#recent.add(text);
    if (this.#recent.size > RECENT_PINGS) this.#recent.delete(this.#recent.values().next().value as string);
    this.#lastText = text;
    if (this.#waiting > 0) {
      this.#eagerAt = millis(at + this.#eagerMs);
      this.#eagerMs = Math.min(this.#eagerMs * 2, this.#config.periodMs);
    }
    return { type: "sendPing", text };
  }

  /** Elapsed seconds as a decimal, as the reference writes them; two pings in a row never look the same. */
  #freshText(at: Millis): string {
    const text = String((at - this.#startedAt) / 1000);
    return text === this.#lastText ? `${text.includes(".") ? text : `${text}.`}01` : text;
  }

  /** Asserts every invariant. */
  validate(): void {
    let waiting = 0;
    for (const heart of this.#hearts.values()) if (!heart.hasBeaten) waiting += 1;
    invariant(waiting === this.#waiting, () => `${waiting} hearts have not beaten and ${this.#waiting} are counted`);
    invariant(
      (this.#eagerAt !== undefined) === this.#waiting > 0,
      () => `extra pings are ${this.#eagerAt === undefined ? "off" : "on"} while ${this.#waiting} hearts are waited for`,
    );
    invariant(this.#recent.size <= RECENT_PINGS, () => `${this.#recent.size} pings are remembered`);
    for (const [uuid, heart] of this.#hearts) invariant(heart.misses <= this.#config.missesMax, () => `the stopped heart ${uuid} is still listened for`);
  }
}
