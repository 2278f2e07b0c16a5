// Profile directories in ipyparallel's layout, so that Python's programs and ours share them.

import { chmod, readdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { ConfigError } from "../base/index.ts";
import { fileFailure } from "./file-failure.ts";
import { makeDirectory } from "./make-directory.ts";

/** A profile directory: its paths. Nothing is known about what exists. */
export interface ProfileDir {
  /** Name without `profile_`, or the whole path when the directory is not called so. */
  readonly name: string;
  readonly path: string;
  /** Connection files and cluster files; 0700. */
  readonly securityDir: string;
  readonly logDir: string;
  /** 0700. */
  readonly pidDir: string;
  /** Task store. */
  readonly dbDir: string;
  readonly startupDir: string;
}

/** How a profile is named. */
export interface ProfileChoice {
  /** Name; default `default`. Beats `IPP_PROFILE_DIR`. */
  readonly profile?: string | undefined;
  /** The directory itself; beats `profile`. */
  readonly profileDir?: string | undefined;
  /** Directory of all profiles; default `$IPYTHONDIR`, else `~/.ipython`. */
  readonly ipythonDir?: string | undefined;
  /** Default: the process environment. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

const NAME = /^[^/\\\0]+$/;

/**
 * Finds the paths of a profile: `profileDir`, else `profile` under the IPython directory, else `$IPP_PROFILE_DIR`, else
 * the profile `default`. Looks at no file.
 *
 * @throws ConfigError when the name cannot be a directory's name
 */
export function resolveProfile(choice: ProfileChoice = {}): ProfileDir {
  const env = choice.env ?? process.env;
  if (isGiven(choice.profileDir)) return profileAt(expandHome(choice.profileDir));
  if (!isGiven(choice.profile) && isGiven(env["IPP_PROFILE_DIR"])) return profileAt(expandHome(env["IPP_PROFILE_DIR"]));
  const name = isGiven(choice.profile) ? choice.profile : "default";
  if (!NAME.test(name) || name === "." || name === "..") {
    throw new ConfigError(`"${name}" cannot be a profile's name; give a plain name, or a directory with --profile-dir`);
  }
  return profileAt(join(resolveIpythonDir(choice), `profile_${name}`));
}

/** The directory that holds all profiles. */
export function resolveIpythonDir(choice: ProfileChoice = {}): string {
  const env = choice.env ?? process.env;
  if (isGiven(choice.ipythonDir)) return resolve(expandHome(choice.ipythonDir));
  return isGiven(env["IPYTHONDIR"]) ? resolve(expandHome(env["IPYTHONDIR"])) : join(homedir(), ".ipython");
}

/** The id of the cluster within its profile: the one given, else `$IPP_CLUSTER_ID`, else empty. */
export function resolveClusterId(given?: string, env: NodeJS.ProcessEnv = process.env): string {
  const id = given ?? env["IPP_CLUSTER_ID"] ?? "";
  if (id !== "" && (!NAME.test(id) || id.length > 128)) {
    throw new ConfigError(`"${id}" cannot be a cluster id; use letters, digits, dots, dashes and underscores`);
  }
  return id;
}

/**
 * Creates a profile's directories where missing; `security` and `pid` become 0700 whatever they were.
 *
 * @throws ConfigError when that is not permitted
 */
export async function ensureProfile(profile: ProfileDir): Promise<void> {
  try {
    await makeDirectory(profile.path);
    await Promise.all([profile.logDir, profile.dbDir, profile.startupDir].map((dir) => makeDirectory(dir)));
    await Promise.all([profile.securityDir, profile.pidDir].map(ensurePrivate));
  } catch (cause) {
    throw new ConfigError(`cannot create the profile directory ${profile.path}: ${fileFailure(cause)}; choose another with --profile-dir or IPYTHONDIR`, {
      cause,
    });
  }
}

async function ensurePrivate(dir: string): Promise<void> {
  await makeDirectory(dir, 0o700);
  const { mode } = await stat(dir);
  if ((mode & 0o777) !== 0o700) await chmod(dir, 0o700);
}

/** The profiles that exist under an IPython directory, by name. */
export async function listProfiles(choice: ProfileChoice = {}): Promise<ProfileDir[]> {
  const dir = resolveIpythonDir(choice);
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new ConfigError(`cannot list the profiles in ${dir}: ${fileFailure(cause)}`, { cause });
  }
  return names
    .filter((name) => name.startsWith("profile_"))
    .sort()
    .map((name) => profileAt(join(dir, name)));
}

function profileAt(dir: string): ProfileDir {
  const path = resolve(dir);
  const base = basename(path);
  return {
    name: base.startsWith("profile_") ? base.slice("profile_".length) : path,
    path,
    securityDir: join(path, "security"),
    logDir: join(path, "log"),
    pidDir: join(path, "pid"),
    dbDir: join(path, "db"),
    startupDir: join(path, "startup"),
  };
}

const isGiven = (text: string | undefined): text is string => text !== undefined && text !== "";

const expandHome = (path: string): string => (path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path);
