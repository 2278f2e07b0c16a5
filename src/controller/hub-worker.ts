// The Hub's thread. It closes its own sockets and ends by itself when the router says so; terminating it from outside
// while a socket waits would abort the whole process.

import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../base/index.ts";
import { SYSTEM_CLOCK, ZeromqTransport } from "../net/index.ts";
import { portLink, type ToHub, type ToRouter } from "./hub-link.ts";
import { runHub, type HubConfig } from "./hub-runner.ts";

const port = parentPort;
invariant(port !== null, () => "the Hub's thread was loaded as a program");
const link = portLink<ToRouter, ToHub>({
  post: (message, transfer) => port.postMessage(message, transfer),
  listen: (listener) => port.on("message", listener),
  close: () => port.close(),
});
const config = workerData as HubConfig;
const transport = new ZeromqTransport(config.curve);
process.once("uncaughtException", (error) => {
  // A bug. The router is told, and the sockets are closed first: a thread that dies with one waiting aborts the process.
  link.post({ type: "failed", code: "ERR_INVARIANT", message: error.stack ?? error.message });
  void transport.close().finally(() => process.exit(1));
});
// A rejection arrives at the handler above.
void runHub(config, { link, transport, clock: SYSTEM_CLOCK });
