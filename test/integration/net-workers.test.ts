// Sockets in worker threads: a thread that closes its transport while a receive is under way ends by itself, and takes
// nothing down with it.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ZeromqTransport, type MessageSocket } from "../../dist/net/index.js";

const NET = new URL("../../dist/net/index.js", import.meta.url).href;

/** Echoes at a router; at the word `close` ends in order. */
const ECHO = `
  const { parentPort } = require("node:worker_threads");
  import(${JSON.stringify(NET)}).then(async ({ ZeromqTransport }) => {
    const transport = new ZeromqTransport();
    const router = await transport.bind("router", { interface: "tcp://127.0.0.1", port: 0 });
    router.receive((frames) => router.send(frames));
    parentPort.once("message", async () => {
      router.pause();
      await transport.close();
      parentPort.close();
    });
    parentPort.postMessage(router.port);
  });
`;

let transport: ZeromqTransport;
beforeEach(() => {
  transport = new ZeromqTransport();
});
afterEach(async () => {
  await transport.close();
});

async function startEcho(): Promise<{ readonly worker: Worker; readonly port: number }> {
  const worker = new Worker(ECHO, { eval: true });
  const [port] = (await once(worker, "message")) as [number];
  return { worker, port };
}

async function answers(socket: MessageSocket, count: number): Promise<string[]> {
  const got: string[] = [];
  await new Promise<void>((resolve) => {
    socket.receive((frames) => {
      got.push(Buffer.from(frames[0] as Uint8Array).toString());
      if (got.length === count) resolve();
    });
    for (let index = 0; index < count; index += 1) socket.send([Buffer.from(String(index))]);
  });
  return got;
}

it("threads speak to one another through sockets, and each ends when it closes its own", async () => {
  const echoes = await Promise.all([startEcho(), startEcho()]);
  for (const { port } of echoes) {
    const dealer = transport.connect("dealer", [`tcp://127.0.0.1:${port}`]);
    expect(await answers(dealer, 1000)).toEqual(Array.from({ length: 1000 }, (_, index) => String(index)));
  }
  const exits = echoes.map(async ({ worker }) => {
    const [code] = (await once(worker, "exit")) as [number];
    return code;
  });
  for (const { worker } of echoes) worker.postMessage("close");
  expect(await Promise.all(exits)).toEqual([0, 0]);
});

it("a new thread takes the place of one that ended", async () => {
  const { worker, port } = await startEcho();
  const dealer = transport.connect("dealer", [`tcp://127.0.0.1:${port}`], { lingerMs: 0 });
  expect(await answers(dealer, 10)).toHaveLength(10);
  const exit = once(worker, "exit");
  worker.postMessage("close");
  await exit;
  const again = await startEcho();
  const other = transport.connect("dealer", [`tcp://127.0.0.1:${again.port}`]);
  expect(await answers(other, 10)).toHaveLength(10);
  const ended = once(again.worker, "exit");
  again.worker.postMessage("close");
  await ended;
});
