// Starts one process in a group of its own with its output in a file.

import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, fstatSync, openSync } from "node:fs";
import { LaunchError } from "../base/index.ts";
import { fileFailure } from "../config/index.ts";
import type { ProcessExit } from "./launcher.ts";
import { outputTail } from "./output-tail.ts";
import { ProcessGroup } from "./process-group.ts";
import { identityOf } from "./process-identity.ts";

/** A process to start. */
export interface SpawnRequest {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Added to this process's environment; what is `undefined` is taken out of it. */
  readonly env: { readonly [name: string]: string | undefined };
  /** Its standard output and error are appended here; empty: discarded. */
  readonly outputFile: string;
}

/**
 * Starts a process: new session, no input, output to the file.
 *
 * @throws LaunchError when it cannot be started
 */
export async function spawnProcess(request: SpawnRequest): Promise<ProcessGroup> {
  const [program = "", ...args] = request.command;
  const output = openOutput(request.outputFile);
  try {
    const child = spawn(program, args, {
      detached: true,
      stdio: ["ignore", output.fd ?? "ignore", output.fd ?? "ignore"],
      env: { ...process.env, ...request.env },
    });
    const exited = exitOf(child, request.outputFile, output.offset);
    await spawned(child, program);
    // The child may not keep this process alive: whoever waits for it holds a timer or a socket.
    child.unref();
    return new ProcessGroup(identityOf(child.pid ?? 0), request.outputFile, exited);
  } finally {
    if (output.fd !== undefined) closeSync(output.fd);
  }
}

function openOutput(file: string): { readonly fd: number | undefined; readonly offset: number } {
  if (file === "") return { fd: undefined, offset: 0 };
  try {
    const fd = openSync(file, "a", 0o600);
    return { fd, offset: fstatSync(fd).size };
  } catch (cause) {
    throw new LaunchError(`cannot write the log file ${file}: ${fileFailure(cause)}`, { cause });
  }
}

function exitOf(child: ChildProcess, outputFile: string, offset: number): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal, outputTail: outputTail(outputFile, offset) }));
  });
}

function spawned(child: ChildProcess, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new LaunchError(`cannot start ${program}: ${spawnFailure(cause)}`, { cause })));
  });
}

function spawnFailure(cause: NodeJS.ErrnoException): string {
  if (cause.code === "ENOENT") return "no such program";
  if (cause.code === "EAGAIN") return "the limit of processes is reached (ulimit -u)";
  return fileFailure(cause);
}
