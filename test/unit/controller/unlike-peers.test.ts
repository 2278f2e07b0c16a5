// Peers whose version, packer or clock is not the controller's: told in one sentence or served, and nobody hangs.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { millis, parseIsoDate, type Clock } from "../../../src/base/index.ts";
import { resolveProfile } from "../../../src/config/index.ts";
import { startController, type Controller } from "../../../src/controller/index.ts";
import { createLogger, type LogEntry } from "../../../src/log/index.ts";
import { hmacSigner, MemoryNetwork, MemoryTransport } from "../../../src/net/index.ts";
import { DELIMITER, type Dict, type Frame } from "../../../src/wire/index.ts";
import { RawClient, RawEngine, textFrame } from "../../support/raw-peer.ts";
import { until } from "../../support/until.ts";

let dir: string;
let network: MemoryNetwork;
let peers: MemoryTransport;
let controller: Controller;
let entries: LogEntry[];

async function start(db: "memory" | "sqlite"): Promise<void> {
  const logger = createLogger("controller", (entry) => entries.push(entry));
  const transport = new MemoryTransport(network);
  controller = await startController({ db, ping: 1000, logger, transport, profile: resolveProfile({ profileDir: dir }) });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tsparallel-unlike-"));
  network = new MemoryNetwork();
  peers = new MemoryTransport(network);
  entries = [];
});
afterEach(async () => {
  await peers.close();
  await controller.close();
  await rm(dir, { recursive: true, force: true });
});

/** What was logged of dropped messages: socket and sentence. */
const told = (): [string, unknown][] =>
  entries
    .filter((entry) => entry.level === "warn" && entry.message.startsWith("dropped a message"))
    .map(({ fields }) => [String(fields?.["socket"]), fields?.["sender"]]);
const dropped = async (): Promise<Dict> => {
  const { router, hub } = await controller.stats();
  return { ...router.dropped, ...hub.dropped };
};

/** Sends something on each channel that a peer of either role begins with, some of them twice. */
function sendEverywhere(client: RawClient, engine: RawEngine, build: (type: string, content: Dict, idents?: readonly Frame[]) => Frame[]): void {
  const { registration, mux, control, task, broadcast } = client.sockets;
  const target = [textFrame(engine.uuid)];
  for (const content of [{ uuid: "old" }, { uuid: "older" }]) registration.send(build("registration_request", content));
  registration.send(build("connection_request", {}));
  mux.send(build("apply_request", {}, target));
  control.send(build("abort_request", { msg_ids: [] }, target));
  task.send(build("apply_request", {}));
  broadcast.send(build("apply_request", {}));
}

/** The engine has nothing in its hands but what it is sent now, and works. */
async function goesOn(client: RawClient, engine: RawEngine): Promise<void> {
  const [task, mux] = [client.task(), client.mux(engine.uuid)];
  for (let i = 0; i < 2; i += 1) engine.answer(await engine.requests.next());
  expect((await client.reply("task", task)).content["status"]).toBe("ok");
  expect((await client.reply("mux", mux)).content["status"]).toBe("ok");
  expect([engine.unreadable, Object.keys(await client.engines(1))]).toEqual([[], ["0"]]);
}

const SOCKETS = ["registration", "mux.client", "control.client", "task.client", "broadcast.client"];

describe("a task", () => {
  it.each([3, 4, 5])("whose dictionary in frame %i behind the delimiter is none is refused, and holds no engine", async (place) => {
    await start("memory");
    const engine = await new RawEngine(peers, controller.engineConnection).register();
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    const frames = client.session.build("apply_request", {});
    frames[place] = textFrame("{broken");
    const signer = hmacSigner(controller.clientConnection.key);
    frames[1] = signer.sign(frames[2] as Frame, frames[3] as Frame, frames[4] as Frame, frames[5] as Frame);
    client.sockets.task.send(frames);
    await goesOn(client, engine);
    expect(await dropped()).toEqual({ "task.client.badJson": 1 });
  });
});

describe("a peer that speaks another major version of the protocol", () => {
  it("is told of once for each socket, in a sentence with what to do; nothing of it reaches an engine", async () => {
    await start("memory");
    const engine = await new RawEngine(peers, controller.engineConnection).register();
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    sendEverywhere(client, engine, (type, content, idents = []) =>
      client.session.build(type, content, { idents, header: { ...client.session.header(type), version: "4.1" } }),
    );
    await until(() => told().length >= SOCKETS.length);
    const sentence = "speaks another major version of the message protocol than 5: use ipyparallel 7 or newer there";
    expect(told()).toHaveLength(SOCKETS.length);
    expect(Object.fromEntries(told())).toEqual(Object.fromEntries(SOCKETS.map((socket) => [socket, sentence])));
    expect(await dropped()).toEqual({ ...Object.fromEntries(SOCKETS.map((socket) => [`${socket}.badVersion`, 1])), "registration.badVersion": 3 });
    await goesOn(client, engine);
  });
});

describe("a peer that packs its messages otherwise", () => {
  it("is told of in the same way, and nothing of it reaches an engine either", async () => {
    await start("memory");
    const engine = await new RawEngine(peers, controller.engineConnection).register();
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    const { key, signature_scheme: scheme } = controller.clientConnection;
    let count = 0;
    sendEverywhere(client, engine, (_type, _content, idents = []) => {
      // An empty dict as pickle has it, and something that makes each message another.
      const packed = Uint8Array.of(0x80, 4, 0x7d, 0x94, 0x2e);
      const parts = [packed, packed, packed, Uint8Array.of(0x80, (count += 1))] as const;
      return [...idents, DELIMITER, hmacSigner(key, scheme).sign(...parts), ...parts];
    });
    await until(() => told().length >= SOCKETS.length);
    const sentence = "packs messages with something else than JSON: use the packer json or orjson there";
    expect(told()).toHaveLength(SOCKETS.length);
    expect(Object.fromEntries(told())).toEqual(Object.fromEntries(SOCKETS.map((socket) => [socket, sentence])));
    expect(await dropped()).toEqual({ ...Object.fromEntries(SOCKETS.map((socket) => [`${socket}.badJson`, 1])), "registration.badJson": 3 });
    await goesOn(client, engine);
  });
});

describe("clocks that are hours apart", () => {
  const HOUR_MS = 3_600_000;
  const ahead = (hours: number): Clock => ({ now: () => millis(Date.now() + hours * HOUR_MS) });
  /** By how many hours a date of a record is ahead of this machine's clock. */
  const hoursAhead = (date: unknown): number => Math.round(((parseIsoDate(date as string) as number) - Date.now()) / HOUR_MS) + 0;

  it.each([
    ["memory", 5, -5],
    ["sqlite", -5, 5],
  ] as const)(
    "(%s, client %i h, engine %i h) delay nothing and end nothing early, and records keep whose time is whose",
    async (db, clientHours, engineHours) => {
      await start(db);
      const engine = await new RawEngine(peers, controller.engineConnection, { clock: ahead(engineHours) }).register();
      const client = new RawClient(peers, controller.clientConnection, { clock: ahead(clientHours) });
      await client.engines(1);
      const first = client.task();
      const delivery = await engine.requests.next();
      const dependent = { after: [first], follow: [] };
      const hasty = client.task({ ...dependent, timeout: 0.01 });
      const patient = client.task({ ...dependent, timeout: 60 });
      expect((await client.reply("task", hasty)).content["ename"]).toBe("TaskTimeout");
      engine.answer(delivery);
      expect((await client.reply("task", first)).content["status"]).toBe("ok");
      engine.answer(await engine.requests.next());
      expect((await client.reply("task", patient)).content["status"]).toBe("ok");
      const mux = client.mux(engine.uuid);
      engine.answer(await engine.requests.next());
      await client.reply("mux", mux);

      const ids = [first, patient, mux];
      const records = async (query: Dict): Promise<Dict[]> => {
        const keys = ["msg_id", "submitted", "started", "completed", "received"];
        return (await client.ask("db_request", { query, keys })).content["records"] as Dict[];
      };
      const iso = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString();
      await until(async () => (await records({ msg_id: { $in: ids }, received: { $ne: null } })).length === ids.length);
      for (const record of await records({ msg_id: { $in: ids } })) {
        const hours = [hoursAhead(record["submitted"]), hoursAhead(record["started"]), hoursAhead(record["completed"]), hoursAhead(record["received"])];
        expect(hours).toEqual([clientHours, engineHours, engineHours, 0]);
      }
      expect(await records({ submitted: { $gte: iso(clientHours - 1), $lt: iso(clientHours + 1) }, msg_id: { $in: ids } })).toHaveLength(3);
      expect(await records({ completed: { $lt: iso(engineHours - 1) }, msg_id: { $in: ids } })).toEqual([]);
      expect((await client.ask("history_request")).content["history"]).toEqual([first, hasty, patient, mux]);
      expect((await client.ask("result_request", { msg_ids: ids, statusonly: true })).content).toMatchObject({ status: "ok", pending: [], completed: ids });
      expect((await client.ask("queue_request", { targets: null })).content).toMatchObject({ "0": { queue: 0, tasks: 0, completed: 3 } });
      expect((await client.ask("purge_request", { msg_ids: "all" })).content["status"]).toBe("ok");
      expect((await client.ask("history_request")).content["history"]).toEqual([]);
      expect(await dropped()).toEqual({});
    },
  );
});
