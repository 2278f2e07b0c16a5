import { describe, expect, it } from "vitest";
import { until, withController } from "../support/controller.ts";
import { frameText, textFrame, type RawDelivery, type RawEngine } from "../support/raw-peer.ts";

const large = new Uint8Array(300_000).fill(7);

async function answerNext(engine: RawEngine, options: Parameters<RawEngine["answer"]>[1] = {}): Promise<RawDelivery> {
  const delivery = await engine.requests.next();
  engine.answer(delivery, options);
  return delivery;
}

describe("mux and control", () => {
  it("a request reaches the engine it names and no other, and the reply comes back with the engine's identity", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const [a, b] = [await engine(), await engine()];
      const id = c.mux(b.uuid, "apply_request", { metadata: { label: "x" }, buffers: [large, new Uint8Array(0), textFrame("z")] });
      const delivery = await answerNext(b, { buffers: [textFrame("result")] });
      expect(delivery.channel).toBe("mux");
      expect(delivery.message.idents).toHaveLength(1);
      expect(delivery.message.metadata).toEqual({ label: "x" });
      expect(delivery.message.buffers.map((buffer) => buffer.length)).toEqual([300_000, 0, 1]);
      const reply = await c.reply("mux", id);
      expect(frameText(reply.idents[0])).toBe(b.uuid);
      expect(frameText(reply.buffers[0])).toBe("result");
      expect(a.requests.arrived).toEqual([]);
    });
  });

  it("messages of any type are relayed unchanged, both ways, in order", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const ids = ["comm_msg", "kernel_info_request", "weird"].map((type) => c.mux(e.uuid, type));
      for (const id of ids) {
        const delivery = await e.requests.next();
        expect(delivery.message.header.msg_id).toBe(id);
        e.answer(delivery);
        expect((await c.reply("mux", id)).header.msg_type).toBe(delivery.message.header.msg_type.replace("_request", "_reply"));
      }
    });
  });

  it("apply, execute and control requests for an engine that is not there are answered with EngineError", async () => {
    await withController({}, async ({ client }) => {
      const c = client();
      for (const [type, channel] of [
        ["apply_request", "mux"],
        ["execute_request", "mux"],
        ["abort_request", "control"],
      ] as const) {
        const reply = await c.reply(channel, c.mux("nobody", type, {}, channel));
        expect(reply.header.msg_type).toBe(type.replace("_request", "_reply"));
        expect(reply.metadata).toMatchObject({ status: "error", engine: "nobody" });
        expect(reply.content).toEqual({ status: "error", ename: "EngineError", evalue: "no engine 'nobody' is registered", traceback: [], engine_info: {} });
      }
    });
  });

  it("an engine that does not answer is given no more than its bound, and the client is told so", async () => {
    await withController({ engineBytesMax: 1_000_000 }, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const sent = Array.from({ length: 5 }, () => c.mux(e.uuid, "apply_request", { buffers: [large] }));
      const refused = await c.reply("mux", sent[3] as string);
      expect(refused.content["ename"]).toBe("EngineError");
      expect(refused.content["evalue"]).toContain("no more than 1000000 may");
      await c.reply("mux", sent[4] as string);
      for (let index = 0; index < 3; index += 1) await answerNext(e);
      for (const id of sent.slice(0, 3)) expect((await c.reply("mux", id)).content["status"]).toBe("ok");
      const again = c.mux(e.uuid, "apply_request", { buffers: [large] });
      await answerNext(e);
      expect((await c.reply("mux", again)).content["status"]).toBe("ok");
    });
  });
});

describe("tasks", () => {
  it("a task goes to an engine and its reply to the client, with the engine's identity", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine({ isEcho: true });
      const reply = await c.reply("task", c.task({}, [textFrame("payload")]));
      expect(frameText(reply.idents[0])).toBe(e.uuid);
      expect(frameText(reply.buffers[0])).toBe("payload");
    });
  });

  it("a task submitted before any engine is there waits for one, with its frames whole", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const ids = [c.task({}, [textFrame("one"), new Uint8Array(0)]), c.task({}, [large])];
      await c.ask("connection_request");
      await engine({ isEcho: true });
      expect((await c.reply("task", ids[0] as string)).buffers.map(frameText)).toEqual(["one", ""]);
      expect((await c.reply("task", ids[1] as string)).buffers[0]).toHaveLength(300_000);
    });
  });

  it("targets, after and follow are kept", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const [a, b] = [await engine(), await engine()];
      const first = c.task({ targets: [b.uuid] });
      const second = c.task({ after: [first], follow: { dependencies: [first], all: true, success: true, failure: false } });
      const delivery = await b.requests.next();
      expect(delivery.message.header.msg_id).toBe(first);
      b.answer(delivery);
      await answerNext(b);
      expect((await c.reply("task", second)).content["status"]).toBe("ok");
      expect(a.requests.arrived).toEqual([]);
    });
  });

  it("a failed task is tried on another engine as often as its retries say", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const engines = [await engine(), await engine()];
      const id = c.task({ retries: 1 });
      await until(() => engines.some((e) => e.requests.arrived.length > 0), "one of them has the task");
      const first = engines.find((e) => e.requests.arrived.length > 0) as RawEngine;
      await answerNext(first, { status: "error" });
      const other = engines.find((e) => e !== first) as RawEngine;
      await answerNext(other);
      const reply = await c.reply("task", id);
      expect(reply.metadata["engine"]).toBe(other.uuid);
      expect(c.inbox.task.arrived).toEqual([]);
    });
  });

  it("failures that the scheduler makes have the reference's names, an empty evalue's place, and no engine frame", async () => {
    await withController({}, async ({ client }) => {
      const c = client();
      const invalid = await c.reply("task", c.task({ after: ["nosuch"] }));
      expect(invalid.header.msg_type).toBe("apply_reply");
      expect(invalid.content).toMatchObject({ status: "error", ename: "InvalidDependency", engine_info: {} });
      expect(invalid.metadata).toEqual({});
      expect(invalid.idents).toEqual([]);
      const late = await c.reply("task", c.task({ timeout: 0.05 }));
      expect(late.content["ename"]).toBe("TaskTimeout");
      const nonsense = await c.reply("task", c.task({ targets: 7 }));
      expect(nonsense.content["status"]).toBe("error");
    });
  });

  it("a task whose engine is gone fails with EngineError, and one with retries goes elsewhere", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const lost = c.task();
      const retried = c.task({ retries: 1 });
      await e.requests.next();
      const other = await engine();
      const moved = await other.requests.next();
      expect(moved.message.header.msg_id).toBe(retried);
      e.unregister();
      await e.close();
      const reply = await c.reply("task", lost);
      expect(reply.content).toMatchObject({ status: "error", ename: "EngineError", engine_info: {} });
      expect(reply.metadata).toMatchObject({ status: "error", engine: e.uuid });
      expect(frameText(reply.idents[0])).toBe(e.uuid);
      other.answer(moved);
      expect((await c.reply("task", retried)).content["status"]).toBe("ok");
    });
  });
});

describe("broadcast", () => {
  it("plain: each target answers for itself, without engine frame, under its derived id", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const engines = [await engine({ isEcho: true }), await engine({ isEcho: true }), await engine({ isEcho: true })];
      const id = c.broadcast(
        engines.map((e) => [e.uuid, e.id] as const),
        false,
        [textFrame("x")],
      );
      for (const e of engines) {
        const reply = await c.reply("broadcast", `${id}_${e.uuid}`);
        expect(reply.idents).toEqual([]);
        expect(reply.metadata["original_msg_id"]).toBe(id);
        expect(frameText(reply.buffers[0])).toBe("x");
      }
    });
  });

  it("coalescing: one reply when all have answered, buffers in the order of broadcast_targets", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const engines = [await engine(), await engine(), await engine()];
      const targets = engines.map((e) => [e.uuid, e.id] as const);
      const id = c.broadcast(targets, true);
      for (const e of engines.toReversed()) {
        const delivery = await e.requests.next();
        expect(delivery.message.header.msg_id).toBe(`${id}_${e.uuid}`);
        e.answer(delivery, { buffers: [textFrame(`from ${e.id}`)] });
      }
      const reply = await c.inbox.broadcast.next();
      const pairs = reply.metadata["broadcast_targets"] as readonly (readonly [string, number])[];
      expect(new Set(pairs.map(([uuid]) => uuid))).toEqual(new Set(engines.map((e) => e.uuid)));
      expect(reply.buffers.map(frameText)).toEqual(pairs.map(([, engineId]) => `from ${engineId}`));
      expect(reply.metadata["original_msg_id"]).toBe(id);
      expect(c.inbox.broadcast.arrived).toEqual([]);
    });
  });
});

describe("iopub", () => {
  it("what an engine publishes reaches every client unchanged, with and without topic", async () => {
    await withController({}, async ({ client, engine }) => {
      const [c, d] = [client(), client()];
      const e = await engine();
      // PUB and SUB find each other when they do: publish until both have heard something.
      const timer = setInterval(() => e.publish("status", { execution_state: "starting" }), 5);
      await Promise.all([c.inbox.iopub.next(), d.inbox.iopub.next()]);
      clearInterval(timer);
      e.publish("stream", { name: "stdout", text: "hello" }, { msg_id: "m", session: "s" }, "stdout");
      e.iopub.send(e.session.build("iopub_welcome", {}));
      for (const peer of [c, d]) {
        const stream = await peer.inbox.iopub.next((message) => message.header.msg_type === "stream");
        expect(stream.idents.map(frameText)).toEqual(["engine.0.stdout"]);
        expect(stream.content).toEqual({ name: "stdout", text: "hello" });
        expect(stream.parentHeader).toEqual({ msg_id: "m", session: "s" });
        expect((await peer.inbox.iopub.next((message) => message.header.msg_type === "iopub_welcome")).idents).toEqual([]);
      }
    });
  });
});
