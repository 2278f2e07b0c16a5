// Keeps the number of a cluster's engines by the work there is: looks at it at intervals, and carries out what the machine
// decides. What cannot be carried out is told, and tried again after waits that grow.

import { setTimeout as sleep } from "node:timers/promises";
import { InvalidArgumentError, TimeoutError } from "../base/index.ts";
import { Adaptation, type AdaptationDecision, type AdaptationOptions } from "../core/upkeep/index.ts";
import type { Logger } from "../log/index.ts";
import { SYSTEM_CLOCK } from "../net/index.ts";
import type { ControlLink } from "./control-link.ts";
import type { ScaleOptions } from "./cluster-types.ts";
import type { Member } from "./engine-removal.ts";

/** How the number of engines follows the work, and who is told. */
export interface AdaptOptions extends AdaptationOptions {
  /** As in `ScaleOptions`, for engines that are removed though they just got work. */
  readonly drainTimeoutMs?: number | undefined;
  /** How often the work is looked at, in milliseconds; default 500. */
  readonly intervalMs?: number | undefined;
  /** Called after the number was changed. */
  readonly onChange?: ((change: { readonly engines: number; readonly why: AdaptationDecision["why"] }) => void) | undefined;
  /** Called when it could not be changed, or the controller did not answer; it is tried again after `retryAfterMs`. */
  readonly onError?: ((error: Error, retryAfterMs: number) => void) | undefined;
}

/** What an adaptation works with. */
export interface AdaptationParts {
  readonly openControl: () => ControlLink;
  readonly members: () => Promise<readonly Member[]>;
  readonly scale: (n: number, options: ScaleOptions) => Promise<number>;
  /** Engines that died and will be started again soon. */
  readonly pending: () => number;
  readonly logger: Logger;
}

/** A number of engines that follows the work, until `stop`. It keeps the process alive. */
export class ClusterAdaptation implements AsyncDisposable {
  readonly #machine: Adaptation;
  readonly #parts: AdaptationParts;
  readonly #options: AdaptOptions;
  readonly #stop = new AbortController();
  #toldUntil: number | null = null;
  /** Resolves when it has stopped; never rejects. */
  readonly stopped: Promise<void>;

  /** @internal Made by `cluster.adapt`. */
  constructor(parts: AdaptationParts, options: AdaptOptions) {
    const { intervalMs = 500 } = options;
    if (!(intervalMs > 0 && Number.isFinite(intervalMs)))
      throw new InvalidArgumentError(`intervalMs is ${intervalMs}, and must be a number of milliseconds above 0`);
    this.#machine = new Adaptation(options);
    this.#parts = parts;
    this.#options = options;
    this.stopped = this.#run();
  }

  /** Leaves the number of engines as it is; a change under way is given up. Idempotent. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    await using control = this.#parts.openControl();
    const { signal } = this.#stop;
    const { intervalMs = 500 } = this.#options;
    while (!signal.aborted) {
      try {
        const decision = await this.#look(control);
        if (decision !== null && !signal.aborted) await this.#carryOut(decision);
      } catch (cause) {
        if (!signal.aborted) this.#tell(cause, intervalMs);
      }
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
    }
  }

  async #look(control: ControlLink): Promise<AdaptationDecision | null> {
    const [work, members] = await Promise.all([control.work(), this.#parts.members()]);
    const engines = members.map(({ engine }) => {
      const facts = engine.uuid === undefined ? undefined : work.engines.get(engine.uuid);
      const tasks = facts === undefined ? 0 : facts.tasks + facts.direct;
      return { tasks, idleMs: facts === undefined || tasks > 0 ? 0 : facts.idleMs };
    });
    // One that died and is started again is made up for already.
    const pending = Array.from({ length: this.#parts.pending() }, () => ({ tasks: 0, idleMs: 0 }));
    const decision = this.#machine.handle({ type: "observed", at: SYSTEM_CLOCK.now(), waiting: work.waiting, engines: [...engines, ...pending] });
    this.#tellOfHold();
    return decision;
  }

  /** Each wait is told once. */
  #tellOfHold(): void {
    const until = this.#machine.heldUntil;
    if (until !== null && until !== this.#toldUntil) {
      const why = "find out by their logs why; see `ipcluster logs`";
      this.#parts.logger.warn("engines keep dying, so the next ones are not started at once", {
        after: `${Math.ceil((until - SYSTEM_CLOCK.now()) / 1000)} s`,
        why,
      });
    }
    this.#toldUntil = until;
  }

  async #carryOut({ engines, why }: AdaptationDecision): Promise<void> {
    try {
      this.#parts.logger.info("adapting the number of engines to the work", { engines, why });
      await this.#parts.scale(engines, { signal: this.#stop.signal, drainTimeoutMs: this.#options.drainTimeoutMs });
      this.#machine.handle({ type: "changed", at: SYSTEM_CLOCK.now() });
    } catch (cause) {
      const at = SYSTEM_CLOCK.now();
      this.#machine.handle({ type: "failed", at });
      if (!this.#stop.signal.aborted) this.#tell(cause, Math.max(0, (this.#machine.retryAt ?? at) - at));
      return;
    }
    this.#options.onChange?.({ engines, why });
  }

  #tell(cause: unknown, retryAfterMs: number): void {
    const error = cause instanceof Error ? cause : new TimeoutError(String(cause));
    this.#parts.logger.warn("could not adapt the number of engines; it is tried again", { why: error.message, retryAfter: `${retryAfterMs / 1000} s` });
    this.#options.onError?.(error, retryAfterMs);
  }
}
