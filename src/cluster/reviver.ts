// Starts engines of this machine again that died, as far as the policy lets it.

import { isParallelError } from "../base/index.ts";
import type { EngineLanguage } from "../core/index.ts";
import { RestartPolicy, type EngineEnd } from "../core/upkeep/index.ts";
import type { Logger } from "../log/index.ts";
import { SYSTEM_CLOCK } from "../net/index.ts";
import type { ClusterPlan } from "./cluster-plan.ts";

/** What a reviver works with. */
export interface ReviverParts {
  readonly plan: ClusterPlan;
  readonly logger: Logger;
  /** Starts one engine; resolves when it answers. */
  readonly start: (language: EngineLanguage, signal: AbortSignal) => Promise<void>;
  /** Notes a restart where others can read it. */
  readonly note: () => Promise<void>;
}

/** Watches for engines that die. */
export class Reviver {
  readonly #parts: ReviverParts;
  readonly #policy: RestartPolicy;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #stop = new AbortController();

  constructor(parts: ReviverParts) {
    const { values } = parts.plan;
    this.#parts = parts;
    this.#policy = new RestartPolicy({
      mode: values["engine.restart"],
      max: values["engine.restartMax"],
      windowMs: values["engine.restartWindowMs"],
      delayMs: values["engine.restartDelayMs"],
    });
  }

  /** An engine of this machine ended, and nobody wanted it to. */
  ended(end: EngineEnd, language: EngineLanguage): void {
    const decision = this.#policy.ended(SYSTEM_CLOCK.now(), end);
    const { logger, plan } = this.#parts;
    const { "engine.restartMax": max, "engine.restartWindowMs": windowMs } = plan.values;
    if (decision.type === "leave") return;
    if (decision.type === "giveUp") {
      const why = "find out by its log why engines die; `ipcluster engines --scale=N` starts them again";
      return logger.error("the engine is not started again: the limit of restarts is reached", { restarts: decision.restarts, within: seconds(windowMs), why });
    }
    const { restart, delayMs } = decision;
    logger.warn("the engine is started again", { restart: `${restart} of ${max} within ${seconds(windowMs)}`, after: seconds(delayMs) });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#revive(language); // never rejects
    }, delayMs);
    timer.unref(); // A finished program does not wait for it.
    this.#timers.add(timer);
  }

  /** Engines that are about to be started again. */
  get pendingCount(): number {
    return this.#timers.size;
  }

  /** Starts none of those that wait for it: the number of engines is about to be changed. */
  forget(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Starts nothing more. */
  stop(): void {
    this.forget();
    this.#stop.abort();
  }

  async #revive(language: EngineLanguage): Promise<void> {
    const { start, note, logger } = this.#parts;
    const { signal } = this.#stop;
    try {
      await start(language, signal);
      logger.info("an engine was started again", { restarts: this.#policy.total });
      await note();
    } catch (cause) {
      if (signal.aborted) return;
      logger.warn("the engine could not be started again", { why: isParallelError(cause) ? cause.message : String(cause) });
      this.ended({ exitCode: 1, signal: null }, language);
    }
  }
}

const seconds = (ms: number): string => `${ms / 1000} s`;
