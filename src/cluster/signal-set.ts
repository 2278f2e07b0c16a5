// A signal for the engines of a set: by their launcher, or by the controller where the launcher has no way to send it.

import { LaunchError } from "../base/index.ts";
import type { Client } from "../client/index.ts";
import type { LaunchedEngines } from "../launch/index.ts";
import type { HubLink } from "./hub-link.ts";

/** Ways to the controller. */
export interface SignalParts {
  readonly openLink: () => HubLink;
  readonly connect: () => Promise<Client>;
}

/**
 * Sends a signal to every engine of a set.
 *
 * @throws LaunchError when neither the launcher nor the controller can deliver it
 */
export async function signalSet(set: LaunchedEngines, signal: NodeJS.Signals, parts: SignalParts): Promise<void> {
  try {
    await set.signal(signal);
  } catch (cause) {
    if (!(cause instanceof LaunchError)) throw cause;
    const ids = await numbersOf(set, parts.openLink());
    if (ids.length === 0) throw cause;
    const client = await parts.connect();
    try {
      await client.sendSignal(signal, ids);
    } finally {
      await client.close();
    }
  }
}

/** Numbers that the Hub gave to a set's engines. */
async function numbersOf(set: LaunchedEngines, link: HubLink): Promise<number[]> {
  try {
    const numbers = await link.engines();
    return set.engines.flatMap(({ uuid }) => (uuid === undefined ? [] : (numbers?.get(uuid) ?? [])));
  } finally {
    await link.close();
  }
}
