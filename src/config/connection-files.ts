// Connection files (protocol §2): a controller writes two, engines and clients read them. They hold the cluster's key,
// so they are 0600 and appear whole: written under a temporary name and renamed, the client's first.

import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../base/index.ts";
import { readClientConnectionInfo, readEngineConnectionInfo, type ClientConnectionInfo, type EngineConnectionInfo } from "../wire/index.ts";
import { curveKeyPath } from "./curve-keys.ts";
import { fileFailure } from "./file-failure.ts";
import type { ProfileDir } from "./profile.ts";

/** Which of the two files. */
export type ConnectionRole = "client" | "engine";

/** How long to wait for a file. */
export interface ReadConnectionOptions {
  /** Milliseconds to wait for a file that is not there yet; default 10,000, 0 not at all. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

interface InfoByRole {
  readonly client: ClientConnectionInfo;
  readonly engine: EngineConnectionInfo;
}

const WAIT_MS = 10_000;
const POLL_MS = 10;
/** A file that does not parse is read again for this long: another program may be writing it in place. */
const HALF_WRITTEN_MS = 1000;
const FILE_BYTES_MAX = 1024 * 1024;

/** Path of a connection file: `security/ipcontroller[-ID]-<role>.json`. */
export function connectionFilePath(profile: ProfileDir, role: ConnectionRole, clusterId: string): string {
  return join(profile.securityDir, `ipcontroller${clusterId === "" ? "" : `-${clusterId}`}-${role}.json`);
}

/**
 * Writes both files of a cluster, the client's first.
 *
 * @throws ConfigError when the directory cannot be written
 */
export async function writeConnectionFiles(profile: ProfileDir, clusterId: string, client: ClientConnectionInfo, engine: EngineConnectionInfo): Promise<void> {
  await writePrivateFile(connectionFilePath(profile, "client", clusterId), JSON.stringify(client, null, 2));
  await writePrivateFile(connectionFilePath(profile, "engine", clusterId), JSON.stringify(engine, null, 2));
}

/** Removes both files of a cluster, and a secret key that was kept for them; missing ones are no error. */
export async function removeConnectionFiles(profile: ProfileDir, clusterId: string): Promise<void> {
  const paths = [...(["client", "engine"] as const).map((role) => connectionFilePath(profile, role, clusterId)), curveKeyPath(profile, clusterId)];
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}

/**
 * Writes a 0600 file that appears whole or not at all.
 *
 * @throws ConfigError when that is not possible
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first failure is the one worth telling
    throw new ConfigError(`cannot write ${path}: ${fileFailure(cause)}`, { cause });
  }
}

/**
 * Reads what a connection file's text says.
 *
 * @throws ConfigError, and nothing else, when it is not such a file's content
 */
export function parseConnectionInfo<Role extends ConnectionRole>(role: Role, text: string): InfoByRole[Role] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("the connection information is not JSON", { cause });
  }
  const info = role === "client" ? readClientConnectionInfo(value) : readEngineConnectionInfo(value);
  if (typeof info === "string") throw new ConfigError(`the connection information is wrong: ${info}`);
  return info as InfoByRole[Role];
}

/**
 * Reads a connection file. Waits for one that is not there yet and reads a half-written one again.
 *
 * @throws ConfigError when there is none in time or it is wrong; the signal's reason when it aborts
 */
export async function readConnectionFile<Role extends ConnectionRole>(
  role: Role,
  path: string,
  options: ReadConnectionOptions = {},
): Promise<InfoByRole[Role]> {
  const waitMs = options.waitMs ?? WAIT_MS;
  const deadline = performance.now() + waitMs;
  let brokenUntil: number | undefined;
  for (;;) {
    options.signal?.throwIfAborted();
    const found = await readSmallFile(path);
    const now = performance.now();
    if (found !== undefined) {
      if (isJson(found)) return parseFile(role, path, found);
      brokenUntil ??= now + HALF_WRITTEN_MS;
      if (now >= brokenUntil) return parseFile(role, path, found);
    } else if (now >= deadline) {
      const waited = waitMs > 0 ? ` within ${waitMs / 1000} s` : "";
      throw new ConfigError(`no connection file ${path}${waited}; start a cluster with \`ipcluster start\`, or name the right profile or cluster id`);
    }
    await sleep(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(() => options.signal?.throwIfAborted());
  }
}

/** The file's text; `undefined` when it does not exist. */
async function readSmallFile(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) throw new ConfigError(`${path} is no connection file: it has ${size} bytes`);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConfigError(`cannot read the connection file ${path}: ${fileFailure(cause)}`, { cause });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Not JSON, or not all of it yet: the caller reads again for a while.
    return false;
  }
}

function parseFile<Role extends ConnectionRole>(role: Role, path: string, text: string): InfoByRole[Role] {
  try {
    return parseConnectionInfo(role, text);
  } catch (cause) {
    if (cause instanceof ConfigError) throw new ConfigError(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
}
