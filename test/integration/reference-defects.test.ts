// What the reference does wrong and we do right, and what both must do that an implementer easily gets wrong. The number in
// front of each title is the item's in section 13 of docs/reference/protocol.md, which also names the tests of other files.

import { describe, expect, it } from "vitest";
import { until, withController } from "../support/controller.ts";
import { frameText, textFrame, type RawEngine } from "../support/raw-peer.ts";
import { startEngine } from "../support/with-engine.ts";
import type { Dict, Message } from "../../src/wire/index.ts";

const records = (reply: Message): Dict[] => reply.content["records"] as Dict[];
const ids = (reply: Message): unknown[] => records(reply).map((record) => record["msg_id"]);

describe("signatures and headers", () => {
  it("13.1: buffers are not covered by the signature", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const header = c.session.header("apply_request");
      const frames = c.session.build("apply_request", {}, { header, idents: [textFrame(e.uuid)], buffers: [textFrame("one")] });
      c.sockets.mux.send([...frames.slice(0, -1), textFrame("another")]);
      expect((await e.requests.next()).message.buffers.map(frameText)).toEqual(["another"]);
    });
  });

  it("13.3: a date without any zone or fraction is recorded, and so is one that is none", async () => {
    await withController({ db: "memory" }, async ({ client, engine }) => {
      const c = client();
      const e = await engine({ isEcho: true });
      const second = new Date().toISOString().slice(0, 19);
      for (const date of [second, `${second}+0100`, "yesterday"]) {
        const header = { ...c.session.header("apply_request"), date };
        c.sockets.mux.send(c.session.build("apply_request", {}, { header, idents: [textFrame(e.uuid)] }));
        await c.reply("mux", header.msg_id);
        expect(ids(await c.ask("db_request", { query: { msg_id: header.msg_id }, keys: ["submitted"] }))).toEqual([header.msg_id]);
      }
    });
  });
});

describe("notifications and replies", () => {
  it("13.6: whatever engines and clients send, only the three known types are published", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      await c.inbox.notification.next();
      c.sockets.registration.send(c.session.build("registration_notification", { id: 7, uuid: "x" }));
      e.publish("registration_notification", { id: 7, uuid: "x" });
      await c.ask("sing_request");
      e.unregister();
      expect((await c.inbox.notification.next()).header.msg_type).toBe("unregistration_notification");
      expect(c.inbox.notification.arrived).toEqual([]);
    });
  });

  it("13.12: result buffers come in the sorted order of the ids, whatever the order asked for", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine({ isEcho: true });
      const made: string[] = [];
      for (const text of ["a", "b", "c"]) {
        const id = c.mux(e.uuid, "apply_request", { buffers: [textFrame(text)] });
        await c.reply("mux", id);
        made.push(id);
      }
      const reply = await c.ask("result_request", { msg_ids: [made[2], made[0], made[1]] });
      const byId = new Map(made.map((id, index) => [id, "abc"[index]]));
      expect(reply.buffers.map(frameText)).toEqual(made.toSorted().map((id) => byId.get(id)));
    });
  });
});

describe.each(["memory", "sqlite"] as const)("queries to the store %s", (db) => {
  it("13.15: each operator and each field counts by itself, null is in no order, purging by engine purges", async () => {
    await withController({ db }, async ({ client, engine }) => {
      const c = client();
      const [e0, e1] = [await engine({ isEcho: true }), await engine({ isEcho: true })];
      const done: string[] = [];
      for (const [e, label] of [
        [e0, 1],
        [e0, 2],
        [e1, 3],
        [e1, null],
      ] as const) {
        const id = c.mux(e.uuid, "apply_request", { metadata: { label } });
        await c.reply("mux", id);
        done.push(id);
      }
      const find = async (query: Dict): Promise<unknown[]> =>
        ids(await c.ask("db_request", { query, keys: ["msg_id"] }))
          .map(String)
          .toSorted();
      const [one, two, three] = done as [string, string, string, string];
      expect(await find({ label: { $gt: 1 } })).toEqual([two, three].toSorted());
      expect(await find({ label: { $gte: 2 } })).toEqual([two, three].toSorted());
      expect(await find({ label: { $lt: 2 } })).toEqual([one]);
      expect(await find({ label: 1, queue: "mux" })).toEqual([one]);
      expect(await find({ label: 1, queue: "task" })).toEqual([]);
      expect(await find({ submitted: { $gt: null } })).toEqual([]);
      expect((await c.ask("purge_request", { msg_ids: [], engine_ids: [0] })).content).toEqual({ status: "ok" });
      expect((await c.ask("history_request")).content["history"]).toEqual(done.slice(2));
    });
  });
});

describe("queue status", () => {
  it("13.16: dead engines are not listed, and rejected, retried and unknown requests leave no counts behind", async () => {
    await withController({ registrationTimeoutMs: 100 }, async ({ client, engine }) => {
      const c = client();
      const [a, b] = [await engine(), await engine()];
      c.mux(a.uuid, "comm_msg");
      await a.requests.next();
      const declined = c.task({ targets: [a.uuid, b.uuid] });
      const by = async (): Promise<RawEngine> => {
        await until(() => a.requests.arrived.length + b.requests.arrived.length > 0, "the task is at an engine");
        return a.requests.arrived.length > 0 ? a : b;
      };
      const first = await by();
      first.answer(await first.requests.next(), { status: "error", metadata: { dependencies_met: false }, buffers: [] });
      const second = await by();
      expect(second).not.toBe(first);
      second.answer(await second.requests.next());
      expect((await c.reply("task", declined)).content["status"]).toBe("ok");
      const retried = c.task({ retries: 1 });
      const third = await by();
      third.answer(await third.requests.next(), { status: "error", buffers: [] });
      const fourth = await by();
      fourth.answer(await fourth.requests.next());
      expect((await c.reply("task", retried)).content["status"]).toBe("ok");
      const stranded = c.mux(b.uuid);
      await b.requests.next();
      b.unregister();
      await c.engines(1);
      await until(
        async () => ((await c.ask("result_request", { msg_ids: [stranded], status_only: true })).content["completed"] as string[]).includes(stranded),
        "the request is given up",
      );
      const { content } = await c.ask("queue_request", { targets: null, verbose: false });
      expect(Object.keys(content).toSorted()).toEqual(["0", "status", "unassigned"]);
      expect(content).toMatchObject({ "0": { queue: 0, tasks: 0 }, unassigned: 0 });
    });
  });

  it("13.17: the load of engines is told by their decimal ids", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      c.mux(e.uuid);
      await e.requests.next();
      expect((await c.ask("load_request", { targets: null })).content).toEqual({ status: "ok", "0": 1 });
    });
  });

  it("13.18: the result of a stranded request has metadata, a type and a date, as any other's", async () => {
    await withController({ registrationTimeoutMs: 100 }, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const id = c.mux(e.uuid, "execute_request");
      await e.requests.next();
      e.unregister();
      const result = async (): Promise<Message> => c.ask("result_request", { msg_ids: [id], status_only: false });
      await until(async () => ((await result()).content["completed"] as string[]).includes(id), "the request is given up");
      expect((await result()).content[id]).toMatchObject({
        result_metadata: expect.any(Object) as object,
        result_header: { msg_type: "execute_reply", date: expect.stringMatching(/^\d{4}-.*Z$/) as string },
        result_content: { status: "error", ename: "EngineError", traceback: expect.any(Array) as unknown[] },
      });
    });
  });
});

describe("broadcast", () => {
  it("13.19: with depth 0, one leaf, a coalesced reply still names uuid and id of each engine", async () => {
    await withController({ broadcastDepth: 0 }, async ({ client, engine, controller }) => {
      expect(controller.engineConnection.broadcast).toHaveLength(1);
      const c = client();
      const engines = [await engine({ isEcho: true }), await engine({ isEcho: true })];
      const targets = engines.map(({ uuid, id }) => [uuid, id] as const);
      const id = c.broadcast(targets, true, [textFrame("x")]);
      const reply = await c.inbox.broadcast.next((message) => message.metadata["original_msg_id"] === id);
      expect(reply.metadata["broadcast_targets"]).toEqual(targets);
      expect(reply.buffers.map(frameText)).toEqual(["x", "x"]);
    });
  });
});

describe("tasks", () => {
  it("13.20: tasks that were looked at and had to go on waiting keep the order of their submission", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const [a, b] = [await engine(), await engine()];
      const holdA = c.task({ targets: [a.uuid] });
      const holdB = c.task({ targets: [b.uuid] });
      const atA = await a.requests.next();
      const atB = await b.requests.next();
      const bound = Array.from({ length: 6 }, () => c.task({ targets: [a.uuid] }));
      // Each of these finishes on B and has the waiting tasks looked at, none of which may run there.
      b.answer(atB);
      await c.reply("task", holdB);
      for (let round = 0; round < 3; round += 1) {
        const other = c.task({ targets: [b.uuid] });
        b.answer(await b.requests.next());
        await c.reply("task", other);
      }
      a.answer(atA);
      await c.reply("task", holdA);
      const order: string[] = [];
      for (const _ of bound) {
        const delivery = await a.requests.next();
        order.push(delivery.message.header.msg_id);
        a.answer(delivery);
      }
      expect(order).toEqual(bound);
    });
  });

  it("13.21: a task that is submitted again keeps its metadata, and has no parent", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const metadata = { targets: [e.uuid], retries: 2, timeout: 60, after: [], follow: [], label: "mine" };
      const id = c.task(metadata);
      e.answer(await e.requests.next());
      await c.reply("task", id);
      const again = (await c.ask("resubmit_request", { msg_ids: [id] })).content["resubmitted"] as Dict;
      const { message } = await e.requests.next();
      expect(message.header.msg_id).toBe(again[id]);
      expect(message.metadata).toMatchObject(metadata);
      expect(message.parentHeader).toEqual({});
    });
  });

  it("13.27: a request whose targets are null runs anywhere, and a reply without a status counts by its content", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const fine = c.task({ targets: null });
      const delivery = await e.requests.next();
      e.answer(delivery, { metadata: { status: undefined } });
      expect((await c.reply("task", fine)).content["status"]).toBe("ok");
      const after = c.task({ after: [fine] });
      e.answer(await e.requests.next(), { content: { status: "error", ename: "E", evalue: "", traceback: [] }, metadata: { status: undefined } });
      expect((await c.reply("task", after)).content["ename"]).toBe("E");
      expect((await c.reply("task", c.task({ after: [after] }))).content["ename"]).toBe("ImpossibleDependency");
    });
  });

  it("13.11: by default one task is at an engine at a time; a task that has failed everywhere waits, until its timeout", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const failing = c.task({ retries: 1, timeout: 0.1 });
      const next = c.task();
      const delivery = await e.requests.next();
      expect(e.requests.arrived).toEqual([]);
      e.answer(delivery, { status: "error", buffers: [] });
      expect((await e.requests.next()).message.header.msg_id).toBe(next);
      expect((await c.reply("task", failing)).content["ename"]).toBe("TaskTimeout");
    });
  });
});

describe("registration", () => {
  it("13.22: a refused registration takes no id, and one without uuid is answered", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      expect((await c.ask("registration_request", { uuid: e.uuid })).content["status"]).toBe("error");
      expect((await c.ask("registration_request", {})).content["status"]).toBe("error");
      expect((await engine()).id).toBe(1);
    });
  });

  it("13.23: a uuid may register again right after its engine has gone, while the old heart still beats", async () => {
    await withController({ ping: 50 }, async ({ client, engine }) => {
      const c = client();
      const first = await engine();
      first.unregister();
      await c.engines(0);
      const again = await c.ask("registration_request", { uuid: first.uuid });
      expect(again.content).toMatchObject({ status: "ok", id: 1 });
      // The first engine's sockets still stand and answer pings: that is the heart of the second.
      expect(await c.engines(1)).toEqual({ "1": first.uuid });
      const task = c.task();
      first.answer(await first.requests.next());
      expect((await c.reply("task", task)).content["status"]).toBe("ok");
    });
  });
});

describe("an engine", () => {
  it("13.24: answers an abort of null, as of an empty list", async () => {
    const { control, close } = await startEngine();
    try {
      for (const content of [{ msg_ids: null }, { msg_ids: [] }, {}]) expect((await control("abort_request", content)).content).toEqual({ status: "ok" });
    } finally {
      await close();
    }
  });

  it("13.30: runs requests of mux, task and broadcast one at a time, in the order of their arrival", async () => {
    const { controller, uuid, run, close } = await startEngine();
    try {
      await run("globalThis.order = []");
      const cell = (name: string): Dict => ({
        code: `order.push("${name} begins"); await new Promise((r) => setTimeout(r, 20)); order.push("${name} ends")`,
        silent: true,
      });
      const sent = (["mux", "task", "broadcast"] as const).map((channel) => controller.send(channel, uuid, "execute_request", cell(channel)));
      for (const request of sent) await controller.reply(request);
      const reply = await run("1", { user_expressions: { order: "order" } });
      const { data } = (reply.content["user_expressions"] as { readonly order: { readonly data: Dict } }).order;
      const order = [...String(data["text/plain"]).matchAll(/(\w+) (begins|ends)/g)].map(([whole]) => whole);
      expect(order).toHaveLength(6);
      for (let index = 0; index < 6; index += 2) expect(order[index + 1]).toBe(order[index]?.replace("begins", "ends"));
    } finally {
      await close();
    }
  });
});

describe("a controller that starts again", () => {
  it("13.25: tells results of a controller before by their own records, finished or not", async () => {
    const dbFile = `${process.env["TMPDIR"] ?? "/tmp"}/tsparallel-defects-${process.pid}.db`;
    const { rm } = await import("node:fs/promises");
    try {
      let finished = "";
      let open = "";
      await withController({ db: "sqlite", dbFile }, async ({ client, engine }) => {
        const c = client();
        const e = await engine();
        finished = c.mux(e.uuid);
        e.answer(await e.requests.next());
        await c.reply("mux", finished);
        open = c.mux(e.uuid);
        await e.requests.next();
      });
      await withController({ db: "sqlite", dbFile }, async ({ client }) => {
        const c = client();
        for (const status_only of [true, false])
          expect((await c.ask("result_request", { msg_ids: [open, finished], status_only })).content).toMatchObject({ completed: [finished], pending: [open] });
      });
    } finally {
      for (const suffix of ["", "-wal", "-shm"]) await rm(`${dbFile}${suffix}`, { force: true });
    }
  });
});
