// An engine that registered between a listing and our subscription was told to nobody here: so after connecting the
// controller is asked again, a few times.

import type { ClientLink } from "./client-link.ts";
import { HUB_TIMEOUT_MS } from "./hub-queries.ts";

/** When the engines are asked for again after connecting, in milliseconds: by then the subscription to notifications stands. */
const RELIST_AFTER_MS = [0, 50, 500, 5000] as const;

/** Asks for the engines again, now and whenever a controller is back; ends with the client. */
export function relistAfterConnecting(link: ClientLink): void {
  let timers: readonly NodeJS.Timeout[] = [];
  const stop = (): void => {
    for (const timer of timers) clearTimeout(timer);
  };
  const relist = (): void => {
    if (link.isClosed) return;
    // One of several attempts; a missed one is made good by the next, or by a notification.
    link.listEngines({ timeoutMs: HUB_TIMEOUT_MS }).catch(() => undefined);
  };
  const soon = (): void => {
    stop();
    timers = RELIST_AFTER_MS.map((afterMs) => setTimeout(relist, afterMs).unref());
  };
  link.events.on("closed", stop);
  link.events.on("controllerBack", soon);
  soon();
}
