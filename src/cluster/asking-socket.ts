// A socket to a controller on which questions are asked: each answer finds its question, and none is waited for in vain. Kept
// apart from the Client, which would load far more than `ipcluster` needs.

import { setTimeout as sleep } from "node:timers/promises";
import { resolveInterface } from "../config/index.ts";
import { createSession, curveOf, ZeromqTransport, type MessageSocket } from "../net/index.ts";
import type { ClientConnectionInfo, Dict, Frame, Session } from "../wire/index.ts";

/** For a message that is still under way; the controller it is for may have ended itself. */
const LINGER_MS = 300;

/** A connection to one of a controller's sockets. */
export class AskingSocket {
  readonly #transport: ZeromqTransport;
  readonly #socket: MessageSocket;
  readonly #session: Session;
  readonly #waiting = new Map<string, (content: Dict | undefined) => void>();

  constructor(info: ClientConnectionInfo, channel: "registration" | "control") {
    this.#session = createSession({ key: info.key, signatureScheme: info.signature_scheme });
    this.#transport = new ZeromqTransport(curveOf(info));
    this.#socket = this.#transport.connect("dealer", [`${resolveInterface(info)}:${info[channel]}`], { lingerMs: LINGER_MS });
    this.#socket.receive((frames) => this.#onMessage(frames));
  }

  /** Sends a message that has no answer. */
  tell(msgType: string, content: Dict): void {
    this.#socket.send(this.#session.build(msgType, content));
  }

  /**
   * The content of the answer; `undefined` when none came in time.
   *
   * @param options.target identity of the peer behind the socket
   */
  async ask(msgType: string, content: Dict, options: { readonly answerMs: number; readonly target?: string }): Promise<Dict | undefined> {
    const header = this.#session.header(msgType);
    const timer = new AbortController();
    const late = sleep(options.answerMs, undefined, { signal: timer.signal }).catch(() => undefined); // aborted: the answer came first
    const answer = new Promise<Dict | undefined>((resolve) => this.#waiting.set(header.msg_id, resolve));
    const idents = options.target === undefined ? [] : [this.#session.text.encode(options.target)];
    this.#socket.send(this.#session.build(msgType, content, { header, idents }));
    try {
      return await Promise.race([answer, late]);
    } finally {
      timer.abort();
      this.#waiting.delete(header.msg_id);
    }
  }

  /** Sends what is queued, then closes; questions under way get no answer. Idempotent. */
  async close(): Promise<void> {
    for (const answer of this.#waiting.values()) answer(undefined);
    await this.#transport.close();
  }

  #onMessage(frames: Frame[]): void {
    const parsed = this.#session.parse(frames);
    if (!parsed.ok) return;
    const parent = parsed.value.parentHeader["msg_id"];
    if (typeof parent === "string") this.#waiting.get(parent)?.(parsed.value.content);
  }
}
