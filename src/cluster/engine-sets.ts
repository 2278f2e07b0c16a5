// The engines of a cluster, set by set: started, waited for, watched. This is the nanny of them all: an engine whose
// process ends is reported to the Hub at once.

import { ClosedError, TimeoutError, type EngineUuid } from "../base/index.ts";
import type { EngineLanguage } from "../core/index.ts";
import type { LaunchedController, LaunchedEngine, LaunchedEngines, ProcessExit } from "../launch/index.ts";
import type { Logger } from "../log/index.ts";
import type { ClientConnectionInfo } from "../wire/index.ts";
import { DeathReporter } from "./death-reporter.ts";
import { endedEarly, endOf, engineName, enginesMissing, reasonOf } from "./failures.ts";
import { ControlLink } from "./control-link.ts";
import { HubLink, type EngineNumbers } from "./hub-link.ts";

/** What the sets need of their cluster. */
export interface EngineSetsParts {
  readonly info: ClientConnectionInfo;
  readonly controller: LaunchedController;
  readonly logger: Logger;
  /** Called after an engine ended while nobody stopped all of them; `isLeaving`: its end was wanted. */
  readonly onEnd: (engine: LaunchedEngine, exit: ProcessExit, facts: { readonly isLeaving: boolean; readonly language: EngineLanguage }) => void;
}

/** How long to wait for engines. */
export interface WaitForSetOptions {
  /** With so many the wait succeeds when the others have ended, or time is up; default: all. */
  readonly enginesMin?: number;
  readonly timeoutMs: number;
  /** What the engines run. */
  readonly language: EngineLanguage;
  readonly signal: AbortSignal | undefined;
}

/** The engine sets that this process looks after. */
export class EngineSets {
  readonly #parts: EngineSetsParts;
  readonly #reporter: DeathReporter;
  readonly #sets = new Map<string, LaunchedEngines>();
  /** Numbers the Hub gave, of engines that answered. */
  readonly #ids = new Map<EngineUuid, number>();
  /** Engines that are being ended. */
  readonly #leaving = new WeakSet<LaunchedEngine>();
  #isStopping = false;

  constructor(parts: EngineSetsParts) {
    this.#parts = parts;
    this.#reporter = new DeathReporter(parts.info);
  }

  get sets(): readonly LaunchedEngines[] {
    return [...this.#sets.values()];
  }

  /** Engines whose processes run. */
  get running(): readonly LaunchedEngine[] {
    return this.sets.flatMap((set) => set.engines.filter((engine) => engine.isRunning));
  }

  /** How many engines run and have answered; those found in another program's file count as answering. */
  get answering(): number {
    return this.running.filter(({ uuid }) => uuid === undefined || this.#ids.has(uuid)).length;
  }

  /** A way to the controller and to single engines; whoever opens it closes it. */
  openControl(): ControlLink {
    return new ControlLink(this.#parts.info);
  }

  /** Numbers of the engines that are registered now, asked anew. */
  async numbers(): Promise<EngineNumbers> {
    const link = new HubLink(this.#parts.info);
    try {
      const numbers = await link.engines();
      if (numbers === undefined) throw new TimeoutError("the controller did not tell which engines are registered");
      return numbers;
    } finally {
      await link.close();
    }
  }

  /** The end of this engine is wanted: no reason for a warning, nor for another one in its place. */
  expectEnd(engine: LaunchedEngine): void {
    this.#leaving.add(engine);
  }

  /** Lets go of sets that ended. */
  forget(ended: readonly LaunchedEngines[]): void {
    for (const set of ended) if (this.#sets.get(set.setId) === set) this.#sets.delete(set.setId);
  }

  /** Takes a set over before it is ready, so that stopping finds it. */
  add(set: LaunchedEngines): void {
    if (this.#isStopping) {
      set.kill();
      throw new ClosedError("the cluster is being stopped");
    }
    this.#sets.set(set.setId, set);
  }

  /**
   * Waits until every engine of a set answers, or as many as are needed and can be had, then watches them.
   *
   * @throws ProcessExitedError when an engine or the controller ends before; TimeoutError; the signal's reason
   */
  async waitFor(set: LaunchedEngines, options: WaitForSetOptions): Promise<void> {
    const stop = new AbortController();
    const link = new HubLink(this.#parts.info);
    const { enginesMin = set.engines.length } = options;
    const mayEnd = set.engines.length - enginesMin;
    let missing: readonly LaunchedEngine[] = set.engines;
    const answered = link.waitForEngines((numbers) => {
      missing = set.engines.filter((engine) => engine.uuid === undefined || !numbers.has(engine.uuid));
      for (const [uuid, id] of numbers) this.#ids.set(uuid, id);
      return missing.every((engine) => !engine.isRunning) && missing.length <= mayEnd;
    }, stop.signal);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve, reject) => {
      const onLate = (error: Error): void => {
        if (missing.length > mayEnd) return reject(error);
        this.#parts.logger.warn("going on with fewer engines", { answered: set.engines.length - missing.length, why: error.message });
        resolve();
      };
      const count = (): void => {
        if (stop.signal.aborted) return; // it is over already
        timer = setTimeout(() => void enginesMissing(missing, set, options.timeoutMs).then(onLate), options.timeoutMs); // never rejects
      };
      if (set.begun === undefined) count();
      else set.begun.then(count, onLate);
      options.signal?.addEventListener("abort", () => reject(options.signal?.reason as Error), { once: true, signal: stop.signal });
    });
    let endedCount = 0;
    const tooManyEnded = new Promise<never>((_, reject) => {
      for (const engine of set.engines) {
        void engine.exited.then((exit) => {
          endedCount += 1;
          if (endedCount > mayEnd) reject(endedEarly(engineName(engine, set), exit, engine.log));
        }); // `exited` never rejects
      }
    });
    const controllerEnded = this.#parts.controller.exited.then((exit) => Promise.reject(endedEarly("the controller", exit, this.#parts.controller.log)));
    // They lose the race in the good case, and reject much later, when the cluster is stopped.
    for (const ended of [tooManyEnded, controllerEnded, late]) ended.catch(() => undefined);
    try {
      options.signal?.throwIfAborted();
      await Promise.race([answered, late, tooManyEnded, controllerEnded]);
      this.#watch(set, options.language);
    } finally {
      clearTimeout(timer);
      stop.abort();
      await link.close();
    }
  }

  #watch(set: LaunchedEngines, language: EngineLanguage): void {
    for (const engine of set.engines) void engine.exited.then((exit) => this.#onEnd(engine, exit, language)); // `exited` never rejects
  }

  #onEnd(engine: LaunchedEngine, exit: ProcessExit, language: EngineLanguage): void {
    if (this.#isStopping) return;
    const id = engine.uuid === undefined ? undefined : this.#ids.get(engine.uuid);
    const place = engine.host === undefined ? {} : { host: engine.host };
    const facts = { engine: id ?? "unknown", ...place, pid: engine.pid ?? "unknown", how: endOf(exit), log: engine.log };
    const isLeaving = this.#leaving.has(engine);
    if (isLeaving || exit.exitCode === 0) this.#parts.logger.info("engine ended", facts);
    else this.#parts.logger.warn("engine ended unexpectedly", { ...facts, reason: reasonOf(exit) ?? "" });
    if (engine.uuid !== undefined && this.#parts.controller.isRunning) this.#reporter.report(engine.uuid, id);
    if (engine.uuid !== undefined) this.#ids.delete(engine.uuid);
    this.#parts.onEnd(engine, exit, { isLeaving, language });
  }

  /**
   * Stops a set, or all of them. Ends of engines are expected from now on.
   *
   * @throws LaunchError when something could not be stopped, after everything else was
   */
  async stop(graceMs: number, set?: LaunchedEngines): Promise<void> {
    if (set === undefined) this.#isStopping = true;
    const outcomes = await Promise.allSettled((set === undefined ? this.sets : [set]).map((one) => one.stop(graceMs)));
    if (set !== undefined) this.#sets.delete(set.setId);
    await this.#reporter.flushed();
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  kill(): void {
    this.#isStopping = true;
    for (const set of this.sets) set.kill();
  }
}
