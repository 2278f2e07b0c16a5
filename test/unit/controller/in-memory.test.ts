// A whole controller, router and Hub in one thread, over the in-memory transport.

import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { engineUuid } from "../../../src/base/index.ts";
import { resolveProfile } from "../../../src/config/index.ts";
import { startController, type Controller, type ControllerOptions } from "../../../src/controller/index.ts";
import { createLogger, type LogEntry } from "../../../src/log/index.ts";
import { MemoryNetwork, MemoryTransport, newCurveKeyPair } from "../../../src/net/index.ts";
import { readWorkReply, type Dict, type Message } from "../../../src/wire/index.ts";
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

  it("answers a question that waits for results when the first of them is there, and one that does not at once", async () => {
    const controller = await start();
    const engine = await new RawEngine(peers, controller.engineConnection).register();
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    const [first, second] = [client.mux(engine.uuid), client.mux(engine.uuid)];
    const deliveries = [await engine.requests.next(), await engine.requests.next()] as const;
    expect((await client.ask("result_request", { msg_ids: [first, second], status_only: false })).content).toMatchObject({
      pending: [first, second].toSorted(),
    });
    let isAnswered = false;
    const answer = client.ask("result_request", { msg_ids: [first, second], status_only: true, wait: true }).finally(() => {
      isAnswered = true;
    });
    // A question behind it is answered before it.
    await client.ask("history_request");
    expect(isAnswered).toBe(false);
    engine.answer(deliveries[1]);
    expect((await answer).content).toMatchObject({ status: "ok", pending: [first], completed: [second] });
    expect((await client.ask("result_request", { msg_ids: [second], status_only: true, wait: true })).content).toMatchObject({ completed: [second] });
    await controller.close();
  });

  it("tells who has how much to do, and gives an engine that is to go nothing more", async () => {
    const controller = await start();
    const engine = await new RawEngine(peers, controller.engineConnection).register();
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    const ask = async (msgType: string, content: Dict = {}): Promise<Message> =>
      client.reply("control", client.mux("tsp-controller", msgType, {}, "control", content));
    const first = client.task();
    const delivery = await engine.requests.next();
    client.mux(engine.uuid);
    await engine.requests.next();
    expect((await ask("workload_request")).content).toEqual({
      status: "ok",
      waiting: 0,
      engines: { [engine.uuid]: { tasks: 1, direct: 1, idle_ms: 0, draining: false } },
    });
    expect(
      readWorkReply((await ask("drain_request", { engines: [engine.uuid], limit_ms: null })).content)?.engines.get(engineUuid(engine.uuid))?.isDraining,
    ).toBe(true);
    const second = client.task();
    engine.answer(delivery);
    await client.reply("task", first);
    expect((await ask("workload_request")).content).toMatchObject({ waiting: 1, engines: { [engine.uuid]: { tasks: 0, draining: true } } });
    await ask("drain_request", { engines: [engine.uuid], undo: true });
    engine.answer(await engine.requests.next());
    await client.reply("task", second);
    expect((await ask("drain_request", { engines: [7] })).content).toMatchObject({ status: "error", ename: "ValueError" });
    expect((await ask("drain_request", { engines: [], limit_ms: -1 })).content).toMatchObject({ status: "error", ename: "ValueError" });
    await controller.close();
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

describe("a controller that encrypts and keeps its connection files", () => {
  const keyFile = (): string => join(dir, "security", "ipcontroller-curve.json");
  const warnings = (entries: readonly LogEntry[]): string[] => entries.filter((entry) => entry.level === "warn").map((entry) => entry.message);
  /** Starts and ends one; gives the server key it wrote and what it warned of. */
  async function once(options: Partial<ControllerOptions>): Promise<{ readonly serverKey: string | null; readonly warned: string[] }> {
    const entries: LogEntry[] = [];
    const controller = await start({ reuse: true, logger: createLogger("controller", (entry) => entries.push(entry)), ...options });
    const { curve_serverkey: serverKey } = controller.clientConnection;
    expect(controller.engineConnection.curve_serverkey).toBe(serverKey);
    await controller.close();
    return { serverKey, warned: warnings(entries) };
  }

  it("keeps the secret key too, for its owner only, and has the same pair again, asked to encrypt or not", async () => {
    const first = await once({ enableCurve: true });
    expect(first.serverKey).toMatch(/^.{40}$/);
    expect((await stat(keyFile())).mode & 0o777).toBe(0o600);
    expect(await once({ enableCurve: true })).toEqual({ ...first, warned: [] });
    expect(await once({})).toEqual({ ...first, warned: [] });
  });

  it("without reuse writes no secret key, and takes away one that was kept", async () => {
    await once({ enableCurve: true });
    await once({ enableCurve: true, reuse: false });
    expect(await readdir(join(dir, "security"))).toEqual([]);
  });

  it("a pair that is given is not written down, and is needed again", async () => {
    const { publicKey, secretKey } = newCurveKeyPair();
    expect(await once({ enableCurve: true, curveSecretKey: secretKey })).toMatchObject({ serverKey: publicKey });
    expect(await readdir(join(dir, "security"))).not.toContain("ipcontroller-curve.json");
    expect(await once({ curveSecretKey: secretKey })).toEqual({ serverKey: publicKey, warned: [] });
    const without = await once({});
    expect(without.serverKey).toMatch(/^.{40}$/);
    expect(without.serverKey).not.toBe(publicKey);
    expect(without.warned).toEqual([expect.stringMatching(/^the secret key that belongs to the connection files' curve_serverkey is not here/)]);
  });

  it("does not take over files of one that did not encrypt", async () => {
    expect((await once({})).serverKey).toBeNull();
    const { serverKey, warned } = await once({ enableCurve: true });
    expect(serverKey).toMatch(/^.{40}$/);
    expect(warned).toEqual([expect.stringMatching(/did not encrypt/)]);
  });
});

describe("a controller with keys", () => {
  it("serves peers with its server key, and no others", async () => {
    const keys = newCurveKeyPair();
    const transport = new MemoryTransport(network, keys);
    const profile = resolveProfile({ profileDir: dir });
    const controller = await startController({ db: "memory", enableCurve: true, curveSecretKey: keys.secretKey, transport, profile });
    const friends = new MemoryTransport(network, { serverKey: controller.engineConnection.curve_serverkey ?? "" });
    const engine = await new RawEngine(friends, controller.engineConnection, { isEcho: true }).register();
    const client = new RawClient(friends, controller.clientConnection);
    await client.engines(1);
    const stranger = new RawClient(peers, controller.clientConnection);
    stranger.sockets.registration.send(stranger.session.build("shutdown_request", {}));
    expect((await client.reply("mux", client.mux(engine.uuid))).content["status"]).toBe("ok");
    for (const inbox of Object.values(stranger.inbox)) expect(inbox.arrived).toEqual([]);
    await friends.close();
    await controller.close();
  });
});
