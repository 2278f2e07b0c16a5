// Launchers by the name that users write.

import { ConfigError } from "../base/index.ts";
import type { Launcher } from "./launcher.ts";
import { LOCAL_LAUNCHER } from "./local-launcher.ts";

const LAUNCHERS: ReadonlyMap<string, Launcher> = new Map([[LOCAL_LAUNCHER.name, LOCAL_LAUNCHER]]);

/** The names that `getLauncher` knows. */
export function launcherNames(): string[] {
  return [...LAUNCHERS.keys()];
}

/**
 * The launcher of a name, in any case; ipyparallel's class names mean the same (`LocalEngineSetLauncher`).
 *
 * @param purpose for the message: what it would start
 * @throws ConfigError when there is no such launcher here
 */
export function getLauncher(name: string, purpose: "the controller" | "engines"): Launcher {
  const launcher = findLauncher(name);
  if (launcher === undefined) throw new ConfigError(`no launcher "${name}" for ${purpose}; available: ${launcherNames().join(", ")}`);
  return launcher;
}

/** As `getLauncher`; `undefined` when there is none. */
export function findLauncher(name: string): Launcher | undefined {
  const plain = name.toLowerCase().replace(/^.*[.:]/, "");
  const short = /^(\w+?)(controller|engineset|engine)launcher$/.exec(plain)?.[1] ?? plain;
  return LAUNCHERS.get(short);
}
