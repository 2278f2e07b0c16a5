// A peer that hangs without ending its connections, as a machine that is gone from the network does.

import { once } from "node:events";
import { createConnection, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { ZeromqTransport } from "../../../src/net/index.ts";
import { until } from "../../support/until.ts";

/** Passes everything on, until it is told to hang. */
async function proxyOf(port: number): Promise<{ readonly port: number; readonly hang: () => void }> {
  const sockets: Socket[] = [];
  let hangs = false;
  const server = createServer((near) => {
    const far = createConnection({ host: "127.0.0.1", port });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from);
      from.on("data", (chunk) => (hangs ? undefined : to.write(chunk)));
      // The other side is closed for good or the test is over: either way there is nobody to tell.
      from.on("error", () => undefined);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, hang: () => (hangs = true) };
}

it("a peer that gives no sign of life counts as gone, and an idle one that does stays", async () => {
  const transport = new ZeromqTransport();
  onTestFinished(() => transport.close());
  const router = await transport.bind("router", { interface: "tcp://127.0.0.1", port: 0 });
  const proxy = await proxyOf(router.port);
  const told: string[] = [];
  transport.connect("dealer", [`tcp://127.0.0.1:${proxy.port}`], {
    aliveCheckMs: 40,
    lingerMs: 0,
    onConnected: () => void told.push("connected"),
    onDisconnected: () => void told.push("disconnected"),
  });
  await until(() => told.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(told).toEqual(["connected"]);
  proxy.hang();
  await until(() => told.length === 2);
  expect(told).toEqual(["connected", "disconnected"]);
});
