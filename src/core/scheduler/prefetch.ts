// Prefetch: an engine that answers quickly may hold more than one task, so that the next one is there when it needs it and
// a task costs no round through the router. And its undoing: when such an engine falls silent, one of its tasks is long,
// and the engine is asked to give back those it has not started.
//
// Per engine: nothing is known ─> depth 1 ─(a few replies)─> depth by the mean time between replies
//                  ^                                            │ silent for too long with more than one task
//                  └──────────(recalled)──── recall outstanding <┘      nothing is sent to it meanwhile
//
// Very short tasks (messages of one item) go ahead by the handful; those of some tens of milliseconds (chunks of a map) one
// at a time, which spares the engine the wait for its next one. Silence is judged by the pace: RECALL_AFTER_MS or three times
// the mean, so that a task sent ahead waits behind a long one for 150 ms at most.
//
// Only plain tasks are prefetched, in their turn, and only from a long queue, so that the last ones are spread evenly.
//
// When an engine dies, its first task was its last: the others it had not begun, and they run elsewhere. (Its process may
// have ended so abruptly that replies of its last milliseconds are lost; then what it had ended is run again, and the one
// that made it die may be among these.) So such a task has its next engine for itself, and no third one.

import type { Millis } from "../../base/index.ts";
import type { Engine, EnginePool } from "./engine-pool.ts";
import type { LiveTask } from "./task.ts";
import type { Timers } from "./timers.ts";
import type { WaitingTasks } from "./waiting-tasks.ts";

/** An engine that holds several tasks and says nothing for so long, or longer by its pace, is asked to give back what it has not started. */
export const RECALL_AFTER_MS = 10;
/** Silence that is none yet: so many times the mean between replies. */
const SILENCE_FACTOR = 3;
/** Mean time between replies up to which one task is sent ahead, whatever `aheadMs` says: a round through the router is then 4 % of it and more. */
const ONE_AHEAD_MS = 50;
/** Replies before the mean counts for more than one task ahead. */
const SAMPLES_MIN = 4;
/** Weight of the newest time in the mean. */
const WEIGHT = 1 / 8;
/** A time longer than so many times the mean counts as that: one long task among short ones is soon forgotten. */
const OUTLIER_FACTOR = 4;
const OUTLIER_MS_MIN = RECALL_AFTER_MS;
/** What the first time after a rest counts as at most, having no mean to be compared with. */
const FIRST_MS_MAX = 2 * ONE_AHEAD_MS;
/** So many waiting tasks for each prefetched one of every engine must be left to justify it. */
const BACKLOG_FACTOR = 2;

/** What prefetching may come to. */
export interface PrefetchActions {
  /** Sends a task that has been taken from those waiting. */
  assign(task: LiveTask, engine: Engine): void;
  /** Asks the engine for its tasks up to this ordinal. */
  recall(engine: Engine, through: number): void;
  /** A task has come back from this engine. */
  takeBack(task: LiveTask, engine: Engine): void;
}

/** Sends ahead, and takes back. */
export class Prefetch {
  /** Tasks an engine may hold at most; 1: no prefetch. */
  readonly #depthMax: number;
  /** Work an engine may hold beside the task that it runs, by the mean time between its replies. */
  readonly #aheadMs: number;
  readonly #pool: EnginePool;
  readonly #waiting: WaitingTasks;
  readonly #timers: Timers;
  readonly #actions: PrefetchActions;

  constructor(
    bounds: { readonly depthMax: number; readonly aheadMs: number },
    parts: { readonly pool: EnginePool; readonly waiting: WaitingTasks; readonly timers: Timers },
    actions: PrefetchActions,
  ) {
    this.#depthMax = bounds.depthMax;
    this.#aheadMs = bounds.aheadMs;
    this.#pool = parts.pool;
    this.#waiting = parts.waiting;
    this.#timers = parts.timers;
    this.#actions = actions;
  }

  /** Tasks that any engine may hold, for `validate`. */
  get depthMax(): number {
    return this.#depthMax;
  }

  /** Call after a task was added to an engine. */
  sent(engine: Engine, task: LiveTask, now: Millis): void {
    engine.sentCount += 1;
    task.ordinal = engine.sentCount;
    if (engine.load === 1) engine.busySince = now;
    else this.#watch(engine, silenceOf(engine));
  }

  /** Call after a reply took a task from an engine that is here. */
  replied(engine: Engine, now: Millis): void {
    const since = now - engine.busySince;
    engine.busySince = now;
    if (!engine.canPrefetch) return;
    engine.samples += 1;
    // The first task loads code; the one behind a recall was the long one.
    if (engine.samples === 0) return;
    const time = Math.min(since, engine.samples === 1 ? FIRST_MS_MAX : Math.max(OUTLIER_MS_MIN, OUTLIER_FACTOR * engine.meanMs));
    engine.meanMs = engine.samples === 1 ? time : engine.meanMs + (time - engine.meanMs) * Math.max(WEIGHT, 1 / engine.samples);
  }

  /** Sends an engine that has a task further ones, as far as its pace and the queue justify. */
  topUp(engine: Engine): void {
    if (!engine.canPrefetch || engine.load === 0 || engine.recallThrough !== null || !engine.isHere || engine.isDraining) return;
    if (engine.tasks.head?.plan?.isSpared === true) return;
    const depth = this.#depthOf(engine);
    // Several at a time: one message may carry them, and the engine has enough to do until then.
    if (engine.load > depth / 2) return;
    while (engine.load < depth && this.#waiting.plainLength > BACKLOG_FACTOR * this.#pool.size * engine.load) {
      const task = this.#waiting.firstFor(engine.uuid);
      // One with wishes is next: it gets the engine for itself, and later ones must not keep it from that.
      if (task === undefined || task.plan !== null) return;
      this.#waiting.remove(task);
      this.#actions.assign(task, engine);
    }
  }

  /** The engine's timer has run out. */
  due(engine: Engine, now: Millis): void {
    engine.recallTimer = null;
    if (!engine.isHere || engine.load < 2 || engine.recallThrough !== null) return;
    const restMs = silenceOf(engine) - (now - engine.busySince);
    if (restMs > 0) return this.#watch(engine, Math.max(1, restMs)); // At least one: a rest too small to move the clock would wake for ever.
    this.#recall(engine);
  }

  /** The engine is to give back what it has not started, whether it is silent or not. */
  recallNow(engine: Engine): void {
    if (engine.canPrefetch && engine.load > 1 && engine.recallThrough === null) this.#recall(engine);
  }

  #recall(engine: Engine): void {
    engine.recallThrough = engine.sentCount;
    this.#actions.recall(engine, engine.recallThrough);
  }

  /** An engine has answered a recall: it has started its tasks up to this ordinal. False when nobody asked it that. */
  recalled(engine: Engine | undefined, facts: { readonly through: number; readonly started: number }): boolean {
    if (engine?.recallThrough === null || engine?.recallThrough !== facts.through) return false;
    engine.recallThrough = null;
    engine.samples = -1;
    if (engine.load === 0) this.#pool.released(engine);
    for (let task = engine.tasks.tail; task !== null && task.ordinal > facts.started; task = engine.tasks.tail) this.#actions.takeBack(task, engine);
    // Replies to all but one of these are on their way.
    if (engine.load > 1) this.#watch(engine, silenceOf(engine));
    return true;
  }

  /** The engine has left, or is given up. */
  left(engine: Engine): void {
    if (engine.recallTimer !== null) this.#timers.remove(engine.recallTimer);
    engine.recallTimer = null;
    engine.recallThrough = null;
  }

  /** One timer for each engine, which looks again as long as there is something to see. */
  #watch(engine: Engine, delayMs: number): void {
    if (engine.canPrefetch && engine.recallTimer === null) engine.recallTimer = this.#timers.add(delayMs, { kind: "recall", engine });
  }

  #depthOf(engine: Engine): number {
    if (engine.samples < 1) return 1;
    const ahead = engine.samples < SAMPLES_MIN ? 0 : Math.floor(this.#aheadMs / engine.meanMs);
    return Math.min(this.#depthMax, 1 + (engine.meanMs > ONE_AHEAD_MS ? ahead : Math.max(1, ahead)));
  }
}

/** How long an engine may say nothing before it counts as silent, in milliseconds. */
function silenceOf(engine: Engine): number {
  return Math.max(RECALL_AFTER_MS, SILENCE_FACTOR * Math.min(ONE_AHEAD_MS, engine.meanMs));
}
