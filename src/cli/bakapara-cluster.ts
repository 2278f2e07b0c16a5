// The cluster that bakapara works on: a running one, or a private one of its own.

import { isParallelError } from "../base/index.ts";
import { EXIT_CANNOT_RUN } from "../bakapara/index.ts";
import { Client } from "../client/index.ts";
import { Cluster } from "../cluster/index.ts";
import type { Logger } from "../log/index.ts";
import type { BakaparaRequest } from "./bakapara-options.ts";
import { ExitError } from "./program.ts";

/** A connected cluster. */
export interface Workplace extends AsyncDisposable {
  readonly client: Client;
  /** Resolves, with the reason, when the cluster or the connection is gone; never rejects. */
  readonly lost: Promise<string>;
}

// Engines of a cluster that was just started may still be on their way.
const ENGINES_WAIT_MS = 10_000;

/** Finds or starts the cluster. @throws ExitError in one sentence, with how to start one */
export function openWorkplace(request: BakaparaRequest, logger: Logger, signal: AbortSignal): Promise<Workplace> {
  return request.local === undefined ? connectRunning(request, logger, signal) : startLocal(request.local, logger, signal);
}

async function connectRunning(request: BakaparaRequest, logger: Logger, signal: AbortSignal): Promise<Workplace> {
  const { profile, profileDir, clusterId, file } = request;
  let client: Client;
  try {
    client = await Client.connect({ profile, profileDir, clusterId, file, logger, signal });
  } catch (cause) {
    if (!isParallelError(cause)) throw cause;
    const start = profile === undefined ? "ipcluster start -n 4" : `ipcluster start -n 4 --profile=${profile}`;
    throw new ExitError(EXIT_CANNOT_RUN, `no cluster to run jobs on: ${cause.message}; start one with \`${start}\`, or use \`bakapara --local\``, { cause });
  }
  try {
    await client.waitForEngines(1, { timeoutMs: ENGINES_WAIT_MS, signal });
  } catch (cause) {
    await client.close();
    signal.throwIfAborted();
    throw new ExitError(EXIT_CANNOT_RUN, "the cluster has no engines; start some with `ipcluster engines -n 4`, or use `bakapara --local`", { cause });
  }
  const watch = new ControllerWatch(client);
  return {
    client,
    lost: Promise.race([client.closed, watch.lost]),
    async [Symbol.asyncDispose]() {
      watch.stop();
      await client.close();
    },
  };
}

const WATCH_EVERY_MS = 5_000;
const WATCH_ANSWER_MS = 10_000;
const WATCH_MISSES_MAX = 2;

/** Asks the Hub now and then whether it is there: a controller that was killed says nothing, and its results never come. */
class ControllerWatch {
  /** Resolves when the controller does not answer any more. */
  readonly lost: Promise<string>;
  readonly #client: Client;
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Client) {
    this.#client = client;
    this.lost = new Promise((resolve) => this.#next(0, resolve));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
  }

  #next(misses: number, onLost: (reason: string) => void): void {
    if (misses >= WATCH_MISSES_MAX) return onLost(`the controller has not answered for ${(WATCH_MISSES_MAX * WATCH_ANSWER_MS) / 1000} s`);
    this.#timer = setTimeout(
      () => {
        void this.#isAnswering().then((isAnswering) => {
          if (!this.#stopped.signal.aborted) this.#next(isAnswering ? 0 : misses + 1, onLost);
        });
      },
      misses === 0 ? WATCH_EVERY_MS : 0,
    );
    this.#timer.unref();
    return undefined;
  }

  async #isAnswering(): Promise<boolean> {
    try {
      await this.#client.queueStatus(this.#client.ids.slice(0, 1), { timeoutMs: WATCH_ANSWER_MS, signal: this.#stopped.signal });
      return true;
    } catch (error) {
      // Any answer is one, also a refusal: an engine may have left in between.
      return !(isParallelError(error) && error.code === "ERR_TIMEOUT");
    }
  }
}

async function startLocal(n: number | "cores", logger: Logger, signal: AbortSignal): Promise<Workplace> {
  const cluster = await Cluster.start({ private: true, logger, signal, ...(n === "cores" ? {} : { n }) });
  try {
    const client = await cluster.connect({ logger, signal });
    const lost = Promise.race([client.closed, cluster.closed.then((end) => end.message)]);
    return {
      client,
      lost,
      async [Symbol.asyncDispose]() {
        await client.close();
        await cluster.stop();
      },
    };
  } catch (cause) {
    await cluster.stop();
    throw cause;
  }
}
