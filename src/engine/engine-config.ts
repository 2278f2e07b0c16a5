// What an engine is started with, and how it ends.

import type { EngineUuid } from "../base/index.ts";
import type { LogLevel } from "../log/index.ts";
import type { Dict, EngineConnectionInfo } from "../wire/index.ts";

/** An engine's settings, complete. */
export interface EngineConfig {
  readonly info: EngineConnectionInfo;
  /** `tcp://<address>` to connect to, resolved. */
  readonly address: string;
  /** Registration endpoint when it is another than the connection file's. */
  readonly registrationUrl: string | null;
  readonly uuid: EngineUuid;
  readonly host: string;
  /** Told to the controller at registration. */
  readonly properties: Dict;
  /** How long the controller may take to answer the registration. */
  readonly registrationTimeoutMs: number;
  /** Heartbeats the controller may miss; 0: any number. */
  readonly heartMissesMax: number;
  /** Bytes that the result of one request may have. */
  readonly resultBytesMax: number;
  /** Process whose end ends the engine, or `null`. */
  readonly parentPid: number | null;
  /** Cells to run before the first request, in order. */
  readonly startupCells: readonly { readonly code: string; readonly origin: string }[];
  /** Informational, in message headers. */
  readonly username: string;
  readonly log: { readonly level: LogLevel; readonly fd: number };
}

/** Why and how an engine ended. */
export interface EngineEnd {
  readonly exitCode: number;
  readonly reason: string;
}
