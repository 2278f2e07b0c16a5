// The main thread's end of the link to the side thread.

import { MessageChannel, receiveMessageOnPort, type MessagePort, type Worker } from "node:worker_threads";
import { startSideThread } from "../execution/index.ts";
import { findBundle } from "../programs/index.ts";
import type { Frame } from "../wire/index.ts";
import { HELD_BYTES_MAX, HeldReplies } from "./held-replies.ts";
import { MissingCode } from "./missing-code.ts";
import { TaskClaims } from "./task-claims.ts";
import { idMark, SHARED, SHARED_BYTES, type MainMessage, type SideConfig, type SideMessage } from "./side/side-protocol.ts";

/** How long the process waits, when it ends, for the side thread to say farewell. */
const CLOSE_MS = 1000;

/** What is for the engine; the rest is for the link itself. */
export type EngineMessage = Exclude<SideMessage, { readonly type: "code" }>;

/** Starts the side thread and exchanges messages with it. */
export class SideLink {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #words: Int32Array;
  readonly #onMessage: (message: EngineMessage) => void;
  readonly #missingCode = new MissingCode((msgId) => this.post({ type: "codeMissing", msgId }));
  /** Which requests of the task channel may be started. */
  readonly claims: TaskClaims;
  /** Bytes of held replies, shared with the side thread. */
  readonly #held = new SharedArrayBuffer(HELD_BYTES_MAX);
  #seen = 0;

  /** @param onMessage called for each message, on its own turn of the loop or within `drain` */
  constructor(config: Omit<SideConfig, "port" | "shared" | "held">, onMessage: (message: EngineMessage) => void, onFailure: (error: Error) => void) {
    const shared = new SharedArrayBuffer(SHARED_BYTES);
    const { port1, port2 } = new MessageChannel();
    this.#words = new Int32Array(shared);
    this.#port = port1;
    this.#onMessage = onMessage;
    this.claims = new TaskClaims(this.#words, SHARED.taskClaims, () => this.drain());
    const workerData: SideConfig = { ...config, port: port2, shared, held: this.#held };
    this.#worker = startSideThread(findBundle("engine-side") ?? new URL("./side/side-main.js", import.meta.url), workerData, port2);
    this.#worker.on("error", onFailure);
    this.#port.on("message", (message: SideMessage) => this.#take(message));
  }

  /** Takes what has been posted already, now: costs one load when there is nothing. */
  drain(): void {
    while (Atomics.load(this.#words, SHARED.posted) !== this.#seen) {
      const received = receiveMessageOnPort(this.#port) as { message: SideMessage } | undefined;
      if (received === undefined) return; // Counted, and on its way through the event loop already.
      this.#take(received.message);
    }
  }

  #take(message: SideMessage): void {
    this.#seen = (this.#seen + 1) | 0;
    if (message.type === "code") return this.#missingCode.arrived(message.msgId, message.frames);
    if (message.type === "tasksRecalled") this.claims.recalled(message.through);
    this.#onMessage(message);
  }

  /** Tells the side thread which request runs; 0: none. */
  setRunning(serial: number, id?: string): void {
    Atomics.store(this.#words, SHARED.runningSerial, serial);
    Atomics.store(this.#words, SHARED.runningId, id === undefined ? 0 : idMark(id));
  }

  /** Holds replies so that several leave together; `send` sends them. */
  holdReplies(send: (replies: readonly (readonly Frame[])[]) => void): HeldReplies {
    return new HeldReplies({ words: this.#words, bytes: new Uint8Array(this.#held), send, watch: () => this.post({ type: "watchHeld" }) });
  }

  /** The code of a request that came without some of it, from the controller. */
  fetchCode(msgId: string): Promise<readonly Frame[]> {
    return this.#missingCode.fetch(msgId);
  }

  /** Sends to the side thread. */
  post(message: MainMessage): void {
    this.#port.postMessage(message);
  }

  /**
   * Lets the side thread unregister and close its sockets, and waits for it without returning to the loop. Meant for the
   * very end of the process: ending it while a thread waits on a socket would abort it.
   */
  closeNow(): void {
    this.#missingCode.close();
    this.post({ type: "close" });
    Atomics.wait(this.#words, SHARED.isClosed, 0, CLOSE_MS);
    void this.#worker.terminate(); // The process ends now; nobody is left to wait for it.
  }
}
