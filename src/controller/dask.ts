// The controller's dask scheduler: at most one, started by the first `become_dask_request` and shared by those that follow,
// gone with `stop_distributed_request`, by itself, or with the controller.

import { ClosedError } from "../base/index.ts";
import type { DaskAddress, DaskOptions, DaskScheduler } from "../launch/index.ts";
import type { Logger } from "../log/index.ts";

/** Starts a dask scheduler. */
export type StartDask = (options: DaskOptions) => Promise<DaskScheduler>;

/** What it is made of. */
export interface DaskParts {
  /** A Python that can import `distributed`. */
  readonly python: string;
  /** `tcp://127.0.0.1`: where the controller listens, and so does the scheduler unless the client says otherwise. */
  readonly interface: string;
  readonly logger: Logger;
  readonly start: StartDask;
}

/** At most one dask scheduler. */
export class Dask {
  readonly #parts: DaskParts;
  readonly #killer = new AbortController();
  #current: Promise<DaskScheduler> | undefined;

  constructor(parts: DaskParts) {
    this.#parts = parts;
  }

  /**
   * Where the scheduler listens; it is started when there is none.
   *
   * @param schedulerArgs keyword arguments for a new one; of no effect on one that runs, as in the reference
   * @throws LaunchError or TimeoutError in one sentence
   */
  async become(schedulerArgs: { readonly [name: string]: unknown }): Promise<DaskAddress> {
    if (this.#killer.signal.aborted) throw new ClosedError("the controller is closed");
    this.#current ??= this.#start(schedulerArgs);
    const { ip, address, port } = await this.#current;
    return { ip, address, port };
  }

  /** Stops it where there is one, and resolves when it is gone. */
  async stop(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    // One that could not start is told to whoever asked for it; to stop it there is nothing.
    const scheduler = await current?.catch(() => undefined);
    await scheduler?.stop();
  }

  /** Kills it: it keeps nothing that is worth a wait. */
  close(): void {
    this.#current = undefined;
    this.#killer.abort();
  }

  #start(schedulerArgs: { readonly [name: string]: unknown }): Promise<DaskScheduler> {
    const { python, start, logger } = this.#parts;
    const starting = start({ python, schedulerArgs: { ...this.#place(), ...schedulerArgs }, signal: this.#killer.signal });
    const forget = (): void => {
      if (this.#current === starting) this.#current = undefined;
    };
    starting.then((scheduler) => {
      logger.info("dask scheduler started", { address: scheduler.address });
      void scheduler.ended.then(forget);
    }, forget);
    return starting;
  }

  /**
   * Dask's own defaults open the scheduler and a web server on all addresses, to everybody: they stay where the controller
   * listens, and the web server on this machine.
   */
  #place(): { readonly [name: string]: unknown } {
    const host = this.#parts.interface.replace(/^tcp:\/\//, "");
    const isEverywhere = host === "*" || host === "0.0.0.0";
    return { dashboard_address: "127.0.0.1:0", ...(isEverywhere ? {} : { host }) };
  }
}
