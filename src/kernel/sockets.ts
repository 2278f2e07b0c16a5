// The main thread's sockets: requests come in on shell, everything is published on iopub, and stdin asks the user.

import type { Logger } from "../log/index.ts";
import { settleIntake, type BoundSocket, type Transport } from "../net/index.ts";
import { DropCounts } from "../execution/side/index.ts";
import { framesBytes, readInputReply, replyType, type Dict, type Frame, type Message, type Session } from "../wire/index.ts";
import type { KernelConnection } from "./connection-file.ts";

const LINGER_MS = 500;

/** A request and its size. */
export interface KernelRequest {
  readonly message: Message;
  readonly bytes: number;
}

/** Binds at once; nothing arrives before `receive`. */
export class KernelSockets {
  readonly #transport: Transport;
  readonly #session: Session;
  readonly #shell: BoundSocket;
  readonly #stdin: BoundSocket;
  readonly #iopub: BoundSocket;
  readonly #drops: DropCounts;
  #arrived = 0;
  #isClosed = false;

  private constructor(transport: Transport, session: Session, sockets: readonly [BoundSocket, BoundSocket, BoundSocket], log: Logger) {
    this.#transport = transport;
    this.#session = session;
    [this.#shell, this.#stdin, this.#iopub] = sockets;
    this.#drops = new DropCounts(log, "shell");
  }

  /** Binds the sockets. Rejects with ConnectionError when one cannot be. */
  static async bind(transport: Transport, session: Session, connection: KernelConnection, log: Logger): Promise<KernelSockets> {
    const bind = (kind: "router" | "pub", port: number): Promise<BoundSocket> =>
      transport.bind(kind, { interface: connection.interface, port }, { lingerMs: LINGER_MS, replacesPeers: true });
    const sockets = await Promise.all([bind("router", connection.shellPort), bind("router", connection.stdinPort), bind("pub", connection.iopubPort)]);
    return new KernelSockets(transport, session, sockets, log);
  }

  /** Starts taking requests, and answers of the user. */
  receive(onRequest: (request: KernelRequest) => void, onInput: (parentId: unknown, text: string) => void): void {
    this.#shell.receive((frames) => {
      this.#arrived += 1;
      const parsed = this.#session.parse(frames);
      if (parsed.ok) onRequest({ message: parsed.value, bytes: framesBytes(frames) });
      else this.#drops.count(parsed.reason);
    });
    this.#stdin.receive((frames) => {
      const parsed = this.#session.parse(frames);
      if (!parsed.ok) return this.#drops.count(parsed.reason);
      if (parsed.value.header.msg_type === "input_reply") onInput(parsed.value.parentHeader["msg_id"], readInputReply(parsed.value.content));
    });
  }

  /** Answers a request. */
  reply({ idents, header }: Message, content: Dict): void {
    if (this.#isClosed) return;
    this.#shell.send(this.#session.build(replyType(header.msg_type), content, { idents, parent: header }));
    this.#shell.flush();
  }

  /**
   * Publishes a message. One for which a front end has no room is lost, as the pattern has it.
   *
   * @returns its size in bytes
   */
  publish(msgType: string, content: Dict, parent: Dict, buffers: readonly Frame[] = []): number {
    if (this.#isClosed) return 0;
    const topic = this.#session.text.encode(`kernel.${this.#session.sessionId}.${msgType}`);
    const frames = this.#session.build(msgType, content, { idents: [topic], parent, buffers });
    this.#iopub.send(frames);
    return framesBytes(frames);
  }

  /**
   * Asks the user of the front end that sent a request.
   *
   * @returns the question's id, which the answer names
   */
  ask({ idents, header }: Message, prompt: string, isPassword: boolean): string {
    const question = this.#session.header("input_request");
    this.#stdin.send(this.#session.build("input_request", { prompt, password: isPassword }, { idents, parent: header, header: question }));
    this.#stdin.flush();
    return question.msg_id;
  }

  /** Stops taking requests until `resume`. */
  pause(): void {
    this.#shell.pause();
  }

  resume(): void {
    this.#shell.resume();
  }

  /** Resolves when everything that had reached this process has been handed on. */
  settle(): Promise<void> {
    return settleIntake(() => this.#arrived);
  }

  /** Sends out what waits, within the linger time, and closes the sockets. */
  async close(): Promise<void> {
    if (!this.#isClosed) this.#drops.logSummary();
    this.#isClosed = true;
    await this.#transport.close();
  }
}
