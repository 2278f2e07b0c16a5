// Registration with the controller (protocol §4.3, §8.1) and its opposite. The socket stays open, for the farewell.

import { ConnectionError } from "../../base/index.ts";
import type { MessageSocket } from "../../net/index.ts";
import { offersPacking, readErrorContent, type Dict, type Session, explainDrop, type DropReason } from "../../wire/index.ts";

/** What the controller said. */
export interface Registered {
  readonly engineId: number;
  readonly heartbeatPeriodMs: number;
  /** The shell channels may carry packed frames. */
  readonly packs: boolean;
}

const HEARTBEAT_PERIOD_MS = 3000;

/** Asks the controller for an id, once. */
export class Registration {
  readonly #socket: MessageSocket;
  readonly #session: Session;
  readonly #uuid: string;
  readonly #url: string;
  #engineId: number | null = null;
  #isLeft = false;
  #fail: (error: Error) => void = () => undefined;

  /** @param names the engine's, and where the socket leads, for what a user is told */
  constructor(socket: MessageSocket, session: Session, names: { readonly uuid: string; readonly url: string }) {
    this.#socket = socket;
    this.#session = session;
    this.#uuid = names.uuid;
    this.#url = names.url;
  }

  /**
   * Registers.
   *
   * @param timeoutMs how long the controller may take; then the promise rejects and the request is taken back
   */
  async register(properties: Dict, timeoutMs: number): Promise<Registered> {
    const answered = new Promise<Registered>((resolve, reject) => {
      let drop: DropReason | undefined;
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      this.#fail = fail;
      const timer = setTimeout(() => fail(new ConnectionError(this.#noAnswer(timeoutMs, drop))), timeoutMs);
      this.#socket.receive((frames) => {
        const parsed = this.#session.parse(frames);
        if (!parsed.ok) drop ??= parsed.reason;
        if (!parsed.ok || parsed.value.header.msg_type !== "registration_reply") return;
        const outcome = readRegistrationReply(parsed.value.content);
        if (typeof outcome === "string") return fail(new ConnectionError(`the controller refused the registration: ${outcome}`));
        clearTimeout(timer);
        resolve(outcome);
      });
    });
    this.#socket.send(this.#session.build("registration_request", { uuid: this.#uuid, properties }));
    try {
      const registered = await answered;
      this.#engineId = registered.engineId;
      return registered;
    } catch (error) {
      this.unregister();
      throw error;
    }
  }

  #noAnswer(timeoutMs: number, drop: DropReason | undefined): string {
    if (drop !== undefined) return `the registration failed: the controller at ${this.#url} ${explainDrop(drop)}`;
    return `the controller at ${this.#url} did not answer the registration within ${timeoutMs} ms; it has ended, or its key is another: use the connection file of its last start`;
  }

  /** No connection will stand: ends an attempt to register. */
  refused(sentence: string): void {
    this.#fail(new ConnectionError(sentence));
  }

  /**
   * Tells the controller that this engine is gone. It has no answer (protocol §4.2); the uuid is told besides the id, since an
   * unanswered registration has no id yet.
   */
  unregister(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#socket.send(this.#session.build("unregistration_request", { id: this.#engineId, uuid: this.#uuid }));
  }
}

/** Reads the content of a `registration_reply`; a text tells why it is none. */
export function readRegistrationReply(content: Dict): Registered | string {
  if (content["status"] !== "ok") {
    const failure = readErrorContent(content);
    return `${failure.ename} ${failure.evalue}`.trim();
  }
  const { id, hb_period: period } = content;
  if (!Number.isSafeInteger(id) || (id as number) < 0) return `it gave ${JSON.stringify(id)} as id`;
  const isPeriod = typeof period === "number" && period > 0;
  return { engineId: id as number, heartbeatPeriodMs: isPeriod ? period : HEARTBEAT_PERIOD_MS, packs: offersPacking(content) };
}
