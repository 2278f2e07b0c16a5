// What is known of a broadcast whose replies are gathered into one.

import type { EngineUuid } from "../../base/index.ts";
import type { Frame, Header, Message } from "../../wire/index.ts";
import type { BroadcastRequest } from "./request.ts";
/** A coalescing broadcast that is not complete. */
export interface PendingBroadcast {
  readonly client: unknown;
  readonly header: Header;
  readonly request: BroadcastRequest;
  /** Targets that have neither answered nor been given up. */
  readonly open: Set<EngineUuid>;
  /** Targets given up, in the order this happened. */
  readonly lost: EngineUuid[];
  /** Buffers of the replies. */
  readonly held: Map<EngineUuid, readonly Frame[]>;
  heldBytes: number;
  /** The reply that came last, its buffers left out. */
  last: Message | null;
}
