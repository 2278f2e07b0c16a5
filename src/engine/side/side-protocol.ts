// What the engine's two threads say to each other. The main thread runs user code and may be busy for any length of
// time; the side thread registers, answers heartbeats and control requests, and interrupts.
//
// Messages to the main thread are counted in shared memory, so that it can see with one load, between two requests,
// whether anything waits for it.

import type { MessagePort } from "node:worker_threads";
import type { LogLevel } from "../../log/index.ts";
import type { Dict, EngineConnectionInfo, Header } from "../../wire/index.ts";

/** Index of each word in the shared Int32Array. */
export const SHARED = {
  /** Messages posted to the main thread so far. */
  posted: 0,
  /** Serial number of the running request, 0 when none runs; written by the main thread. */
  runningSerial: 1,
  /** 1 when the side thread has closed its sockets. */
  isClosed: 2,
  /** Which requests of the task channel are started, and how often they were recalled (`task-claims.ts`). */
  taskClaims: 3,
  /** Whose the held replies are, where they end, how often the first of a row was held, how often they were taken, whether they are watched (`held-replies.ts`). */
  heldState: 4,
  heldBytes: 5,
  heldSerial: 6,
  heldTakings: 7,
  heldWatched: 8,
  /** `idMark` of the running request, 0 when none runs; written by the main thread. */
  runningId: 9,
} as const;

/** Bytes of the shared memory. */
export const SHARED_BYTES = 40;

/** A message id as one word, never 0 (FNV-1a): enough to tell, without asking, whether it is a certain request that runs. */
export function idMark(id: string): number {
  let mark = 0x811c9dc5 | 0;
  for (let i = 0; i < id.length; i += 1) mark = Math.imul(mark ^ id.charCodeAt(i), 0x01000193);
  return mark === 0 ? 1 : mark;
}

/** What the side thread starts with. */
export interface SideConfig {
  readonly port: MessagePort;
  readonly shared: SharedArrayBuffer;
  /** Replies that are held. */
  readonly held: SharedArrayBuffer;
  readonly info: EngineConnectionInfo;
  /** `tcp://<address>`, resolved. */
  readonly address: string;
  /** Registration endpoint, when it is not `address:info.registration`. */
  readonly registrationUrl: string | null;
  readonly uuid: string;
  /** What the registration tells of this engine besides its uuid. */
  readonly properties: Dict;
  readonly registrationTimeoutMs: number;
  readonly heartMissesMax: number;
  /** Process whose end ends the engine. */
  readonly parentPid: number | null;
  readonly log: { readonly level: LogLevel; readonly fd: number };
}

/** From the side thread to the main thread. */
export type SideMessage =
  /** `packs`: the shell channels may carry packed frames. */
  | { readonly type: "registered"; readonly engineId: number; readonly packs: boolean }
  | { readonly type: "registrationFailed"; readonly reason: string }
  /** A control request came (already answered where no `token` is given); `header` is the parent of its statuses. */
  | { readonly type: "control"; readonly header: Header; readonly action: ControlAction }
  /** This Node gives the side thread no signals: the main thread has to listen itself. */
  | { readonly type: "signalsMissing" }
  /** The running request was told to stop. Stale when another one runs by now. */
  | { readonly type: "interrupted"; readonly serial: number }
  /** The running request was told to stop because its time is over; stale likewise. */
  | { readonly type: "limitReached"; readonly serial: number }
  /** The running request is stopped because it was cancelled; stale likewise. */
  | { readonly type: "cancelled"; readonly serial: number }
  /** Give a sign of life. */
  | { readonly type: "ping" }
  /** The controller takes back the requests of the task channel up to this ordinal that are not claimed when the claims are frozen, right after this. */
  | { readonly type: "tasksRecalled"; readonly through: number }
  /** Code that was asked for, or `undefined`: nobody waits for that request any more. */
  | { readonly type: "code"; readonly msgId: string; readonly frames: readonly Uint8Array[] | undefined }
  /** The process has to end. */
  | { readonly type: "leave"; readonly reason: string; readonly exitCode: number };

/** What a control request wants of the main thread. */
export type ControlAction =
  | { readonly type: "none" }
  | { readonly type: "abort"; readonly msgIds: readonly string[] | "all" }
  | { readonly type: "clear"; readonly token: number }
  /** Answered by `cancelled` when none of these runs any more. */
  | { readonly type: "cancel"; readonly token: number; readonly msgIds: readonly string[] }
  | { readonly type: "shutdown" };

/** From the main thread to the side thread. */
export type MainMessage =
  /** The shell sockets stand: the heart may beat. */
  | { readonly type: "connected" }
  /** A reply is held: look after it. */
  | { readonly type: "watchHeld" }
  /** The request that runs now may run for so long. */
  | { readonly type: "limit"; readonly serial: number; readonly limitMs: number }
  /** Ask the controller for the code of a request, as some of it is missing. */
  | { readonly type: "codeMissing"; readonly msgId: string }
  /** The namespace was cleared: answer the request. */
  | { readonly type: "cleared"; readonly token: number }
  /** None of the requests of this `cancel` runs now; `stopped`: the one that did. */
  | { readonly type: "cancelled"; readonly token: number; readonly stopped: string | undefined }
  /** The sign of life that a `ping` asked for. */
  | { readonly type: "turned" }
  /** Unregister, close everything, set `isClosed`. */
  | { readonly type: "close" };
