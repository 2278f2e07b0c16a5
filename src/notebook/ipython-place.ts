// Python's client knows no environment variable for its cluster: `ipp.Client()` looks into the profile "default" of the IPython
// directory. So a Python notebook gets an IPython directory of its own in which everything leads to the user's, except that the
// profile "default" has this cluster's connection file.

import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ConfigError } from "../base/index.ts";
import { fileFailure } from "../config/index.ts";
import { atProcessExit } from "../launch/index.ts";

const PROFILE = "profile_default";
const SECURITY = "security";

/** A directory that is removed in the end. */
export interface IpythonPlace extends AsyncDisposable {
  /** For `IPYTHONDIR`. */
  readonly dir: string;
  /** Its only profile that is not the user's. */
  readonly profileDir: string;
}

/**
 * Makes the directory.
 *
 * @param userDir the user's IPython directory, which need not be there
 * @param clientFile the connection file for clients
 * @throws ConfigError when it cannot be made
 */
export async function makeIpythonPlace(userDir: string, clientFile: string): Promise<IpythonPlace> {
  let dir: string | undefined;
  try {
    dir = await mkdtemp(join(tmpdir(), "tsparallel-ipython-"));
    const profileDir = join(dir, PROFILE);
    const securityDir = join(profileDir, SECURITY);
    await mkdir(securityDir, { recursive: true, mode: 0o700 });
    await linkAll(userDir, dir, PROFILE);
    await linkAll(join(userDir, PROFILE), profileDir, SECURITY);
    await symlink(resolve(clientFile), join(securityDir, "ipcontroller-client.json"));
    return placeAt(dir, profileDir);
  } catch (cause) {
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
    throw new ConfigError(`cannot make a directory for IPython in ${tmpdir()}: ${fileFailure(cause)}; set TMPDIR to a directory that can be written`, {
      cause,
    });
  }
}

function placeAt(dir: string, profileDir: string): IpythonPlace {
  const unguard = atProcessExit(() => rmSync(dir, { recursive: true, force: true }));
  return {
    dir,
    profileDir,
    async [Symbol.asyncDispose]() {
      unguard();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function linkAll(from: string, to: string, except: string): Promise<void> {
  const names = await readdir(from).catch(() => []); // Whoever never used IPython has no such directory.
  await Promise.all(names.filter((name) => name !== except).map((name) => symlink(join(resolve(from), name), join(to, name))));
}
