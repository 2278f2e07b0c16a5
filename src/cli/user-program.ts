// A program of the user's: the command that runs it, and its process.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { LaunchError } from "../base/index.ts";
import { fileFailure } from "../config/index.ts";

/** How long a program may take to end after SIGTERM. */
const END_MS = 5000;

/**
 * The command for a program and its arguments: TypeScript and JavaScript files are run by this node, `.sh` files by sh,
 * anything else as it is.
 */
export function programCommand([file = "", ...args]: readonly string[]): string[] {
  if (/\.[cm]?tsx?$/.test(file)) return [process.execPath, `--import=${typescriptHooks()}`, file, ...args];
  if (/\.[cm]?js$/.test(file)) return [process.execPath, file, ...args];
  if (file.endsWith(".sh")) return ["sh", file, ...args];
  return [file, ...args];
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
    const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...env } });
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
