// The few words a launcher has to say to the Hub: which engines are there, and that one died.

import { setTimeout as sleep } from "node:timers/promises";
import { engineUuid, type EngineUuid } from "../base/index.ts";
import { isDict, type ClientConnectionInfo } from "../wire/index.ts";
import { AskingSocket } from "./asking-socket.ts";

const POLL_MS = 20;
/** A request without an answer is sent again after this time: the controller may just have been restarted. */
const ANSWER_MS = 2000;

/** Engines by uuid, with the numbers the Hub gave them. */
export type EngineNumbers = ReadonlyMap<EngineUuid, number>;

/** A connection to a controller's registration socket. */
export class HubLink {
  readonly #socket: AskingSocket;

  constructor(info: ClientConnectionInfo) {
    this.#socket = new AskingSocket(info, "registration");
  }

  /**
   * The engines that are registered and answer heartbeats; `undefined` when the Hub did not answer in time.
   *
   * @param answerMs how long it may take, default 2,000
   */
  async engines(answerMs: number = ANSWER_MS): Promise<EngineNumbers | undefined> {
    const content = await this.#socket.ask("connection_request", {}, { answerMs });
    if (content === undefined || content["status"] !== "ok" || !isDict(content["engines"])) return undefined;
    const numbers = new Map<EngineUuid, number>();
    for (const [id, uuid] of Object.entries(content["engines"])) if (typeof uuid === "string") numbers.set(engineUuid(uuid), Number(id));
    return numbers;
  }

  /**
   * Asks again and again until `isEnough` says so.
   *
   * @returns false when the signal aborted before
   */
  async waitForEngines(isEnough: (engines: EngineNumbers) => boolean, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const engines = await this.engines();
      if (engines !== undefined && isEnough(engines)) return true;
      await sleep(POLL_MS);
    }
    return false;
  }

  /** Tells the Hub that an engine's process ended. By uuid for our controller, by number too for the reference's. */
  reportDeath(uuid: EngineUuid, id?: number): void {
    this.#socket.tell("unregistration_request", id === undefined ? { uuid } : { id, uuid });
  }

  /** Sends what is queued, then closes. Idempotent. */
  async close(): Promise<void> {
    await this.#socket.close();
  }
}
