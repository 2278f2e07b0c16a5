// What only this package's programs say to each other (protocol §11), held to its written form: another version of the
// package may be at the other end.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { resolveProfile } from "../../../src/config/index.ts";
import { startController } from "../../../src/controller/index.ts";
import { MemoryNetwork, MemoryTransport } from "../../../src/net/index.ts";
import { packValue, unpackValue } from "../../../src/serial/index.ts";
import { packedBytes, packMessages, type Frame } from "../../../src/wire/index.ts";
import { frameText, RawClient, RawEngine, textFrame, type RawDelivery } from "../../support/raw-peer.ts";

const CONTROLLER = "tsp-controller";

/** Values by their bytes. Those that V8 writes are left out: its format is its own, and it reads older ones. */
const PAYLOADS: readonly (readonly [unknown, string])[] = [
  [undefined, "01545350010000000000000000000000"],
  [null, "01545350010100000000000000000000"],
  [false, "01545350010200000000000000000000"],
  [true, "01545350010300000000000000000000"],
  [5, "015453500104000000000000000000000000000000001440"],
  [-1.5, "01545350010400000000000000000000000000000000f8bf"],
  ["hé", "0154535001050000000000000000000068c3a9"],
  [[1, "a"], "015453500108000000000000000000005b312c2261225d"],
];

it.each(PAYLOADS)("the value %j has always the same bytes, and is read from them", (value, hex) => {
  expect(packValue(value).map((frame) => Buffer.from(frame).toString("hex"))).toEqual([hex]);
  expect(unpackValue([Buffer.from(hex, "hex")])).toEqual(value);
});

it("a silent engine that was sent tasks ahead is asked for them, and its replies may come by the control channel", async () => {
  const dir = await mkdtemp(join(tmpdir(), "tsparallel-own-"));
  const network = new MemoryNetwork();
  const peers = new MemoryTransport(network);
  const controller = await startController({ db: "none", transport: new MemoryTransport(network), profile: resolveProfile({ profileDir: dir }) });
  try {
    const engine = await new RawEngine(peers, controller.engineConnection, { properties: { prefetch: 1 } }).register();
    const client = new RawClient(peers, controller.clientConnection);
    await client.engines(1);
    const ids = Array.from({ length: 1000 }, () => client.task());
    const held: RawDelivery[] = [];
    let answered = 0;
    let recall: RawDelivery | undefined;
    while (recall === undefined) {
      const delivery = await engine.requests.next();
      if (delivery.channel === "control") recall = delivery;
      else held.push(delivery);
      // Answers one task after the other until two are there, which shows that they are sent ahead; then it says nothing.
      if (recall !== undefined || held.length > 1 || engine.requests.arrived.length > 0) continue;
      engine.answer(held.pop() as RawDelivery);
      answered += 1;
    }
    const sent = Number(recall.message.content["through"]);
    while (answered + held.length < sent) held.push(await engine.requests.next());
    const { header, idents, parentHeader, metadata, content, buffers } = recall.message;
    expect({ type: header.msg_type, idents: idents.map(frameText), parentHeader, metadata, content, buffers }).toEqual({
      type: "recall_request",
      idents: [CONTROLLER],
      parentHeader: {},
      metadata: {},
      content: { through: sent },
      buffers: [],
    });
    engine.answer(recall, { content: { status: "ok", through: sent, started: sent }, metadata: {}, buffers: [] });
    const replies = held.map(({ message }) => {
      const reply = { idents: message.idents, parent: message.header, metadata: { status: "ok", engine: engine.uuid } };
      return engine.session.build("apply_reply", { status: "ok" }, reply);
    });
    const bytes = replies.reduce((sum, frames) => sum + packedBytes(frames), 0);
    const packed: Frame = packMessages(replies, bytes, (length) => new Uint8Array(length));
    engine.sendRaw("control", engine.session.build("held_replies", {}, { idents: [textFrame(CONTROLLER)], buffers: [packed] }));
    for (const id of ids.slice(0, sent)) expect((await client.reply("task", id)).content).toEqual({ status: "ok" });
    expect((await controller.stats()).router.dropped).toEqual({});
  } finally {
    await peers.close();
    await controller.close();
    await rm(dir, { recursive: true, force: true });
  }
});
