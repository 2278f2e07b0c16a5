// Making directories with those above them. Not by `mkdir`'s own `recursive`: that one never ends where the system answers ENOENT for
// something in a directory that is there, as `/proc` does.

import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a directory, and those above it that are missing.
 *
 * @param mode of all that are made; default 0o777 without the process's mask
 * @throws the system's error
 */
export async function makeDirectory(dir: string, mode?: number): Promise<void> {
  try {
    await mkdir(dir, mode);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(dir)).isDirectory()) return;
    if (code !== "ENOENT" || isDirectory(dirname(dir))) throw cause;
    await makeDirectory(dirname(dir), mode);
    await makeDirectory(dir, mode);
  }
}

/** As `makeDirectory`, before it returns. */
export function makeDirectorySync(dir: string, mode?: number): void {
  try {
    mkdirSync(dir, mode);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST" && isDirectory(dir)) return;
    if (code !== "ENOENT" || isDirectory(dirname(dir))) throw cause;
    makeDirectorySync(dirname(dir), mode);
    makeDirectorySync(dir, mode);
  }
}

/** Missing or out of reach: in both cases not a directory to make another one in. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // As above.
  }
}
