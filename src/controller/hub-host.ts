// Where the Hub runs: in a thread of its own, or beside the router when the sockets are not ZeroMQ's.

import { Worker } from "node:worker_threads";
import type { Clock } from "../base/index.ts";
import { findBundle } from "../programs/index.ts";
import type { Transport } from "../net/index.ts";
import { directLinks, portLink, type RouterEnd, type ToHub, type ToRouter } from "./hub-link.ts";
import type { HubConfig } from "./hub-runner.ts";

/** A Hub that was started. */
export interface HubHost {
  readonly link: RouterEnd;
  /** Resolves when it has ended; rejects when it failed in a way that is a bug. */
  readonly ended: Promise<void>;
}

/** The Hub's garbage is short-lived and steady: more room for it would cost memory and save nothing. */
const YOUNG_GENERATION_MB_MAX = 12;

/** Starts a Hub in a thread of its own, with ZeroMQ's sockets. */
export function startHubThread(config: HubConfig): HubHost {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(findBundle("hub-worker") ?? new URL(`./hub-worker.${extension}`, import.meta.url), {
    workerData: config,
    name: "hub",
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB_MAX },
  });
  const ended = new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => resolve());
  });
  const link = portLink<ToHub, ToRouter>({
    post: (message, transfer) => worker.postMessage(message, transfer),
    listen: (listener) => worker.on("message", listener),
    // The thread closes its end itself, and ends.
    close: () => undefined,
  });
  return { link, ended };
}

/** Starts a Hub in this thread. */
export function startHubHere(config: HubConfig, transport: Transport, clock: Clock): HubHost {
  const { router, hub } = directLinks();
  // Loaded when wanted: the store's database has no business in the memory of a router whose Hub has its own thread.
  const ended = import("./hub-runner.ts").then(({ runHub }) => runHub(config, { link: hub, transport, clock }));
  return { link: router, ended };
}
