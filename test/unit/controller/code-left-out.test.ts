// What a controller does with the code of functions on its way to engines: over the in-memory transport, with peers made by hand.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveProfile } from "../../../src/config/index.ts";
import { startController, type Controller } from "../../../src/controller/index.ts";
import { MemoryNetwork, MemoryTransport } from "../../../src/net/index.ts";
import { packCall } from "../../../src/serial/index.ts";
import { CODE_KEEPING, CONTROLLER_IDENTITY, type Frame, type Message } from "../../../src/wire/index.ts";
import { longFunction } from "../../support/long-function.ts";
import { RawClient, RawEngine, textFrame } from "../../support/raw-peer.ts";

let dir: string;
let peers: MemoryTransport;
let controller: Controller;
let client: RawClient;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tsparallel-code-"));
  const network = new MemoryNetwork();
  peers = new MemoryTransport(network);
  controller = await startController({ db: "memory", transport: new MemoryTransport(network), profile: resolveProfile({ profileDir: dir }) });
  client = new RawClient(peers, controller.clientConnection);
});
afterEach(async () => {
  await peers.close();
  await controller.close();
  await rm(dir, { recursive: true, force: true });
});

const join1 = async (properties: Record<string, unknown> = CODE_KEEPING): Promise<RawEngine> => {
  const engine = await new RawEngine(peers, controller.engineConnection, { properties }).register();
  await client.engines(1);
  return engine;
};

type Way = "task" | "mux" | "broadcast";
const WAYS: readonly Way[] = ["task", "mux", "broadcast"];

/** Calls of these functions in one request. */
const callOf = (...seeds: readonly number[]): Frame[] => packCall((...all: readonly unknown[]) => all.length, seeds.map(longFunction));

function send(way: Way, engine: RawEngine, buffers: readonly Frame[]): string {
  if (way === "task") return client.task({}, buffers);
  return way === "mux" ? client.mux(engine.uuid, "apply_request", { buffers }) : client.broadcast([[engine.uuid, engine.id]], false, buffers);
}

/** Sends a request and gives it as the engine gets it; the engine answers at once. */
async function delivered(way: Way, engine: RawEngine, buffers: readonly Frame[], isAnswered = true): Promise<Message> {
  send(way, engine, buffers);
  const delivery = await engine.requests.next(({ message }) => message.header.msg_type === "apply_request");
  if (isAnswered) engine.answer(delivery, { buffers: [] });
  return delivery.message;
}

/** Asks the controller for the code of a request. */
async function ask(engine: RawEngine, requestId: string): Promise<Message> {
  engine.sendRaw("control", engine.session.build("code_request", { msg_id: requestId }, { idents: [textFrame(CONTROLLER_IDENTITY)] }));
  return (await engine.requests.next(({ message }) => message.header.msg_type === "code_reply")).message;
}

const plain = (frames: readonly Frame[]): Buffer[] => frames.map((frame) => Buffer.from(frame));

describe.each(WAYS)("code on the way of a %s request", (way) => {
  it("goes to an engine once; the rest of the request comes each time, under its own signature", async () => {
    const engine = await join1();
    const buffers = callOf(1, 2);
    expect(plain((await delivered(way, engine, buffers)).buffers)).toEqual(plain(buffers));
    expect(plain((await delivered(way, engine, buffers)).buffers)).toEqual(plain(buffers.slice(0, 1)));
    expect(plain((await delivered(way, engine, callOf(2, 3))).buffers)).toEqual([...plain(callOf(2, 3).slice(0, 1)), ...plain(callOf(3).slice(1))]);
    expect(engine.unreadable).toEqual([]);
  });

  it("goes each time to an engine that has not said that it keeps code", async () => {
    const engine = await join1({});
    for (let i = 0; i < 2; i += 1) expect(plain((await delivered(way, engine, callOf(1))).buffers)).toEqual(plain(callOf(1)));
  });

  it("is told to its engine on demand until the request is answered, and goes along with the next one then", async () => {
    const engine = await join1();
    await delivered(way, engine, callOf(1));
    const reduced = await delivered(way, engine, callOf(1), false);
    const answer = await ask(engine, reduced.header.msg_id);
    expect([answer.content, plain(answer.buffers)]).toEqual([{ msg_id: reduced.header.msg_id, status: "ok" }, plain(callOf(1).slice(1))]);
    engine.answer({ channel: way, message: reduced }, { buffers: [] });
    const original = way === "broadcast" ? (reduced.metadata["original_msg_id"] as string) : reduced.header.msg_id;
    await client.inbox[way].next(({ parentHeader }) => String(parentHeader["msg_id"]).startsWith(original));
    expect(await ask(engine, reduced.header.msg_id)).toMatchObject({ content: { status: "error" }, buffers: [] });
    expect((await delivered(way, engine, callOf(1))).buffers).toHaveLength(2);
  });

  it("is whole in the record, whatever its engine got", async () => {
    const engine = await join1();
    await delivered(way, engine, callOf(1));
    // Of a broadcast whose engines answer one by one no buffers are recorded.
    const id = way === "broadcast" ? client.broadcast([[engine.uuid, engine.id]], true, callOf(1)) : send(way, engine, callOf(1));
    const delivery = await engine.requests.next();
    expect(delivery.message.buffers).toHaveLength(1);
    engine.answer(delivery, { buffers: [] });
    const reply = await client.ask("db_request", { query: { msg_id: id }, keys: ["msg_id", "buffers"] });
    expect(plain(reply.buffers)).toEqual(plain(callOf(1)));
  });
});

describe("code of a damaged request", () => {
  it("goes on as it came and is not kept for others", async () => {
    const engine = await join1();
    const damaged = callOf(1).map((frame) => Uint8Array.from(frame));
    (damaged[1] as Uint8Array)[100] = 0;
    for (let i = 0; i < 2; i += 1) expect(plain((await delivered("task", engine, damaged)).buffers)).toEqual(plain(damaged));
    expect(plain((await delivered("task", engine, callOf(1))).buffers)).toEqual(plain(callOf(1)));
  });
});

describe("an engine that answers for nobody", () => {
  it("asking for code without saying of which request is counted and not answered", async () => {
    const engine = await join1();
    engine.sendRaw("control", engine.session.build("code_request", { msg_id: 7 }, { idents: [textFrame(CONTROLLER_IDENTITY)] }));
    expect((await ask(engine, "unknown")).content["status"]).toBe("error");
    expect((await controller.stats()).router.dropped).toEqual({ "control.engine.badForController": 1 });
  });
});
