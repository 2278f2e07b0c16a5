// Starting the thread beside the main one that owns the sockets, hears signals and can interrupt.

import { Worker, type MessagePort } from "node:worker_threads";
import { SIGNALS_OPTION } from "./side/index.ts";

/**
 * Starts a side thread.
 *
 * @param script its program
 * @param workerData what it gets, the port among it
 * @param port its end of the link, which moves there
 */
export function startSideThread(script: string | URL, workerData: unknown, port: MessagePort): Worker {
  const options = { workerData, transferList: [port] };
  try {
    return new Worker(script, { ...options, execArgv: [SIGNALS_OPTION] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_WORKER_INVALID_EXEC_ARGV") throw error;
    return new Worker(script, options); // A Node without the option: signals are then taken by this thread.
  }
}
