// A Session with this platform's parts: HMAC, Buffer's text coding, the real clock.

import { randomBytes } from "node:crypto";
import type { Clock } from "../base/index.ts";
import { Session } from "../wire/index.ts";
import { BUFFER_TEXT, hmacSigner } from "./hmac-signer.ts";
import { SYSTEM_CLOCK } from "./system-clock.ts";

/** What a process says of itself and of the cluster's key. */
export interface SessionOptions {
  readonly key: string;
  /** Default `hmac-sha256`. */
  readonly signatureScheme?: string;
  /** Default: a fresh one. */
  readonly sessionId?: string;
  /** Informational; default `username`. */
  readonly username?: string;
  /** Default: the process id; threads of one process must differ. */
  readonly processTag?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly digestHistorySize?: number;
  readonly messageBytesMax?: number;
}

/** A fresh session id in the reference's form: 32 random hex digits, a dash after the eighth. */
export function newSessionId(): string {
  const hex = randomBytes(16).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** Makes a Session for this process. */
export function createSession(options: SessionOptions): Session {
  return new Session({
    sessionId: options.sessionId ?? newSessionId(),
    username: options.username ?? "username",
    signer: hmacSigner(options.key, options.signatureScheme),
    clock: options.clock ?? SYSTEM_CLOCK,
    processTag: options.processTag ?? String(process.pid),
    text: BUFFER_TEXT,
    ...(options.digestHistorySize === undefined ? {} : { digestHistorySize: options.digestHistorySize }),
    ...(options.messageBytesMax === undefined ? {} : { messageBytesMax: options.messageBytesMax }),
  });
}
