// A signal for the engines of a set: by their launcher, or by the controller where the launcher has no way to send it.

import { LaunchError } from "../base/index.ts";
import type { LaunchedEngines } from "../launch/index.ts";
import type { ControlLink } from "./control-link.ts";
import { engineName } from "./failures.ts";

/**
 * Sends a signal to every engine of a set.
 *
 * @throws LaunchError when neither the launcher nor the controller can deliver it
 */
export async function signalSet(set: LaunchedEngines, signal: NodeJS.Signals, control: ControlLink): Promise<void> {
  try {
    await set.signal(signal);
  } catch (cause) {
    if (!(cause instanceof LaunchError)) throw cause;
    const engines = set.engines.filter((engine) => engine.isRunning && engine.uuid !== undefined);
    if (engines.length === 0) throw cause;
    const failures = await Promise.all(
      engines.map(async (engine) => {
        const why = engine.uuid === undefined ? undefined : await control.signal(engine.uuid, signal);
        return why === undefined ? [] : [`${engineName(engine, set)} did not get ${signal}: ${why}`];
      }),
    );
    const [first] = failures.flat();
    if (first !== undefined) throw new LaunchError(first, { cause });
  }
}
