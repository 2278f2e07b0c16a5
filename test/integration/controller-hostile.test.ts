import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createSession, type MessageSocket } from "../../src/net/index.ts";
import { DELIMITER, type Frame } from "../../src/wire/index.ts";
import { until, withController, type ControllerBench } from "../support/controller.ts";
import { textFrame } from "../support/raw-peer.ts";

/** Every socket of a controller that takes messages, by the name its drops are counted under. */
function doors({ controller, transport }: ControllerBench): Record<string, { socket: MessageSocket; idents: Frame[] }> {
  const { clientConnection: c, engineConnection: e } = controller;
  const dealer = (port: number): MessageSocket => transport.connect("dealer", [`${c.interface}:${port}`], { identity: `intruder-${port}`, lingerMs: 0 });
  const pub = transport.connect("pub", [`${c.interface}:${e.iopub}`], { lingerMs: 0 });
  const other = [textFrame("somebody")];
  return {
    registration: { socket: dealer(c.registration), idents: [] },
    "mux.client": { socket: dealer(c.mux), idents: other },
    "mux.engine": { socket: dealer(e.mux), idents: other },
    "control.client": { socket: dealer(c.control), idents: other },
    "control.engine": { socket: dealer(e.control), idents: other },
    "task.client": { socket: dealer(c.task), idents: [] },
    "task.engine": { socket: dealer(e.task), idents: other },
    "broadcast.client": { socket: dealer(c.broadcast), idents: [] },
    "broadcast.engine": { socket: dealer(e.broadcast[0] as number), idents: other },
    "iopub.engine": { socket: pub, idents: [] },
  };
}

async function dropped(bench: ControllerBench): Promise<Record<string, number>> {
  const stats = await bench.controller.stats();
  return { ...stats.router.dropped, ...stats.hub.dropped };
}

describe("hostile messages", () => {
  it("13.26: wrong keys, unsigned, truncated and random frames on every socket are dropped, counted and have no effect", async () => {
    await withController({}, async (bench) => {
      const c = bench.client();
      const e = await bench.engine();
      await c.engines(1);
      const forger = createSession({ key: "another key" });
      const keyless = createSession({ key: "" });
      for (const [name, { socket, idents }] of Object.entries(doors(bench))) {
        // Aimed at what could do harm if it were let through.
        const target = idents.length > 0 ? [textFrame(e.uuid)] : [];
        const content = { uuid: "intruder", id: 0, msg_ids: "all" };
        const forged = ["apply_request", "shutdown_request", "unregistration_request", "registration_request", "shutdown_reply"].map((type) =>
          forger.build(type, content, { idents: target }),
        );
        const unsigned = keyless.build("apply_request", content, { idents: target });
        const truncated = forger.build("apply_request", content, { idents: target }).slice(0, -2);
        const noise = Array.from({ length: 20 }, () =>
          Array.from({ length: 1 + Math.floor(Math.random() * 8) }, () => randomBytes(Math.floor(Math.random() * 200))),
        );
        const sendAll = (): void => {
          for (const frames of [...forged, unsigned, truncated, ...noise, [DELIMITER]]) socket.send(frames);
        };
        sendAll();
        // A PUB says nothing before the SUB has found it.
        await until(async () => {
          if (name === "iopub.engine") sendAll();
          const counts = await dropped(bench);
          return (
            (counts[`${name}.badSignature`] ?? 0) >= forged.length + 1 &&
            (counts[`${name}.tooFewFrames`] ?? 0) >= 2 &&
            (counts[`${name}.noDelimiter`] ?? 0) >= 20
          );
        }, `${name} has dropped everything`);
      }
      expect(await c.engines(1)).toEqual({ "0": e.uuid });
      expect(e.requests.arrived).toEqual([]);
      expect(e.unreadable).toEqual([]);
      for (const inbox of Object.values(c.inbox))
        expect(inbox.arrived.filter((message) => message.header.msg_type !== "registration_notification")).toEqual([]);
      const id = c.mux(e.uuid);
      e.answer(await e.requests.next());
      expect((await c.reply("mux", id)).content["status"]).toBe("ok");
    });
  });

  it("a message that is sent again, byte for byte, is acted on once", async () => {
    await withController({}, async (bench) => {
      const c = bench.client();
      const e = await bench.engine();
      const twice = (socket: MessageSocket, frames: readonly Frame[]): void => {
        socket.send(frames);
        socket.send(frames);
      };
      twice(c.sockets.mux, c.session.build("apply_request", {}, { idents: [textFrame(e.uuid)] }));
      twice(c.sockets.control, c.session.build("abort_request", {}, { idents: [textFrame(e.uuid)] }));
      twice(c.sockets.task, c.session.build("apply_request", {}, { metadata: {} }));
      twice(c.sockets.broadcast, c.session.build("apply_request", {}, { metadata: { targets: [[e.uuid, 0]], is_broadcast: true, is_coalescing: false } }));
      twice(c.sockets.registration, c.session.build("connection_request", {}));
      await until(async () => {
        const counts = await dropped(bench);
        return ["mux.client", "control.client", "task.client", "broadcast.client", "registration"].every((name) => counts[`${name}.duplicate`] === 1);
      }, "every replay is counted");
      await c.inbox.registration.next();
      const seen = await Promise.all([0, 1, 2, 3].map(() => e.requests.next()));
      expect(seen.map((delivery) => delivery.channel).toSorted()).toEqual(["broadcast", "control", "mux", "task"]);
      expect(e.requests.arrived).toEqual([]);
      expect(c.inbox.registration.arrived).toEqual([]);
    });
  });

  it("rightly signed nonsense is counted or answered, and the controller goes on", async () => {
    await withController({}, async (bench) => {
      const c = bench.client();
      const e = await bench.engine();
      const { signer } = c.session;
      const odd = (parts: readonly string[], idents: readonly Frame[] = []): Frame[] => {
        const [header, parent, metadata, content] = parts.map(textFrame) as [Frame, Frame, Frame, Frame];
        return [...idents, DELIMITER, signer.sign(header, parent, metadata, content), header, parent, metadata, content];
      };
      const shapes = [
        ["[]", "{}", "{}", "{}"],
        ["{}", "{}", "{}", "{}"],
        ['{"msg_id":1,"msg_type":2}', "{}", "{}", "{}"],
        ["no json", "{}", "{}", "{}"],
        ['{"msg_id":"a","msg_type":"apply_request","version":"5.3"}', "null", "7", '"x"'],
        [
          '{"msg_id":"b","msg_type":"apply_request","version":"5.3","session":5,"date":"never"}',
          "{}",
          '{"targets":{"a":1},"retries":-1,"after":5,"timeout":"x","is_coalescing":true}',
          "{}",
        ],
        ['{"msg_id":"c","msg_type":"shutdown_reply","version":"5.3"}', '{"msg_id":"c"}', "{}", "{}"],
      ];
      for (const { socket, idents } of Object.values(doors(bench)))
        for (const shape of shapes) socket.send(odd(shape, idents.length > 0 ? [textFrame(e.uuid)] : []));
      for (const type of [
        "registration_request",
        "unregistration_request",
        "queue_request",
        "result_request",
        "db_request",
        "purge_request",
        "resubmit_request",
        "load_request",
      ]) {
        for (const content of [
          { id: {}, uuid: [], targets: { a: 1 }, msg_ids: 5, query: 7, keys: 8, engine_ids: "x" },
          { id: -1e300, uuid: {}, targets: [[]], msg_ids: [null], query: { $or: [] }, keys: [3] },
        ])
          c.sockets.registration.send(c.session.build(type, content));
      }
      // The last of them is answered, so all before it were taken.
      expect((await c.ask("connection_request")).content["status"]).toBe("ok");
      const id = c.task();
      await until(async () => (await dropped(bench))["task.engine.badHeader"] !== undefined, "nonsense on the engines' side is counted");
      const task = await e.requests.next((delivery) => delivery.message.header.msg_id === id);
      e.answer(task);
      expect((await c.reply("task", id)).content["status"]).toBe("ok");
    });
  });

  it("pongs of any shape and size from anybody move nothing", async () => {
    await withController({ ping: 50 }, async (bench) => {
      const { controller, transport } = bench;
      const url = `${controller.engineConnection.interface}:${controller.engineConnection.hb_pong}`;
      const e = await bench.engine();
      const intruder = transport.connect("dealer", [url], { identity: "intruder", lingerMs: 0 });
      for (const frames of [[textFrame("1.0"), textFrame("x")], [randomBytes(500)], [new Uint8Array(0)]]) intruder.send(frames);
      const flood = transport.connect("dealer", [url], { identity: e.uuid.slice(0, 8), lingerMs: 0 });
      flood.send([randomBytes(100_000)]);
      await until(async () => ((await dropped(bench))["hb_pong.badPong"] ?? 0) >= 1, "a pong of two frames is counted");
      expect(await bench.client().engines(1)).toEqual({ "0": e.uuid });
    });
  });

  it("a message larger than allowed is dropped on every socket without a reply", async () => {
    await withController({ messageBytesMax: 100_000 }, async (bench) => {
      const c = bench.client();
      const e = await bench.engine();
      await c.engines(1);
      for (const [name, { socket, idents }] of Object.entries(doors(bench))) {
        // Rightly signed: it is the size alone that is refused.
        const target = idents.length > 0 ? [textFrame(e.uuid)] : [];
        const send = (): boolean => socket.send(c.session.build("apply_request", { uuid: e.uuid }, { idents: target, buffers: [new Uint8Array(200_000)] }));
        send();
        await until(async () => {
          if (name === "iopub.engine") send();
          return ((await dropped(bench))[`${name}.oversized`] ?? 0) >= 1;
        }, `${name} has dropped it`);
      }
      expect(e.requests.arrived).toEqual([]);
      expect(Object.values(c.inbox).flatMap((inbox) => inbox.arrived.filter((message) => message.header.msg_type !== "registration_notification"))).toEqual([]);
    });
  });

  it("what an engine sent is acted on once, also when it comes again, byte for byte", async () => {
    await withController({}, async (bench) => {
      const c = bench.client();
      const e = await bench.engine();
      await c.engines(1);
      const ids = { mux: c.mux(e.uuid), control: c.mux(e.uuid, "abort_request", {}, "control"), task: c.task() };
      for (const channel of ["mux", "control", "task"] as const) {
        const delivery = await e.requests.next((one) => one.message.header.msg_id === ids[channel]);
        if (channel === "mux") {
          const output = e.publish("stream", { name: "stdout", text: "once\n" }, { ...delivery.message.header });
          e.iopub.send(output);
          await until(async () => (await dropped(bench))["iopub.engine.duplicate"] === 1, "the second copy of the output is counted");
        }
        const sent = e.answer(delivery);
        e.sendRaw(channel, sent);
        // The client's own reader would fail this test if it got a copy.
        expect((await c.reply(channel, ids[channel])).content["status"]).toBe("ok");
        const kind = channel === "task" ? "task.scheduler.lateReply" : `${channel}.engine.duplicate`;
        await until(async () => (await dropped(bench))[kind] === 1, `the second copy of the ${channel} reply is counted`);
      }
      const found = await c.ask("db_request", { query: { msg_id: ids.mux }, keys: ["stdout"] });
      expect(found.content["records"]).toEqual([{ msg_id: ids.mux, stdout: "once\n" }]);
    });
  });

  it("a client's word to an engine to end, recorded and sent to the Hub, does not end the controller", async () => {
    await withController({}, async (bench) => {
      const c = bench.client();
      const e = await bench.engine();
      await c.engines(1);
      const order = c.session.build("shutdown_request", { restart: false }, { idents: [textFrame(e.uuid)] });
      c.sockets.control.send(order);
      expect((await e.requests.next()).message.header.msg_type).toBe("shutdown_request");
      c.sockets.registration.send(order.slice(1));
      await until(async () => (await dropped(bench))["registration.badContent"] === 1, "the Hub has dropped it");
      expect((await c.ask("connection_request")).content["status"]).toBe("ok");
      expect(c.inbox.notification.arrived.map((message) => message.header.msg_type)).not.toContain("shutdown_notification");
    });
  });
});
