// All that looks after a cluster's engines while it runs: the watch over their sets, changes of their number, engines that are
// started again, and a number that follows the work.

import { InvalidStateError } from "../base/index.ts";
import type { LaunchedController } from "../launch/index.ts";
import type { Logger } from "../log/index.ts";
import { readAdaptRange } from "./adapt-range.ts";
import { ClusterAdaptation, type AdaptOptions } from "./adapting.ts";
import type { ClusterPlan } from "./cluster-plan.ts";
import type { ClusterRecord } from "./cluster-record.ts";
import type { RestartOptions, ScaleOptions } from "./cluster-types.ts";
import type { ConnectionFiles } from "./connection-wait.ts";
import { EngineSets } from "./engine-sets.ts";
import { Reviver } from "./reviver.ts";
import { Workforce } from "./workforce.ts";

/** What upkeep works with. */
export interface UpkeepParts {
  readonly plan: ClusterPlan;
  readonly record: ClusterRecord;
  readonly controller: LaunchedController;
  readonly info: ConnectionFiles;
  readonly logger: Logger;
}

/** The upkeep of one running cluster. */
export class Upkeep {
  readonly sets: EngineSets;
  readonly workforce: Workforce;
  readonly #parts: UpkeepParts;
  readonly #reviver: Reviver;
  #adaptation: ClusterAdaptation | undefined;

  constructor(parts: UpkeepParts) {
    const { plan, record, controller, info, logger } = parts;
    this.#parts = parts;
    this.sets = new EngineSets({
      info: info.client,
      controller,
      logger,
      onEnd: (engine, exit, { isLeaving, language }) => {
        void this.workforce.save(); // never rejects
        if (!isLeaving && engine.host === undefined && plan.engineLauncher.id === "local") this.#reviver.ended(exit, language);
      },
    });
    this.workforce = new Workforce({ plan, record, sets: this.sets, engineInfo: info.engine, logger });
    this.#reviver = new Reviver({
      plan,
      logger,
      start: (language, signal) => this.workforce.startOneMore({ language, signal }),
      note: () => record.noteRestart(),
    });
  }

  /** See `Cluster.scale`. */
  scale(n: number, options: ScaleOptions): Promise<number> {
    this.#reviver.forget();
    return this.workforce.scale(n, options);
  }

  /** See `Cluster.restart`. */
  restart(ids: readonly number[] | undefined, options: RestartOptions): Promise<void> {
    if (ids === undefined) this.#reviver.forget();
    return this.workforce.restart(ids, options);
  }

  /** See `Cluster.adapt`. */
  adapt(options: AdaptOptions): ClusterAdaptation {
    if (this.#adaptation !== undefined) throw new InvalidStateError("the number of engines is adapted already; stop that first");
    const parts = {
      openControl: () => this.sets.openControl(),
      members: () => this.workforce.members(),
      scale: (n: number, scaling: ScaleOptions) => this.scale(n, scaling),
      pending: () => this.#reviver.pendingCount,
      logger: this.#parts.logger,
    };
    const adaptation = new ClusterAdaptation(parts, options);
    this.#adaptation = adaptation;
    void adaptation.stopped.then(() => {
      this.#adaptation = undefined;
    }); // `stopped` never rejects
    return adaptation;
  }

  /** Begins what the options ask for. */
  begin(): void {
    const { values } = this.#parts.plan;
    const range = values["adapt.range"] === undefined ? undefined : readAdaptRange(values["adapt.range"]);
    if (range === undefined) return;
    this.adapt({
      ...range,
      tasksPerEngine: values["adapt.tasksPerEngine"],
      addAfterMs: values["adapt.addAfterMs"],
      removeAfterMs: values["adapt.removeAfterMs"],
      stepMax: values["adapt.stepMax"],
      drainTimeoutMs: values["adapt.drainTimeoutMs"],
    });
  }

  /** Changes nothing any more. */
  async stop(): Promise<void> {
    this.#reviver.stop();
    await this.#adaptation?.stop();
  }
}
