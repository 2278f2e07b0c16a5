// What an engine changes in its process: where output goes, what becomes of errors that nobody awaits, what happens at the
// end. Kept in one place, because it concerns everything that runs here.

import { Console } from "node:console";
import type { Logger } from "../log/index.ts";
import type { StreamName } from "../wire/index.ts";
import { CapturedStream } from "./output-capture.ts";

/** What the hooks call. */
export interface ProcessHooks {
  /** User code wrote. */
  write(name: StreamName, text: string): void;
  /** An error that no request catches. */
  stray(kind: string, error: unknown): void;
  /** The process ends: the last synchronous moment. */
  exit(): void;
  /** It was asked to end. */
  terminate(signal: string): void;
  readonly log: Logger;
}

/** Installs the hooks, for the rest of the process's life. */
export function installProcessHooks(hooks: ProcessHooks): void {
  const stdout = new CapturedStream(1, (text) => hooks.write("stdout", text));
  const stderr = new CapturedStream(2, (text) => hooks.write("stderr", text));
  Object.defineProperty(process, "stdout", { value: stdout, configurable: true, enumerable: true, writable: true });
  Object.defineProperty(process, "stderr", { value: stderr, configurable: true, enumerable: true, writable: true });
  globalThis.console = new Console({ stdout, stderr, colorMode: false, ignoreErrors: true });
  process.on("uncaughtException", (error) => hooks.stray("uncaught error", error));
  process.on("unhandledRejection", (reason) => hooks.stray("unhandled rejection", reason));
  process.on("exit", () => hooks.exit());
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => hooks.terminate(signal));
  routeWarnings(hooks);
}

/** Node's warnings come from user code, but for one. */
function routeWarnings(hooks: ProcessHooks): void {
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (!isLoaderWarning(warning)) hooks.write("stderr", `(node) ${warning.name}: ${warning.message}\n`);
  });
}

/** Leaves out the warning that the loader of cells' imports causes; Node's listeners show all others. */
export function hideLoaderWarning(): void {
  const listeners = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (!isLoaderWarning(warning)) for (const listener of listeners) listener(warning);
  });
}

/** Cells import through a loader which Node still calls experimental. */
const isLoaderWarning = ({ name, message }: Error): boolean => name === "ExperimentalWarning" && message.includes("vm.USE_MAIN_CONTEXT_DEFAULT_LOADER");
