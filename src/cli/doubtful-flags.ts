// Flags that are right by themselves and yet surely not what was meant.

import { existsSync } from "node:fs";
import { ConfigError } from "../base/index.ts";
import type { ClusterPlan } from "../cluster/index.ts";
import { didYouMean, listProfiles, type ProfileChoice, type ProfileDir } from "../config/index.ts";
import type { ClusterRequest } from "./cluster-flags.ts";

/**
 * Refuses a Python that no engine would use. In a configuration file it may stand for another day.
 *
 * @throws ConfigError
 */
export function refuseIdlePython({ given }: ClusterRequest, { values }: ClusterPlan): void {
  if (given["python.executable"] !== undefined && values["python.n"] === 0)
    throw new ConfigError("--python names the Python of Python engines, and there are to be none; say how many with --python-engines");
}

/**
 * `; did you mean …?` for a profile that is not there and whose name is nearly that of another; else empty.
 *
 * @throws ConfigError when the profiles cannot be listed
 */
export async function meantProfile(profile: ProfileDir, choice: ProfileChoice): Promise<string> {
  const names = (await listProfiles(choice)).map(({ name }) => name);
  return didYouMean(profile.name, names);
}

/**
 * What is said when a profile is about to be made whose name looks like that of another; `undefined` when there is nothing to say.
 *
 * @param choice where profiles are
 * @throws ConfigError when the profiles cannot be listed
 */
export async function newProfileRemark(profile: ProfileDir, choice: ProfileChoice): Promise<string | undefined> {
  if (profile.name === "default" || profile.name === profile.path || existsSync(profile.path)) return undefined;
  const hint = await meantProfile(profile, choice);
  return hint === "" ? undefined : `there was no profile "${profile.name}", and it is made now${hint}`;
}
