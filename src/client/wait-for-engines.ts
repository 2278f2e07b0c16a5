// Waiting until enough engines are there, by notification. What is missed while the subscription is not yet live, the
// client learns by the listings after its connection.

import { ClosedError, EngineError, InvalidArgumentError } from "../base/index.ts";
import type { ClientLink } from "./client-link.ts";
import { checkWait, waitFor, type WaitOptions } from "./wait-for.ts";

/** Resolves when `n` engines are known; rejects when one leaves, as the reference does, or the client is closed. */
export async function waitForEngines(link: ClientLink, n: number, options: WaitOptions): Promise<void> {
  if (!Number.isInteger(n) || n < 0) throw new InvalidArgumentError(`the number of engines must be a whole number of at least 0, and is ${n}`);
  checkWait(options);
  const count = (): number => link.directory.engines.size;
  if (count() >= n) return;
  const { events } = link;
  await waitFor<void>(
    (resolve, reject) => {
      const stops = [
        events.on("engineJoined", () => {
          if (count() >= n) resolve();
        }),
        events.on("engineLeft", (engine) => reject(new EngineError(`engine ${engine.id} left while ${n} engines were awaited`))),
        events.on("closed", (reason) => reject(new ClosedError(`${reason} while ${n} engines were awaited`))),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
    options,
    () => `${n} engines were awaited for ${options.timeoutMs} ms and ${count()} are there; start more with \`ipcluster engines -n N\`, or look into their logs`,
  );
}
