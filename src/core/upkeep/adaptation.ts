// The number of engines by the work there is, as a machine: told at intervals what waits and what each engine has, it says to
// how many engines to change, or nothing. It is slow on purpose. Engines are added when a queue has lasted, removed when they
// have long been idle, and between two opposite decisions lies at least that idle time, so that it never goes to and fro.
//
//   at rest ─(observed: more or fewer are due)─> changing ─(changed)─> at rest
//      ^                                              └──(failed)──> waiting, longer each time ─┐
//      └──────────────────────────────────────────────────────────────────(its time is over)──┘

import { InvalidArgumentError, type Millis } from "../../base/index.ts";

/** How the number of engines follows the work. */
export interface AdaptationOptions {
  /** Fewest engines. */
  readonly min: number;
  /** Most engines. */
  readonly max: number;
  /** Tasks, waiting or running, that justify one engine; default 2. */
  readonly tasksPerEngine?: number | undefined;
  /** How long tasks must have waited, with every engine at work, before engines are added, in milliseconds; default 1,000. */
  readonly addAfterMs?: number | undefined;
  /** How long an engine must have been idle before it is removed, and the least time between adding and removing, in milliseconds; default 30,000. */
  readonly removeAfterMs?: number | undefined;
  /** Engines added or removed at a time; default 8. */
  readonly stepMax?: number | undefined;
  /** First wait after engines could not be added or removed, in milliseconds; it doubles each time, up to 64 times as long; default 1,000. */
  readonly retryMs?: number | undefined;
}

/** What is to be done: `restore` goes back between `min` and `max`, where others have changed the number. */
export interface AdaptationDecision {
  readonly engines: number;
  readonly why: "add" | "remove" | "restore";
}

/** What it is told. Times never go back. */
export type AdaptationEvent =
  | {
      readonly type: "observed";
      readonly at: Millis;
      /** Tasks that wait for room on an engine. */
      readonly waiting: number;
      /** What each engine has, and how long it has had none; those that are starting count as busy with nothing. */
      readonly engines: readonly { readonly tasks: number; readonly idleMs: number }[];
    }
  /** The last decision was carried out. */
  | { readonly type: "changed"; readonly at: Millis }
  /** It could not be. */
  | { readonly type: "failed"; readonly at: Millis };

/** The longest wait between two tries, by the first one. */
const RETRY_FACTOR_MAX = 64;
/** So many times within `LOSS_WINDOW_MS` engines may be gone without a decision and be made up for at once; then after waits that grow. */
const LOSSES_FREE = 5;
const LOSS_WINDOW_MS = 600_000;
/** More make the wait no longer. */
const LOSSES_KEPT = LOSSES_FREE + 1 + Math.log2(RETRY_FACTOR_MAX);

/** Decides how many engines there should be. */
export class Adaptation {
  readonly #options: { readonly [Name in keyof AdaptationOptions]-?: number };
  #isChanging = false;
  /** Since when tasks have waited while every engine had work. */
  #pressedSince: Millis | null = null;
  #last: { readonly why: AdaptationDecision["why"]; readonly at: Millis } | null = null;
  #failures = 0;
  #retryAt: number = Number.NEGATIVE_INFINITY;
  /** Engines there were, or should be after the last change. */
  #expected: number | null = null;
  /** When there were fewer than expected: engines died. */
  #losses: Millis[] = [];
  #heldUntil: number | null = null;

  /** @throws InvalidArgumentError for options that cannot be */
  constructor(options: AdaptationOptions) {
    this.#options = {
      min: whole("min", options.min, 0),
      max: whole("max", options.max, options.min),
      tasksPerEngine: positive("tasksPerEngine", options.tasksPerEngine ?? 2),
      addAfterMs: positive("addAfterMs", options.addAfterMs ?? 1000),
      removeAfterMs: positive("removeAfterMs", options.removeAfterMs ?? 30_000),
      stepMax: whole("stepMax", options.stepMax ?? 8, 1),
      retryMs: positive("retryMs", options.retryMs ?? 1000),
    };
  }

  /** When the next try is made after a failure; `null` after a success. */
  get retryAt(): number | null {
    return this.#failures === 0 ? null : this.#retryAt;
  }

  /** Until when engines are not added because they keep dying; `null` when none are due. */
  get heldUntil(): number | null {
    return this.#heldUntil;
  }

  /** Takes in a fact; gives what is to be done, or `null`. */
  handle(event: AdaptationEvent): AdaptationDecision | null {
    switch (event.type) {
      case "observed":
        return this.#observed(event);
      case "changed":
        this.#isChanging = false;
        this.#failures = 0;
        this.#pressedSince = null;
        return null;
      case "failed":
        this.#isChanging = false;
        this.#expected = null;
        this.#pressedSince = null;
        this.#retryAt = event.at + this.#options.retryMs * Math.min(RETRY_FACTOR_MAX, 2 ** this.#failures);
        this.#failures += 1;
        return null;
    }
  }

  #observed(event: AdaptationEvent & { readonly type: "observed" }): AdaptationDecision | null {
    const isPressed = event.waiting > 0 && event.engines.every(({ tasks }) => tasks > 0);
    this.#pressedSince = isPressed ? (this.#pressedSince ?? event.at) : null;
    if (this.#isChanging) return null;
    const n = event.engines.length;
    this.#countLoss(event.at, n);
    this.#heldUntil = null;
    if (event.at < this.#retryAt) return null;
    const decision = this.#decide(event);
    if (decision === null) return null;
    const mayAddAt = this.#mayAddAt();
    if (decision.engines > n && event.at < mayAddAt) {
      this.#heldUntil = mayAddAt;
      return null;
    }
    this.#isChanging = true;
    this.#expected = decision.engines;
    this.#last = { why: decision.why, at: event.at };
    return decision;
  }

  // An engine that dies of what it runs, or soon after its start, must not be replaced again and again without a pause.
  #countLoss(at: Millis, n: number): void {
    this.#losses = this.#losses.filter((time) => at - time < LOSS_WINDOW_MS).slice(-LOSSES_KEPT);
    if (this.#expected !== null && n < this.#expected) this.#losses.push(at);
    this.#expected = n;
  }

  #mayAddAt(): number {
    const excess = this.#losses.length - LOSSES_FREE;
    const last = this.#losses.at(-1);
    if (excess <= 0 || last === undefined) return Number.NEGATIVE_INFINITY;
    return last + this.#options.retryMs * Math.min(RETRY_FACTOR_MAX, 2 ** (excess - 1));
  }

  #decide({ at, waiting, engines }: AdaptationEvent & { readonly type: "observed" }): AdaptationDecision | null {
    const { min, max, tasksPerEngine, addAfterMs, removeAfterMs, stepMax } = this.#options;
    const n = engines.length;
    if (n < min || n > max) return { engines: Math.min(max, Math.max(min, n)), why: "restore" };
    const running = engines.reduce((sum, { tasks }) => sum + tasks, 0);
    const wanted = Math.min(max, Math.max(min, Math.ceil((waiting + running) / tasksPerEngine)));
    if (wanted > n && this.#pressedSince !== null && at - this.#pressedSince >= addAfterMs && this.#mayTurn("add", at))
      return { engines: Math.min(wanted, n + stepMax), why: "add" };
    const idle = engines.filter(({ tasks, idleMs }) => tasks === 0 && idleMs >= removeAfterMs).length;
    const surplus = Math.min(idle, n - wanted, stepMax);
    return surplus > 0 && this.#mayTurn("remove", at) ? { engines: n - surplus, why: "remove" } : null;
  }

  #mayTurn(to: "add" | "remove", at: Millis): boolean {
    return this.#last === null || this.#last.why === to || this.#last.why === "restore" || at - this.#last.at >= this.#options.removeAfterMs;
  }
}

function whole(name: string, value: number, min: number): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new InvalidArgumentError(`${name} is ${value}, and must be a whole number of at least ${min}`);
}

function positive(name: string, value: number): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError(`${name} is ${value}, and must be a number above 0`);
}
