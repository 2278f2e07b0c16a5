// `ipcluster profile create|list|locate` and `ipcluster create`.

import { existsSync } from "node:fs";
import { ConfigError } from "../base/index.ts";
import { createProfile, listProfiles, resolveProfile } from "../config/index.ts";
import { meantProfile } from "./doubtful-flags.ts";
import type { Command } from "./program.ts";
import { profileChoice } from "./schema-options.ts";

/** Creates a profile; with `isParallel` with its configuration files. */
export async function createCommand(name: string | undefined, isParallel: boolean, command: Command): Promise<void> {
  const choice = profileChoice(command);
  const profile = resolveProfile(name === undefined ? choice : { ...choice, profile: name });
  const isNew = !existsSync(profile.path);
  const written = await createProfile(profile, { parallel: isParallel });
  process.stdout.write(`${isNew ? "created" : "completed"} ${profile.path}\n${written.map((path) => `wrote ${path}\n`).join("")}`);
}

/** Prints name and path of each profile. */
export async function listProfilesCommand(command: Command): Promise<void> {
  const profiles = await listProfiles(profileChoice(command));
  const isJson = command.opts<{ output: string }>().output === "json";
  const width = Math.max(0, ...profiles.map((profile) => profile.name.length));
  const text = profiles.map((profile) => `${profile.name.padEnd(width)}  ${profile.path}\n`).join("");
  process.stdout.write(
    isJson
      ? `${JSON.stringify(
          profiles.map(({ name, path }) => ({ name, path })),
          null,
          2,
        )}\n`
      : text,
  );
}

/**
 * Prints a profile's path.
 *
 * @throws ConfigError when it is not there
 */
export async function locateCommand(name: string | undefined, command: Command): Promise<void> {
  const choice = profileChoice(command);
  const profile = resolveProfile(name === undefined ? choice : { ...choice, profile: name });
  if (!existsSync(profile.path))
    throw new ConfigError(
      `there is no profile ${profile.path}${(await meantProfile(profile, choice)) || "; make it with `ipcluster profile create --parallel`"}`,
    );
  process.stdout.write(`${profile.path}\n`);
}
