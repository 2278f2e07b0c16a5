// Runs one Hub at its end of a link: opens the store, binds the sockets, says `ready` or `failed`, and closes on the
// router's word. The same in a thread of its own and beside the router.

import { isParallelError, type Clock } from "../base/index.ts";
import type { EngineTable, HeartConfig, RegistrationConfig, TaskStore } from "../core/index.ts";
import { createLogger, type LogLevel } from "../log/index.ts";
import { createSession, type CurveKeyPair, type Transport } from "../net/index.ts";
import { createTaskStore, type TaskStoreOptions } from "../store/index.ts";
import { Dask } from "./dask.ts";
import { openHub, type Hub } from "./hub.ts";
import type { HubEnd, HubPorts, ToHub } from "./hub-link.ts";

/** What a Hub is told at its start. Cloneable. */
export interface HubConfig {
  readonly interface: string;
  readonly ports: HubPorts;
  readonly key: string;
  /** For a thread that opens the sockets itself. */
  readonly curve: CurveKeyPair | undefined;
  readonly signatureScheme: string;
  readonly logLevel: LogLevel;
  readonly messageBytesMax: number;
  readonly hearts: HeartConfig;
  readonly registration: RegistrationConfig;
  readonly store: TaskStoreOptions;
  readonly daskPython: string;
  readonly tableFile: string;
  readonly restored: EngineTable | undefined;
}

/** What a Hub runs on. */
export interface HubPlatform {
  readonly link: HubEnd;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** Runs a Hub until the router says `close`. Resolves when all of it is closed; never rejects for what is `failed`. */
export async function runHub(config: HubConfig, platform: HubPlatform): Promise<void> {
  const { link, transport } = platform;
  // Asked for before the first await: nothing the router posts may be lost.
  const inbox = new Inbox(link);
  let store: TaskStore | undefined;
  try {
    const opened = createTaskStore(config.store);
    store = opened;
    const hub = await openHub(hubParts(config, platform, opened));
    link.post({ type: "ready", ports: hub.ports });
    await inbox.handTo(hub);
    hub.close();
  } catch (error) {
    if (!isParallelError(error) || error.code === "ERR_INVARIANT") throw error;
    link.post({ type: "failed", code: error.code, message: error.message });
  } finally {
    await transport.close();
    closeStore(store, platform.link);
    link.post({ type: "closed" });
    link.close();
  }
}

function hubParts(config: HubConfig, platform: HubPlatform, store: TaskStore): Parameters<typeof openHub>[0] {
  const { link, transport, clock } = platform;
  const logger = createLogger(
    "hub",
    ({ level, component, message, fields }) => link.post({ type: "log", level, component, message, fields: plainFields(fields) }),
    config.logLevel,
  );
  const session = createSession({
    key: config.key,
    signatureScheme: config.signatureScheme,
    processTag: `${process.pid}h`,
    clock,
    messageBytesMax: config.messageBytesMax,
  });
  const dask = new Dask({
    python: config.daskPython,
    interface: config.interface,
    logger,
    // Loaded when wanted, which is hardly ever.
    start: async (options) => (await import("../launch/index.ts")).startDaskScheduler(options),
  });
  return { ...config, transport, link, session, clock, logger, store, dask };
}

/** Fields that can be posted: errors become their messages. */
function plainFields(fields: { readonly [name: string]: unknown }): { readonly [name: string]: unknown } {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? value.message : value]));
}

function closeStore(store: TaskStore | undefined, link: HubEnd): void {
  try {
    store?.close();
  } catch (error) {
    // The last records could not be written: told, and no reason not to end.
    link.post({
      type: "log",
      level: "error",
      component: "hub",
      message: "the task store could not be closed; the last records may be lost",
      fields: { cause: error instanceof Error ? error.message : String(error) },
    });
  }
}

/** Keeps the router's messages until there is a Hub, then hands them on until `close`. */
class Inbox {
  readonly #early: ToHub[] = [];
  #deliver: ((message: ToHub) => void) | undefined;

  constructor(link: HubEnd) {
    link.onMessage((message) => {
      if (this.#deliver === undefined) this.#early.push(message);
      else this.#deliver(message);
    });
  }

  /** Resolves at the router's `close`; rejects when the Hub throws, which is a bug. */
  handTo(hub: Hub): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#deliver = (message) => {
        try {
          if (message.type === "close") resolve();
          else hub.handle(message);
        } catch (error) {
          reject(error as Error);
        }
      };
      for (const message of this.#early.splice(0)) this.#deliver(message);
    });
  }
}
