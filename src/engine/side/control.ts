// The control channel (protocol §8.2, §8.7, §8.8), answered beside user code. What the main thread has to know is posted to
// it before the answer leaves, so that an abort which was answered holds for every request sent after it.

import { BoundedMap } from "../../base/index.ts";
import { signalNumber } from "../../execution/side/index.ts";
import type { MessageSocket } from "../../net/index.ts";
import {
  CONTROLLER_IDENTITY,
  errorContent,
  kernelInfo,
  readAbortRequest,
  readMsgIds,
  readOrdinal,
  readSignalRequest,
  replyType,
  type Dict,
  type DropReason,
  type Frame,
  type Message,
  type Session,
} from "../../wire/index.ts";
import type { ControlAction } from "./side-protocol.ts";

/** What control requests set off. */
export interface ControlHooks {
  /** Tells the main thread of a request. */
  post(request: Message, action: ControlAction): void;
  /** Takes back the requests of the task channel up to this ordinal; gives the ordinal of the last one that was started. */
  recall(through: number): number;
  /** Cancels requests; gives the ids of those that ran and were stopped, or nothing when they could not be stopped in time. */
  cancel(request: Message, msgIds: readonly string[]): Promise<readonly string[] | undefined>;
  /** Delivers a signal to this process; the answer to it is on its way. */
  signal(number: number): void;
  /** The controller sends code that it was asked for, or none: nobody waits for that request. */
  code(msgId: string, frames: readonly Frame[] | undefined): void;
  /** A message was dropped. */
  drop(reason: DropReason): void;
}

/** Requests to clear that wait for the main thread, at most; further ones push the oldest out unanswered. */
const CLEARS_MAX = 1000;

/** Answers control requests. */
export class ControlChannel {
  readonly #socket: MessageSocket;
  readonly #session: Session;
  readonly #hooks: ControlHooks;
  readonly #clears = new BoundedMap<number, Message>(CLEARS_MAX);
  #nextToken = 1;
  #isClosed = false;

  constructor(socket: MessageSocket, session: Session, hooks: ControlHooks) {
    this.#socket = socket;
    this.#session = session;
    this.#hooks = hooks;
    socket.receive((frames) => {
      const parsed = session.parse(frames);
      if (parsed.ok) this.#handle(parsed.value);
      else hooks.drop(parsed.reason);
    });
  }

  #handle(request: Message): void {
    const { content } = request;
    switch (request.header.msg_type) {
      case "abort_request":
        this.#hooks.post(request, { type: "abort", msgIds: readAbortRequest(content) });
        return this.#reply(request, { status: "ok" });
      case "cancel_request":
        return void this.#cancel(request, readMsgIds(content));
      case "clear_request":
        return this.#clear(request);
      case "shutdown_request":
        this.#reply(request, { status: "ok", restart: false });
        return this.#hooks.post(request, { type: "shutdown" });
      case "signal_request":
        return this.#signal(request, readSignalRequest(content));
      case "interrupt_request":
        this.#reply(request, { ...content, status: "ok" });
        this.#hooks.post(request, { type: "none" });
        return this.#hooks.signal(2);
      case "kernel_info_request":
        this.#hooks.post(request, { type: "none" });
        return this.#reply(request, kernelInfo(process.versions.node));
      case "recall_request":
        return this.#recall(request, readOrdinal(content, "through"));
      case "code_reply":
        return this.#code(request);
      default:
        return this.#hooks.post(request, { type: "none" });
    }
  }

  async #cancel(request: Message, msgIds: readonly string[]): Promise<void> {
    try {
      const stopped = await this.#hooks.cancel(request, msgIds);
      if (stopped !== undefined) return this.#reply(request, { status: "ok", stopped });
      this.#fail(request, "TimeoutError", "the request was told to stop and does not: the engine's thread cannot be reached");
    } catch (error) {
      this.#fail(request, "Error", `the request could not be stopped: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #fail(request: Message, ename: string, evalue: string): void {
    this.#reply(request, errorContent({ ename, evalue, traceback: [`${ename}: ${evalue}`] }));
  }

  #clear(request: Message): void {
    const token = this.#nextToken++;
    this.#clears.set(token, request);
    this.#hooks.post(request, { type: "clear", token });
  }

  /** The main thread has cleared the namespace. */
  cleared(token: number): void {
    const request = this.#clears.get(token);
    this.#clears.delete(token);
    if (request !== undefined) this.#reply(request, { status: "ok" });
  }

  /** The controller wants tasks back. It publishes nothing: no client asked for it. */
  #recall(request: Message, through: number | undefined): void {
    if (through === undefined || !this.#isFromController(request)) return this.#hooks.drop("badHeader");
    this.#reply(request, { status: "ok", through, started: this.#hooks.recall(through) });
  }

  #code(reply: Message): void {
    const { msg_id: msgId, status } = reply.content;
    if (typeof msgId !== "string" || !this.#isFromController(reply)) return this.#hooks.drop("badHeader");
    this.#hooks.code(msgId, status === "ok" ? reply.buffers : undefined);
  }

  #isFromController({ idents }: Message): boolean {
    return idents[0] !== undefined && this.#session.text.decode(idents[0]) === CONTROLLER_IDENTITY;
  }

  /** Asks the controller for the code of a request. */
  askForCode(msgId: string): void {
    this.#socket.send(this.#session.build("code_request", { msg_id: msgId }, { idents: [this.#session.text.encode(CONTROLLER_IDENTITY)] }));
  }

  /** Sends replies of the task channel that the main thread does not come to send. */
  sendHeld(packed: Frame): void {
    this.#socket.send(this.#session.build("held_replies", {}, { idents: [this.#session.text.encode(CONTROLLER_IDENTITY)], buffers: [packed] }));
  }

  #signal(request: Message, signal: number | string | undefined): void {
    const number = signalNumber(signal);
    if (number === undefined) {
      const evalue = `there is no signal ${JSON.stringify(signal ?? null)} on this platform`;
      return this.#reply(request, errorContent({ ename: "AttributeError", evalue, traceback: [`AttributeError: ${evalue}`] }));
    }
    this.#reply(request, { status: "ok" });
    this.#hooks.signal(number);
  }

  /** Answers nothing more: a request that is being cancelled now hears that the engine is gone. */
  close(): void {
    this.#isClosed = true;
  }

  #reply(request: Message, content: Dict): void {
    if (this.#isClosed) return;
    const metadata = { engine: this.#session.sessionId };
    this.#socket.send(this.#session.build(replyType(request.header.msg_type), content, { idents: request.idents, parent: request.header, metadata }));
  }
}
