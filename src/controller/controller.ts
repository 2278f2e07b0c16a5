// A controller: router, Hub and connection files as one thing to start and to close.

import { ClosedError, ParallelError, TimeoutError } from "../base/index.ts";
import { ensureProfile } from "../config/index.ts";
import type { Logger } from "../log/index.ts";
import { createSession, PackingTransport, ZeromqTransport, type Transport } from "../net/index.ts";
import type { ClientConnectionInfo, EngineConnectionInfo, Session } from "../wire/index.ts";
import { announcedPorts, connectionInfos, discardFiles, publishFiles, reuseFiles } from "./connection.ts";
import { readEngineTable } from "./engine-table.ts";
import { startHubHere, startHubThread, type HubHost } from "./hub-host.ts";
import type { HubPorts, HubStats, ToRouter } from "./hub-link.ts";
import type { HubConfig } from "./hub-runner.ts";
import { completeOptions, type ControllerConfig, type ControllerOptions } from "./options.ts";
import { openRouter, type HubOrder, type Router, type RouterStats } from "./router.ts";

/** Numbers of a controller. */
export interface ControllerStats {
  readonly router: RouterStats;
  readonly hub: HubStats;
}

/** Why a controller ended. */
export type EndReason = "closed" | "shutdown requested";

const SIGNATURE_SCHEME = "hmac-sha256";
/** How long the Hub may take to end; a launcher's patience is 5 s. */
const CLOSE_MS_MAX = 4000;
/** What a client's shutdown request still gets: the reply and the notification. */
const SHUTDOWN_DELAY_MS = 100;

/**
 * Starts a controller: resolves when engines and clients can connect and both connection files are written.
 *
 * @throws ConfigError, ConnectionError or StoreError in one sentence; then nothing is left of it
 */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const wanted = completeOptions(options);
  await ensureProfile(wanted.profile);
  const config = wanted.isReusing ? await reuseFiles(wanted) : wanted;
  const transport = new PackingTransport(config.transport ?? new ZeromqTransport(config.curve));
  const starter = new Starter(config, transport);
  try {
    return await starter.start();
  } catch (error) {
    await starter.abandon();
    throw error;
  }
}

/** The steps of a start, and how to undo them. */
class Starter {
  readonly #config: ControllerConfig;
  readonly #transport: Transport;
  readonly #host: HubHost;
  readonly #inbox: ToRouter[] = [];
  #onMessage: (message: ToRouter) => void = (message) => this.#inbox.push(message);
  #controller: Controller | undefined;

  constructor(config: ControllerConfig, transport: Transport) {
    this.#config = config;
    this.#transport = transport;
    const hubConfig = hubConfigOf(config);
    this.#host = config.transport === undefined ? startHubThread(hubConfig) : startHubHere(hubConfig, transport, config.clock);
    this.#host.link.onMessage((message) => this.#onMessage(message));
    // Whoever waits for the end hears of a failure there; until then nobody does, and that is no unhandled rejection.
    this.#host.ended.catch(() => undefined);
  }

  async start(): Promise<Controller> {
    const config = this.#config;
    const { link } = this.#host;
    const newSession = (processTag: string): Session =>
      createSession({ key: config.key, signatureScheme: SIGNATURE_SCHEME, processTag, clock: config.clock, messageBytesMax: config.messageBytesMax });
    const routerParts = {
      transport: this.#transport,
      link,
      session: newSession(`${process.pid}r`),
      engineSession: newSession(`${process.pid}e`),
      clock: config.clock,
      logger: config.logger,
      interface: config.interface,
      ports: config.ports.router,
      scheduler: config.scheduler,
      recordBufferBytesMax: config.recordBufferBytesMax,
      engineBytesMax: config.engineBytesMax,
    };
    // Both must have settled before anything is undone.
    const [hub, opened] = await Promise.allSettled([this.#hubReady(), openRouter(routerParts)]);
    if (hub.status === "rejected") throw hub.reason;
    if (opened.status === "rejected") throw opened.reason;
    const router = opened.value;
    const infos = connectionInfos(config, { hub: hub.value, router: router.ports }, SIGNATURE_SCHEME);
    const controller = new Controller({ config, transport: this.#transport, host: this.#host, router, infos });
    this.#controller = controller;
    this.#onMessage = (message) => controller.handle(message);
    for (const message of this.#inbox.splice(0)) controller.handle(message);
    link.post({ type: "open", engineConnection: announcedPorts(infos.engine) });
    router.start(config.hasTakenFiles);
    await publishFiles(config, infos);
    return controller;
  }

  #hubReady(): Promise<HubPorts> {
    return new Promise((resolve, reject) => {
      this.#onMessage = (message) => {
        if (message.type === "ready") resolve(message.ports);
        else if (message.type === "failed") reject(new ParallelError(message.code, message.message));
        else if (message.type === "log") writeLog(this.#config.logger, message);
        else this.#inbox.push(message);
      };
      this.#host.ended.then(() => reject(new ClosedError("the Hub ended before it was ready")), reject);
    });
  }

  /** Undoes what was done. How that ends is not the point: the error that led here is the one to tell. */
  async abandon(): Promise<void> {
    if (this.#controller !== undefined) {
      await this.#controller.close().catch(() => undefined);
      return;
    }
    this.#host.link.post({ type: "close" });
    await this.#transport.close();
    await this.#host.ended.catch(() => undefined);
  }
}

function hubConfigOf(config: ControllerConfig): HubConfig {
  return {
    interface: config.interface,
    ports: config.ports.hub,
    key: config.key,
    curve: config.curve,
    signatureScheme: SIGNATURE_SCHEME,
    logLevel: config.logLevel,
    messageBytesMax: config.messageBytesMax,
    hearts: config.hearts,
    registration: config.registration,
    store: config.store,
    daskPython: config.daskPython,
    tableFile: config.tableFile,
    restored: config.isRestoring ? readEngineTable(config.tableFile) : undefined,
  };
}

interface ControllerParts {
  readonly config: ControllerConfig;
  readonly transport: Transport;
  readonly host: HubHost;
  readonly router: Router;
  readonly infos: { readonly client: ClientConnectionInfo; readonly engine: EngineConnectionInfo };
}

/** A running controller. */
export class Controller {
  /** Resolves when it has ended, with the reason; rejects when a bug ended it. */
  readonly closed: Promise<EndReason>;
  readonly #parts: ControllerParts;
  readonly #statsWaiting = new Map<number, { readonly resolve: (stats: HubStats) => void; readonly reject: (error: Error) => void }>();
  #statsNumber = 0;
  #reason: EndReason = "closed";
  #closing: Promise<void> | undefined;
  #settle!: { readonly resolve: (reason: EndReason) => void; readonly reject: (error: unknown) => void };

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    this.closed = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Nobody need listen; whoever does gets the rejection all the same.
    this.closed.catch(() => undefined);
    parts.host.ended.then(
      () => this.#hubEnded(new ClosedError("the Hub ended unexpectedly")),
      (error: unknown) => this.#hubEnded(error),
    );
  }

  /** What clients need to connect. */
  get clientConnection(): ClientConnectionInfo {
    return this.#parts.infos.client;
  }

  /** What engines need to connect. */
  get engineConnection(): EngineConnectionInfo {
    return this.#parts.infos.engine;
  }

  /** Numbers of router and Hub. */
  async stats(): Promise<ControllerStats> {
    if (this.#closing !== undefined) throw new ClosedError("the controller is closed");
    const number = this.#statsNumber;
    this.#statsNumber += 1;
    const hub = new Promise<HubStats>((resolve, reject) => this.#statsWaiting.set(number, { resolve, reject }));
    this.#parts.host.link.post({ type: "statsWanted", number });
    return { hub: await hub, router: this.#parts.router.stats };
  }

  /** Takes a word of the Hub. */
  handle(message: ToRouter): void {
    switch (message.type) {
      case "log":
        return writeLog(this.#parts.config.logger, message);
      case "stats":
        this.#statsWaiting.get(message.number)?.resolve(message.stats);
        this.#statsWaiting.delete(message.number);
        return;
      case "shutdown":
        this.#reason = "shutdown requested";
        // A failure to close is told by `closed`.
        setTimeout(() => void this.close().catch(() => undefined), SHUTDOWN_DELAY_MS);
        return;
      case "failed":
        return this.#hubEnded(new ParallelError(message.code, message.message));
      case "ready":
      case "closed":
        return;
      case "credit":
      case "sync":
      case "admitEngine":
      case "expelEngine":
      case "outcomes":
      case "submit":
        if (this.#closing === undefined) this.#parts.router.handle(message satisfies HubOrder);
    }
  }

  /**
   * Removes the connection files, delivers what is queued, flushes the store and ends the Hub's thread. Idempotent.
   *
   * @throws TimeoutError when the Hub does not end in time
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeOnce(): Promise<void> {
    const { config, router, transport, host } = this.#parts;
    for (const { reject } of this.#statsWaiting.values()) reject(new ClosedError("the controller is closed"));
    this.#statsWaiting.clear();
    try {
      await discardFiles(config, this.#parts.infos);
      router.close();
      host.link.post({ type: "close" });
      await transport.close();
      await withDeadline(host.ended, CLOSE_MS_MAX, "the Hub did not end in time");
      config.logger.info("controller stopped", { reason: this.#reason });
      this.#settle.resolve(this.#reason);
    } catch (error) {
      this.#settle.reject(error);
      throw error;
    }
  }

  #hubEnded(error: unknown): void {
    if (this.#closing !== undefined) return;
    this.#parts.config.logger.error("the Hub failed", { cause: error });
    this.#closing = this.#endWithout(error);
  }

  /** Without its Hub a controller is of no use: it ends, and says why. */
  async #endWithout(error: unknown): Promise<void> {
    const { config, router, transport } = this.#parts;
    await discardFiles(config, this.#parts.infos);
    router.close();
    await transport.close();
    this.#settle.reject(error);
  }
}

function writeLog(logger: Logger, entry: ToRouter & { readonly type: "log" }): void {
  logger.child({ component: entry.component })[entry.level](entry.message, entry.fields);
}

async function withDeadline(promise: Promise<void>, ms: number, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(`${what} (${ms} ms)`)), ms);
  });
  try {
    await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
