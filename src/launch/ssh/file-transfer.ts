// Files that go to every host before the start, and come from it after: over the connection that is there anyway.

import { readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { LaunchError } from "../../base/index.ts";
import { fileFailure, makeDirectory } from "../../config/index.ts";
import type { LauncherOptions } from "../launcher.ts";
import type { HostLink } from "./host-link.ts";

/** Contents travel whole, in memory. */
export const FILE_BYTES_MAX: number = 64 * 1024 * 1024;
const TRANSFER_MS = 120_000;
const WAIT_MS = 10_000;

/** From one path to another. */
export interface Transfer {
  readonly from: string;
  readonly to: string;
}

/** The transfers of the options `toSend` and `toFetch`. */
export function readTransfers(options: LauncherOptions): { readonly send: readonly Transfer[]; readonly fetch: readonly Transfer[] } {
  const read = (value: unknown): Transfer[] => (Array.isArray(value) ? value.filter((item) => typeof item === "string").map(transferOf) : []);
  return { send: read(options["toSend"]), fetch: read(options["toFetch"]) };
}

/** `from:to`, or one path for both. */
function transferOf(text: string): Transfer {
  const at = text.indexOf(":");
  return at < 0 ? { from: text, to: text } : { from: text.slice(0, at), to: text.slice(at + 1) };
}

const expandHome = (path: string): string => path.replace(/^~(?=\/|$)/, homedir());
const remotePath = (path: string): string => path.replace(/^~\//, "");

/**
 * Copies files to a host.
 *
 * @throws LaunchError when one cannot be read here or written there
 */
export async function sendFiles(link: HostLink, files: readonly Transfer[]): Promise<void> {
  for (const { from, to } of files) {
    const content = await local(`send ${from}`, () => readFile(resolve(expandHome(from))));
    if (content.length > FILE_BYTES_MAX) throw new LaunchError(`cannot send ${from}: it is larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB`);
    await link.call("put", { path: remotePath(to), content: content.toString("base64"), mode: 0o600 }, TRANSFER_MS);
  }
}

/** Copies files from a host; as `sendFiles`. */
export async function fetchFiles(link: HostLink, files: readonly Transfer[]): Promise<void> {
  for (const { from, to } of files) {
    const { content } = await link.call("get", { path: remotePath(from), waitMs: WAIT_MS, bytesMax: FILE_BYTES_MAX }, TRANSFER_MS);
    const path = resolve(expandHome(to.replaceAll("{host}", link.target.host)));
    await local(`write ${path}`, async () => {
      await makeDirectory(dirname(path));
      await writeFile(path, Buffer.from(content, "base64"), { mode: 0o600 });
    });
  }
}

async function local<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (cause) {
    throw new LaunchError(`cannot ${what}: ${fileFailure(cause)}`, { cause });
  }
}
