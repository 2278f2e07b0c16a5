// The main thread's end of the link to the kernel's side thread.

import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import { startSideThread } from "../execution/index.ts";
import { findBundle } from "../programs/index.ts";
import { SHARED, SHARED_BYTES, type KernelMainMessage, type KernelSideConfig, type KernelSideMessage } from "./side/protocol.ts";

/** How long the process waits, when it ends, for the side thread to close its sockets. */
const CLOSE_MS = 1000;

/** What is for the kernel; the rest is for the link itself. */
export type KernelMessage = Exclude<KernelSideMessage, { readonly type: "ready" }>;

/** Starts the side thread and exchanges messages with it. */
export class KernelSideLink {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #words: Int32Array;

  #resolveReady: () => void = () => undefined;

  /** Settles when the side thread listens. */
  readonly ready: Promise<void>;

  /** @param onMessage called for each message, on its own turn of the loop */
  constructor(config: Omit<KernelSideConfig, "port" | "shared">, onMessage: (message: KernelMessage) => void, onFailure: (error: Error) => void) {
    const shared = new SharedArrayBuffer(SHARED_BYTES);
    const { port1, port2 } = new MessageChannel();
    this.#words = new Int32Array(shared);
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.#port = port1;
    const workerData: KernelSideConfig = { ...config, port: port2, shared };
    this.#worker = startSideThread(findBundle("kernel-side") ?? new URL("./side/kernel-side-main.js", import.meta.url), workerData, port2);
    this.#worker.on("error", onFailure);
    this.#port.on("message", (message: KernelSideMessage) => {
      if (message.type === "ready") this.#resolveReady();
      else onMessage(message);
    });
  }

  /** Sends to the side thread. */
  post(message: KernelMainMessage): void {
    this.#port.postMessage(message);
  }

  /** Tells the side thread which request runs; 0: none. */
  setRunning(serial: number): void {
    Atomics.store(this.#words, SHARED.runningSerial, serial);
  }

  /**
   * Lets the side thread close its sockets, and waits for it without returning to the loop. Meant for the very end of the
   * process: ending it while a thread waits on a socket would abort it.
   */
  closeNow(): void {
    this.post({ type: "close" });
    Atomics.wait(this.#words, SHARED.isClosed, 0, CLOSE_MS);
    void this.#worker.terminate(); // The process ends now; nobody is left to wait for it.
  }
}
