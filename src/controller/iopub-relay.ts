// The iopub channel: what engines publish goes unchanged to all clients (protocol §3.6). What belongs into a task's
// record, and the word of an engine that it ends, is copied to the Hub.

import type { BoundSocket } from "../net/index.ts";
import { isHeader, type Frame, type Session } from "../wire/index.ts";
import type { Drops } from "./drops.ts";
import type { Monitor } from "./monitor.ts";

/** Types the Hub keeps something of. */
const RECORDED: ReadonlySet<string> = new Set(["stream", "error", "execute_input", "execute_result"]);

/** What the relay works with. */
export interface IopubParts {
  /** SUB that engines publish to. */
  readonly engineSide: BoundSocket;
  /** PUB that clients subscribe to. */
  readonly clientSide: BoundSocket;
  readonly engineSession: Session;
  readonly drops: Drops;
  readonly monitor: Monitor;
}

/** Relays iopub. */
export class IopubRelay {
  readonly #parts: IopubParts;
  #forwarded = 0;

  constructor(parts: IopubParts) {
    this.#parts = parts;
  }

  /** Messages forwarded. */
  get forwarded(): number {
    return this.#forwarded;
  }

  /** Starts to receive. */
  start(): void {
    this.#parts.engineSide.receive((frames) => this.#forward(frames));
  }

  #forward(frames: Frame[]): void {
    const { clientSide, engineSession, drops, monitor } = this.#parts;
    // Sent again, byte for byte, output would stand twice in the record.
    const opened = engineSession.openOnce(frames);
    if (!opened.ok) return drops.count("iopub.engine", opened.reason);
    if (!clientSide.send(frames)) return drops.count("iopub.engine", "queueFull");
    this.#forwarded += 1;
    const header = engineSession.unpack(opened.value.header);
    if (!isHeader(header)) return;
    if (RECORDED.has(header.msg_type)) monitor.iopub(opened.value);
    if (header.msg_type !== "shutdown_reply") return;
    // The sooner the Hub knows, the sooner clients do.
    monitor.iopub(opened.value);
    monitor.flush();
  }
}
