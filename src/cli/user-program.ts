// A program of the user's: the command that runs it, and its process.

import { spawn } from "node:child_process";
import { accessSync, constants as modes, statSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { basename, delimiter, dirname, join, resolve as resolvePath } from "node:path";
import { pathToFileURL } from "node:url";
import { LaunchError } from "../base/index.ts";
import { fileFailure } from "../config/index.ts";
import { ownPackage } from "./own-package.ts";

/** How long a program may take to end after SIGTERM. */
const END_MS = 5000;

const TYPESCRIPT = /\.[cm]?tsx?$/;
const JAVASCRIPT = /\.[cm]?js$/;
const SHELL = /\.sh$/;

/**
 * The command for a program and its arguments: TypeScript and JavaScript files are run by this node, `.sh` files by sh,
 * anything else as it is.
 */
export function programCommand([file = "", ...args]: readonly string[]): string[] {
  if (TYPESCRIPT.test(file)) return [process.execPath, `--import=${typescriptHooks()}`, file, ...args];
  if (JAVASCRIPT.test(file)) return [process.execPath, ...ownPackage(file).nodeArgs, file, ...args];
  if (SHELL.test(file)) return ["sh", file, ...args];
  return [file, ...args];
}

/**
 * Refuses a program that is not there, before anything is started for it: a script by its file, a command by `PATH`.
 *
 * @param search whether a command must be on this machine's `PATH`; that of a job's hosts may differ
 * @throws LaunchError
 */
export function refuseAbsentProgram([file = ""]: readonly string[], search: boolean): void {
  if (file.includes("/") || [TYPESCRIPT, JAVASCRIPT, SHELL].some((kind) => kind.test(file))) {
    const path = resolvePath(file);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw new LaunchError(`there is no program ${path}`);
    if (stats.isDirectory()) throw new LaunchError(`${path} is a directory, and no program`);
  } else if (search && !isOnPath(file)) throw new LaunchError(`there is no command "${file}" on this machine's PATH, and no script of that name`);
}

function isOnPath(command: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), modes.X_OK);
      return true;
    } catch {
      // Not in this folder.
      return false;
    }
  });
}

/** What a program is called: its file's name without the ending. */
export function programName([file = ""]: readonly string[]): string {
  return basename(file).replace(/\.[^.]+$/, "");
}

/** Module that lets node load TypeScript. */
function typescriptHooks(): string {
  const jiti = dirname(createRequire(import.meta.url).resolve("jiti/package.json"));
  return pathToFileURL(join(jiti, "lib", "jiti-register.mjs")).href;
}

/**
 * Runs a program in the foreground, with this process's input and output.
 *
 * @param env added to the environment
 * @param signal ends it: SIGTERM, and SIGKILL five seconds later
 * @returns its exit status, or 128 and the number of the signal that ended it, as shells have it
 * @throws LaunchError when it cannot be started
 */
export function runProgram(words: readonly string[], env: { readonly [name: string]: string }, signal: AbortSignal): Promise<number> {
  const [program = "", ...args] = programCommand(words);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: "inherit",
      env: { ...(TYPESCRIPT.test(words[0] ?? "") ? ownPackage(words[0] ?? "").env : {}), ...process.env, ...env },
    });
    let insisting: NodeJS.Timeout | undefined;
    const end = (): void => {
      child.kill("SIGTERM");
      insisting = setTimeout(() => child.kill("SIGKILL"), END_MS);
    };
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
    child.once("error", (cause) => reject(new LaunchError(`cannot run ${words[0] ?? ""}: ${fileFailure(cause)}`, { cause })));
    child.once("exit", (code, ended) => {
      clearTimeout(insisting);
      signal.removeEventListener("abort", end);
      resolve(code ?? 128 + (ended === null ? 0 : constants.signals[ended]));
    });
  });
}
