// The few words a launcher has to say to the Hub: which engines are there, and that one died. Kept apart from the Client,
// which would load far more than `ipcluster` needs.

import { setTimeout as sleep } from "node:timers/promises";
import { engineUuid, type EngineUuid } from "../base/index.ts";
import { resolveInterface } from "../config/index.ts";
import { createSession, curveOf, ZeromqTransport, type MessageSocket } from "../net/index.ts";
import { isDict, type ClientConnectionInfo, type Dict, type Frame, type Session } from "../wire/index.ts";

const POLL_MS = 20;
/** For the report of a death that is still under way; the controller it is for may have ended itself. */
const LINGER_MS = 300;
/** A request without an answer is sent again after this time: the controller may just have been restarted. */
const ANSWER_MS = 2000;

/** Engines by uuid, with the numbers the Hub gave them. */
export type EngineNumbers = ReadonlyMap<EngineUuid, number>;

/** A connection to a controller's registration socket. */
export class HubLink {
  readonly #transport: ZeromqTransport;
  readonly #socket: MessageSocket;
  readonly #session: Session;
  readonly #waiting = new Map<string, (content: Dict | undefined) => void>();

  constructor(info: ClientConnectionInfo) {
    this.#session = createSession({ key: info.key, signatureScheme: info.signature_scheme });
    this.#transport = new ZeromqTransport(curveOf(info));
    this.#socket = this.#transport.connect("dealer", [`${resolveInterface(info)}:${info.registration}`], { lingerMs: LINGER_MS });
    this.#socket.receive((frames) => this.#onMessage(frames));
  }

  /**
   * The engines that are registered and answer heartbeats; `undefined` when the Hub did not answer in time.
   *
   * @param answerMs how long it may take, default 2,000
   */
  async engines(answerMs: number = ANSWER_MS): Promise<EngineNumbers | undefined> {
    const content = await this.#request("connection_request", answerMs);
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
    this.#socket.send(this.#session.build("unregistration_request", id === undefined ? { uuid } : { id, uuid }));
  }

  /** Sends what is queued, then closes. Idempotent. */
  async close(): Promise<void> {
    for (const answer of this.#waiting.values()) answer(undefined);
    await this.#transport.close();
  }

  async #request(msgType: string, answerMs: number): Promise<Dict | undefined> {
    const header = this.#session.header(msgType);
    const timer = new AbortController();
    const late = sleep(answerMs, undefined, { signal: timer.signal }).catch(() => undefined); // aborted: the answer came first
    const answer = new Promise<Dict | undefined>((resolve) => this.#waiting.set(header.msg_id, resolve));
    this.#socket.send(this.#session.build(msgType, {}, { header }));
    try {
      return await Promise.race([answer, late]);
    } finally {
      timer.abort();
      this.#waiting.delete(header.msg_id);
    }
  }

  #onMessage(frames: Frame[]): void {
    const parsed = this.#session.parse(frames);
    if (!parsed.ok) return;
    const parent = parsed.value.parentHeader["msg_id"];
    if (typeof parent === "string") this.#waiting.get(parent)?.(parsed.value.content);
  }
}
