// A program's own log file, in the log directory of its profile.

import { openSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../base/index.ts";
import { fileFailure, makeDirectorySync, type ProfileDir } from "../config/index.ts";

/**
 * Opens `<program>-[cluster id-]<process id>.log` at its end, readable by the owner only.
 *
 * @returns its descriptor
 * @throws ConfigError when it cannot be written
 */
export function openLogFile(program: string, profile: ProfileDir, clusterId = ""): number {
  const path = join(profile.logDir, `${program}-${clusterId === "" ? "" : `${clusterId}-`}${process.pid}.log`);
  try {
    makeDirectorySync(profile.logDir);
    return openSync(path, "a", 0o600);
  } catch (cause) {
    throw new ConfigError(`cannot write the log ${path}: ${fileFailure(cause)}; leave out --log-to-file`, { cause });
  }
}
