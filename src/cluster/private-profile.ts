// Temporary profiles of clusters that are their program's own. A program that is killed cannot remove its one, so the next that makes one
// removes those whose owners are surely dead: this user's, of this machine and of the same view of processes, with the owner's start.

import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../base/index.ts";
import { fileFailure, resolveProfile, type ProfileDir } from "../config/index.ts";
import { identityOf, isAlive } from "../launch/index.ts";

const PREFIX = "tsparallel-";
const NAME = /^tsparallel-[A-Za-z0-9]{6}$/;
const OWNER_FILE = "owner.json";
/** Looked at in one start: a directory full of them must not hold it up. */
const LOOKED_AT_MAX = 200;

/** Who made a temporary profile. */
interface Owner {
  readonly pid: number;
  readonly started: string;
  readonly host: string;
  /** Process ids of another namespace, as of a container, say nothing here. */
  readonly namespace: string;
}

/**
 * Makes a temporary profile, and removes abandoned ones.
 *
 * @throws ConfigError when it cannot be made
 */
export async function makePrivateProfile(): Promise<ProfileDir> {
  try {
    await removeAbandonedProfiles(tmpdir());
    const path = await mkdtemp(join(tmpdir(), PREFIX));
    try {
      await writeFile(join(path, OWNER_FILE), JSON.stringify(ownerNow()), { mode: 0o600 });
    } catch (cause) {
      await rm(path, { recursive: true, force: true });
      throw cause;
    }
    return resolveProfile({ profileDir: path });
  } catch (cause) {
    throw new ConfigError(`cannot make a temporary profile in ${tmpdir()}: ${fileFailure(cause)}; set TMPDIR to a directory that can be written`, { cause });
  }
}

function ownerNow(): Owner {
  return { ...identityOf(process.pid), host: hostname(), namespace: namespaceOfPids() };
}

/** Removes temporary profiles in `folder` whose owners are dead. Never rejects: what cannot be removed stays. */
export async function removeAbandonedProfiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const abandoned = names
    .filter((name) => NAME.test(name))
    .slice(0, LOOKED_AT_MAX)
    .filter((name) => isAbandoned(join(folder, name)));
  await Promise.allSettled(abandoned.map(async (name) => rm(join(folder, name), { recursive: true, force: true })));
}

function isAbandoned(path: string): boolean {
  try {
    const file = join(path, OWNER_FILE);
    if (!lstatSync(path).isDirectory() || !isMine(path) || !lstatSync(file).isFile() || !isMine(file)) return false;
    const owner = readOwner(readFileSync(file, "utf8"));
    // Without the time of its start, a process id proves nothing.
    return owner !== undefined && owner.started !== "" && owner.host === hostname() && owner.namespace === namespaceOfPids() && !isAlive(owner);
  } catch {
    // No owner is told, or it went this very moment.
    return false;
  }
}

const isMine = (path: string): boolean => process.getuid === undefined || lstatSync(path).uid === process.getuid();

function readOwner(text: string): Owner | undefined {
  const { pid, started, host, namespace } = JSON.parse(text) as Partial<Record<keyof Owner, unknown>>;
  const isWhole = typeof pid === "number" && typeof started === "string" && typeof host === "string" && typeof namespace === "string";
  return isWhole ? { pid, started, host, namespace } : undefined;
}

function namespaceOfPids(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: there are none.
    return "";
  }
}
