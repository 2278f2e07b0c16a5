// Runs a dask scheduler as a Python process of its own, for `become_dask_request`: engines become its workers. The process
// lives by its standard input, which closes when this process ends however it ends, so that none is left behind.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { LaunchError, TimeoutError } from "../base/index.ts";
import { lastSentence, tailLines } from "./output-tail.ts";

/** Where a dask scheduler listens. */
export interface DaskAddress {
  readonly ip: string;
  /** E.g. `tcp://127.0.0.1:38123`. */
  readonly address: string;
  readonly port: number;
}

/** How to start one. */
export interface DaskOptions {
  /** A Python that can import `distributed`. */
  readonly python: string;
  /** Keyword arguments of `distributed.Scheduler`. */
  readonly schedulerArgs: { readonly [name: string]: unknown };
  /** Kills it, at any time. */
  readonly signal: AbortSignal;
}

/** A dask scheduler that listens. */
export interface DaskScheduler extends DaskAddress {
  /** Resolves when its process has ended. */
  readonly ended: Promise<void>;
  /** Closes it and resolves when its process has ended; idempotent. */
  stop(): Promise<void>;
}

/** Importing dask takes seconds on a slow disk. */
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 5000;
const OUTPUT_LENGTH_MAX = 16 * 1024;

const PROGRAM = `
import asyncio, json, sys, threading

async def main():
    from distributed import Scheduler
    loop, told_to_end = asyncio.get_running_loop(), asyncio.Event()
    async with Scheduler(**json.loads(sys.stdin.readline())) as scheduler:
        print(json.dumps({"ip": scheduler.ip, "address": scheduler.address, "port": scheduler.port}), flush=True)

        def watch():
            sys.stdin.read()
            loop.call_soon_threadsafe(told_to_end.set)

        threading.Thread(target=watch, daemon=True).start()
        await told_to_end.wait()

asyncio.run(main())
`;

/**
 * Starts a dask scheduler and resolves when it listens.
 *
 * @throws LaunchError when Python or dask is missing or refuses the arguments, TimeoutError when it does not listen in time
 */
export async function startDaskScheduler(options: DaskOptions): Promise<DaskScheduler> {
  const { python, signal } = options;
  // A session of its own: Ctrl-C for the controller is not for it.
  const child = spawn(python, ["-c", PROGRAM], { detached: true, signal, killSignal: "SIGKILL" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  // What it does not read because it has ended already is told by its end.
  child.stdin.on("error", () => undefined);
  child.stdin.write(`${JSON.stringify(options.schedulerArgs)}\n`);
  try {
    const address = await listening(child, python);
    return { ...address, ended, stop: () => stop(child, ended) };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

function listening(child: ChildProcessWithoutNullStreams, python: string): Promise<DaskAddress> {
  return new Promise((resolve, reject) => {
    let output = "";
    let errors = "";
    const remedy = "name a Python that has dask's `distributed` by --dask-python";
    const timer = setTimeout(() => reject(new TimeoutError(`the dask scheduler did not listen within ${START_MS_MAX / 1000} s`)), START_MS_MAX);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output = `${output}${text}`.slice(0, OUTPUT_LENGTH_MAX);
      const address = readAddress(output);
      if (address !== undefined) resolve(address);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = `${errors}${text}`.slice(-OUTPUT_LENGTH_MAX);
    });
    child.on("error", (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new LaunchError(`cannot start ${python}: ${cause.code === "ENOENT" ? "no such program" : cause.message}; ${remedy}`, { cause }));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      const why = lastSentence(tailLines(errors)) ?? signal ?? `exit status ${code}`;
      reject(new LaunchError(`the dask scheduler did not start: ${why}; ${remedy}`));
    });
  });
}

/** The program's one line, when it is complete; what else a library prints is not it. */
function readAddress(output: string): DaskAddress | undefined {
  const lines = output.slice(0, output.lastIndexOf("\n") + 1).split("\n");
  const line = lines.find((one) => one.startsWith(`{"ip"`));
  return line === undefined ? undefined : (JSON.parse(line) as DaskAddress);
}

async function stop(child: ChildProcessWithoutNullStreams, ended: Promise<void>): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  child.stdin.end();
  await ended;
  clearTimeout(timer);
}
