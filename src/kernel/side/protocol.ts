// What the kernel's two threads say to each other. The main thread runs cells and may be busy for any length of time; the
// side thread beats the heart, answers control requests, takes signals and interrupts.

import type { MessagePort } from "node:worker_threads";
import type { LogLevel } from "../../log/index.ts";
import type { Header } from "../../wire/index.ts";
import type { KernelConnection } from "../connection-file.ts";

/** Index of each word in the shared Int32Array. */
export const SHARED = {
  /** Serial number of the running request, 0 when none runs; written by the main thread. */
  runningSerial: 0,
  /** 1 when the side thread has closed its sockets. */
  isClosed: 1,
} as const;

/** Bytes of the shared memory. */
export const SHARED_BYTES = 8;

/** What the side thread starts with. */
export interface KernelSideConfig {
  readonly port: MessagePort;
  readonly shared: SharedArrayBuffer;
  readonly connection: KernelConnection;
  readonly sessionId: string;
  /** Process whose end ends the kernel. */
  readonly parentPid: number | null;
  readonly log: { readonly level: LogLevel; readonly fd: number };
}

/** From the side thread to the main thread. */
export type KernelSideMessage =
  /** Its sockets listen. */
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly reason: string }
  /** A control request came, and is answered; `header` is the parent of its statuses. */
  | { readonly type: "control"; readonly header: Header }
  /** The running request was told to stop. Stale when another one runs by now. */
  | { readonly type: "interrupted"; readonly serial: number }
  /** Asks for a sign of life, on a turn of its own. */
  | { readonly type: "ping" }
  /** This Node gives the side thread no signals: the main thread has to listen itself. */
  | { readonly type: "signalsMissing" }
  /** The process has to end. With `header`: a request to shut down, which the farewell names. */
  | { readonly type: "leave"; readonly reason: string; readonly header?: Header; readonly restart?: boolean };

/** From the main thread to the side thread. */
export type KernelMainMessage =
  /** Close everything, set `isClosed`. */
  | { readonly type: "close" }
  /** The sign of life that a `ping` asked for. */
  | { readonly type: "turned" };
