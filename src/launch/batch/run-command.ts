// Runs a batch system's commands: bounded in time and output, with an environment that says no more than it must.

import { execFile, spawn } from "node:child_process";
import { LaunchError } from "../../base/index.ts";
import { fileFailure } from "../../config/index.ts";
import type { BatchCommand, CommandOutput } from "./batch-system.ts";

/** Schedulers of large sites may take their time. */
const COMMAND_MS_MAX = 30_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Environment of a command: this process's, changed. */
export type CommandEnvironment = { readonly [name: string]: string | undefined };

/**
 * Runs a command to its end, whatever its exit status.
 *
 * @throws LaunchError when it cannot be run or takes longer than 30 s
 */
export function runCommand(command: BatchCommand, env: CommandEnvironment = {}): Promise<CommandOutput> {
  const [program = "", ...args] = command.argv;
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, timeout: COMMAND_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX, killSignal: "SIGKILL" as const };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ exitCode: error.code, stdout, stderr });
      else reject(failure(program, error));
    });
    // A command that does not read what it is given tells why by its exit status.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(command.stdin ?? "");
  });
}

function failure(program: string, error: Error & { code?: string | number | null; killed?: boolean }): LaunchError {
  if (error.code === "ENOENT") return new LaunchError(`there is no command ${program} on this machine; run this where jobs are submitted`, { cause: error });
  if (error.killed === true) return new LaunchError(`${program} did not answer within ${COMMAND_MS_MAX / 1000} s`, { cause: error });
  return new LaunchError(`cannot run ${program}: ${fileFailure(error)}`, { cause: error });
}

/** Starts a command and does not wait for it: it goes on when this process has ended. */
export function startCommand(command: BatchCommand): void {
  const [program = "", ...args] = command.argv;
  const child = spawn(program, args, { detached: true, stdio: "ignore" });
  // This process ends now; nobody is left to hear of it.
  child.on("error", () => undefined);
  child.unref();
}

/** What a command that refused said, in one line. */
export function complaintOf(output: CommandOutput): string {
  const lines = `${output.stderr}\n${output.stdout}`
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.length > 0 ? lines.slice(0, 3).join("; ") : `it ended with exit status ${output.exitCode ?? "unknown"}`;
}
