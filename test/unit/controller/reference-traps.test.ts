// Traps of the protocol that a whole controller must not fall into. The number in front of each title is the item's in
// section 13 of docs/reference/protocol.md.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveProfile } from "../../../src/config/index.ts";
import { startController, type Controller, type ControllerOptions } from "../../../src/controller/index.ts";
import { createSession, MemoryNetwork, MemoryTransport } from "../../../src/net/index.ts";
import { RawClient, RawEngine } from "../../support/raw-peer.ts";

let dir: string;
let network: MemoryNetwork;
let peers: MemoryTransport;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tsparallel-traps-"));
  network = new MemoryNetwork();
  peers = new MemoryTransport(network);
});

afterEach(async () => {
  await peers.close();
  await rm(dir, { recursive: true, force: true });
});

const start = (options: Partial<ControllerOptions> = {}): Promise<Controller> =>
  startController({ db: "memory", ping: 1000, ...options, transport: new MemoryTransport(network), profile: resolveProfile({ profileDir: dir }) });

describe("a controller", () => {
  it("13.4: answers no unregistration, and a registration without a parent", async () => {
    const controller = await start();
    const engine = await new RawEngine(peers, controller.engineConnection).register();
    expect(engine.registration.parentHeader).toEqual({});
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    client.sockets.registration.send(client.session.build("unregistration_request", { id: engine.id }));
    // Whatever came for it would have come before the answers to the questions that follow.
    await client.engines(0);
    expect(client.inbox.registration.arrived).toEqual([]);
    await controller.close();
  });

  it("13.6: answers requests itself by apply_reply and execute_reply only, and others not at all", async () => {
    const controller = await start();
    await new RawEngine(peers, controller.engineConnection, { isEcho: true }).register();
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    for (const type of ["comm_msg", "kernel_info_request", "apply_request", "execute_request"]) client.mux("nobody", type);
    const answers = [await client.inbox.mux.next(), await client.inbox.mux.next()];
    expect(answers.map(({ header }) => header.msg_type)).toEqual(["apply_reply", "execute_reply"]);
    const unknown = client.task({ after: ["never submitted"] }, [], "execute_request");
    expect((await client.reply("task", unknown)).header.msg_type).toBe("apply_reply");
    const metadata = { targets: [["nobody", 7]], is_broadcast: true, is_coalescing: true };
    for (const type of ["apply_request", "execute_request"]) {
      client.sockets.broadcast.send(client.session.build(type, {}, { metadata }));
      expect((await client.inbox.broadcast.next()).header.msg_type).toBe(type.replace("_request", "_reply"));
    }
    expect([client.inbox.mux, client.inbox.task, client.inbox.broadcast].map(({ arrived }) => arrived)).toEqual([[], [], []]);
    await controller.close();
  });

  it("13.19: takes its ports from the files that it uses again, whatever list it is given", async () => {
    const first = await start({ reuse: true });
    const { clientConnection, engineConnection } = first;
    await first.close();
    const second = await start({ reuse: true, ports: `${clientConnection.mux},${engineConnection.mux}` });
    expect([second.clientConnection, second.engineConnection]).toEqual([clientConnection, engineConnection]);
    await second.close();
  });

  it("13.29: leaves the engines alone when it ends", async () => {
    const controller = await start();
    const engine = await new RawEngine(peers, controller.engineConnection).register();
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    expect((await client.ask("shutdown_request")).content).toEqual({ status: "ok" });
    expect(await controller.closed).toBe("shutdown requested");
    expect([engine.requests.arrived, engine.unreadable]).toEqual([[], []]);
  });
});

it("13.26: a request to the Hub that is signed with another key is answered with nothing, not even an error", async () => {
  const controller = await start();
  const client = new RawClient(peers, controller.clientConnection);
  const stranger = peers.connect("dealer", [`tcp://127.0.0.1:${controller.clientConnection.registration}`]);
  const heard: number[] = [];
  stranger.receive((frames) => heard.push(frames.length));
  for (const key of ["another key", ""]) stranger.send(createSession({ key }).build("connection_request", {}));
  await client.ask("connection_request");
  expect((await controller.stats()).hub.dropped).toEqual({ "registration.badSignature": 2 });
  expect(heard).toEqual([]);
  await controller.close();
});
