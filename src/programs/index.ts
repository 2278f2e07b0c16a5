// Where this package's programs and threads lie in their quick form. Each is one file in `dist/bundle`, made of the same
// compiled modules: reading a hundred and fifty small ones costs more than all that a program does until it is ready.
// And whether the process behind a program lives, and which memory it keeps.

import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { LaunchError } from "../base/index.ts";

export { glibcVersion, keepingEnvironment, restoreEnvironment } from "./kept-memory.ts";
export { processExists, watchParent } from "./process-life.ts";

/** Everything that starts as a process or a thread of its own. */
export type ProgramName = "ipcluster" | "ipcontroller" | "ipengine" | "bakapara" | "tsparallel" | "engine-side" | "kernel-side" | "hub-worker";

const BUNDLED =
  "a bundler seems to have put the package into another file; keep it outside, by `--external:tsparallel` (esbuild), `ssr.external` (Vite) or `externals` (webpack)";

const DIST = fileURLToPath(new URL("../", ownUrl()));

/** A bundler that makes a CommonJS file of the package leaves nothing of it. */
function ownUrl(): string {
  const url = import.meta.url as string | undefined;
  if (url === undefined) throw new LaunchError(`tsparallel cannot find its own files: ${BUNDLED}`);
  return url;
}

/**
 * Path of a program's one-file form; `undefined` where there is none, or where it is older than the modules it was made
 * of: in a working tree these are compiled far more often. An installed package has no notes of the compiler, and its
 * bundles always count.
 */
export function findBundle(name: ProgramName): string | undefined {
  const path = `${DIST}bundle/${name}.cjs`;
  const madeMs = modifiedMs(path);
  if (madeMs === 0) return undefined;
  if (modifiedMs(`${DIST}index.tsbuildinfo`) === 0) return path;
  const isStale = readdirSync(DIST).some((entry) => modifiedMs(entry.includes(".") ? `${DIST}${entry}` : `${DIST}${entry}/tsconfig.tsbuildinfo`) > madeMs);
  return isStale ? undefined : path;
}

/**
 * Gives the path of a program's file back.
 *
 * @throws LaunchError when there is no such file, as where a bundler has put the package's modules into a file of its own
 */
export function installed(path: string): string {
  // Beside the sources, which tests read uncompiled, there is none.
  if (existsSync(path) || ownUrl().endsWith(".ts")) return path;
  throw new LaunchError(`tsparallel cannot find its program ${path}: ${BUNDLED}`);
}

/** Runs a program: its bundle, or what `load` loads. */
export async function runProgram(name: ProgramName, load: () => Promise<unknown>): Promise<void> {
  const bundle = findBundle(name);
  if (bundle === undefined) await load();
  else createRequire(import.meta.url)(bundle);
}

/** 0 for what is not there. */
function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
