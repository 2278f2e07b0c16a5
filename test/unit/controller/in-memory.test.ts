// A whole controller, router and Hub in one thread, over the in-memory transport.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveProfile } from "../../../src/config/index.ts";
import { startController, type Controller, type ControllerOptions } from "../../../src/controller/index.ts";
import { MemoryNetwork, MemoryTransport } from "../../../src/net/index.ts";
import { RawClient, RawEngine } from "../../support/raw-peer.ts";

let dir: string;
let network: MemoryNetwork;
let peers: MemoryTransport;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tsparallel-memory-"));
  network = new MemoryNetwork();
  peers = new MemoryTransport(network);
});

afterEach(async () => {
  await peers.close();
  await rm(dir, { recursive: true, force: true });
});

const start = (options: Partial<ControllerOptions> = {}): Promise<Controller> =>
  startController({ db: "memory", ping: 1000, ...options, transport: new MemoryTransport(network), profile: resolveProfile({ profileDir: dir }) });

describe("a controller in memory", () => {
  it("registers engines, routes tasks and mux requests, answers queries, and leaves nothing behind", async () => {
    const controller = await start();
    expect((await readdir(join(dir, "security"))).toSorted()).toEqual(["ipcontroller-client.json", "ipcontroller-engine.json"]);
    const engine = await new RawEngine(peers, controller.engineConnection, { isEcho: true }).register();
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    const task = client.task();
    expect((await client.reply("task", task)).metadata["engine"]).toBe(engine.uuid);
    const mux = client.mux(engine.uuid);
    await client.reply("mux", mux);
    expect((await client.ask("history_request")).content["history"]).toEqual([task, mux]);
    const { router, hub } = await controller.stats();
    expect(router).toMatchObject({ engines: 1, muxMessages: 2, tasks: { submitted: 1, succeeded: 1 }, dropped: {} });
    expect(hub).toMatchObject({ engines: 1, pendingRegistrations: 0, pendingRequests: 0, dropped: {} });
    const unanswered = controller.stats();
    await Promise.all([controller.close(), controller.close(), expect(unanswered).rejects.toThrow("closed")]);
    expect(await controller.closed).toBe("closed");
    expect(await readdir(join(dir, "security"))).toEqual([]);
    await expect(controller.stats()).rejects.toThrow("closed");
  });

  it("two controllers of one machine do not take each other's ports or files", async () => {
    const first = await start({ clusterId: "a" });
    const port = first.clientConnection.mux;
    await expect(start({ clusterId: "b", ports: String(port) })).rejects.toThrow("the port is in use");
    const second = await start({ clusterId: "b" });
    await first.close();
    expect((await readdir(join(dir, "security"))).toSorted()).toEqual(["ipcontroller-b-client.json", "ipcontroller-b-engine.json"]);
    await second.close();
  });

  it("files that another controller has written meanwhile are not removed", async () => {
    const first = await start();
    const second = await start();
    await first.close();
    expect(await readdir(join(dir, "security"))).toHaveLength(2);
    await second.close();
    expect(await readdir(join(dir, "security"))).toEqual([]);
  });
});
