// What a client's link is made of, and what it tells.

import type { Clock } from "../base/index.ts";
import type { EngineFacts, WindowLimits } from "../core/client/index.ts";
import type { Logger } from "../log/index.ts";
import type { Endpoint } from "./connection.ts";
import type { ControllerReturn } from "./link-life.ts";
import type { RequestHandle } from "./request-handle.ts";

/** What a link is made of. */
export interface LinkParts {
  readonly endpoint: Endpoint;
  /** Where a controller has announced itself since; `undefined`: nowhere else. Never rejects. Default: nobody can know. */
  readonly findEndpoint?: ((current: Endpoint) => Promise<Endpoint | undefined>) | undefined;
  /** From the loss of the controller until everything is given up, in milliseconds. */
  readonly reconnectMs: number;
  readonly logger: Logger;
  readonly window?: WindowLimits | undefined;
  /** Bytes of the buffers of one request. */
  readonly requestBytesMax: number;
  readonly clock?: Clock | undefined;
}

/** What a link tells. */
export interface LinkEvents {
  readonly engineJoined: EngineFacts;
  readonly engineLeft: EngineFacts;
  /** The controller went away; a sentence. */
  readonly controllerLost: string;
  /** A controller is there again, and what was outstanding is looked after. */
  readonly controllerBack: ControllerReturn;
  /** Everything is over; the reason. */
  readonly closed: string;
  /** A request ended. */
  readonly settled: RequestHandle;
}
