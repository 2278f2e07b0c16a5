// Engines joining and leaving, as a stream.

import type { EngineFacts } from "../core/client/index.ts";
import type { ClientLink } from "./client-link.ts";
import { streamOf } from "./emitter.ts";

/** An engine came or went. */
export interface EngineEvent {
  readonly type: "engineJoined" | "engineLeft";
  readonly engine: EngineFacts;
}

/** Engines that join and leave from now on, until the client is closed or the signal aborts. */
export function engineEvents(link: ClientLink, signal: AbortSignal | undefined): AsyncGenerator<EngineEvent, void, undefined> {
  const subscribe = (listener: (event: EngineEvent) => void): (() => void) => {
    const stops = (["engineJoined", "engineLeft"] as const).map((type) => link.events.on(type, (engine) => listener({ type, engine })));
    return () => {
      for (const stop of stops) stop();
    };
  };
  return streamOf(subscribe, (end) => link.events.on("closed", end), signal);
}
