import { describe, expect, it } from "vitest";
import { until, withController } from "../support/controller.ts";
import { frameText, textFrame, type RawClient, type RawEngine } from "../support/raw-peer.ts";

/** Runs one echoed mux request and gives its id. */
async function roundTrip(client: RawClient, engine: RawEngine, label: string, payload = label): Promise<string> {
  const id = client.mux(engine.uuid, "apply_request", { metadata: { label }, buffers: [textFrame(payload)] });
  await client.reply("mux", id);
  return id;
}

describe.each(["memory", "sqlite"] as const)("hub queries, store %s", (db) => {
  it("a result is there for whoever asks as soon as its reply has arrived", async () => {
    await withController({ db }, async ({ client, engine }) => {
      const c = client();
      const e = await engine({ isEcho: true });
      for (let index = 0; index < 20; index += 1) {
        const id = await roundTrip(c, e, `n${index}`);
        const reply = await c.ask("result_request", { msg_ids: [id], status_only: false });
        expect(reply.content).toMatchObject({ status: "ok", pending: [], completed: [id] });
        expect(reply.content[id]).toMatchObject({
          header: { msg_id: id },
          metadata: { label: `n${index}` },
          result_header: { msg_type: "apply_reply" },
          result_content: { status: "ok" },
        });
        expect(reply.buffers.map(frameText)).toEqual([`n${index}`]);
      }
    });
  });

  it("queue_request counts what waits at each live engine, and what waits for one", async () => {
    await withController({ db }, async ({ client, engine }) => {
      const c = client();
      expect((await c.ask("queue_request", { targets: null, verbose: false })).content).toEqual({ status: "ok", unassigned: 0 });
      const e = await engine();
      const mux = c.mux(e.uuid);
      const task = c.task();
      const waiting = c.task();
      await e.requests.next((delivery) => delivery.channel === "task");
      await e.requests.next((delivery) => delivery.channel === "mux");
      expect((await c.ask("queue_request", { targets: null, verbose: false })).content).toEqual({
        status: "ok",
        "0": { queue: 1, completed: 0, tasks: 1 },
        unassigned: 1,
      });
      expect((await c.ask("queue_request", { targets: e.uuid, verbose: true })).content).toMatchObject({
        "0": { queue: [mux], completed: [], tasks: [task] },
        unassigned: [waiting],
      });
      expect((await c.ask("load_request", { targets: [0] })).content).toEqual({ status: "ok", "0": 2 });
    });
  });

  it("history, database, purge and resubmission work on what was routed", async () => {
    await withController({ db }, async ({ client, engine }) => {
      const c = client();
      const e = await engine({ isEcho: true });
      const a = await roundTrip(c, e, "a", "payload a");
      const b = await roundTrip(c, e, "b");
      expect((await c.ask("history_request")).content).toEqual({ status: "ok", history: [a, b] });
      const found = await c.ask("db_request", { query: { label: "a" }, keys: ["label", "buffers", "queue"] });
      expect(found.content).toMatchObject({ status: "ok", records: [{ msg_id: a, label: "a", queue: "mux" }], buffer_lens: [1], result_buffer_lens: null });
      expect(found.buffers.map(frameText)).toEqual(["payload a"]);
      const resubmitted = (await c.ask("resubmit_request", { msg_ids: [a] })).content["resubmitted"] as { [id: string]: string };
      const again = resubmitted[a] as string;
      expect(again).not.toBe(a);
      await until(
        async () => ((await c.ask("result_request", { msg_ids: [again], status_only: true })).content["completed"] as string[]).includes(again),
        "the resubmitted task is done",
      );
      expect((await c.ask("result_request", { msg_ids: [again], status_only: false })).buffers.map(frameText)).toEqual(["payload a"]);
      expect(c.inbox.task.arrived).toEqual([]);
      expect((await c.ask("purge_request", { msg_ids: "all" })).content).toEqual({ status: "ok" });
      expect((await c.ask("history_request")).content).toEqual({ status: "ok", history: [] });
    });
  });

  it("output and errors that engines publish are in the record of their request", async () => {
    await withController({ db }, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const id = c.mux(e.uuid, "execute_request");
      const delivery = await e.requests.next();
      // A SUB needs a moment to find a new PUB; whatever it hears must be recorded, so say it until the record has it.
      const output = async (): Promise<unknown> =>
        ((await c.ask("db_request", { query: { msg_id: id }, keys: ["stdout", "execute_input"] })).content["records"] as { stdout: string }[])[0];
      await until(async () => {
        e.publish("execute_input", { code: "1 + 1", execution_count: 1 }, delivery.message.header);
        return ((await output()) as { execute_input: string | null }).execute_input === "1 + 1";
      }, "the input is recorded");
      e.publish("stream", { name: "stdout", text: "hello " }, delivery.message.header);
      e.publish("stream", { name: "stdout", text: "world" }, delivery.message.header);
      await until(async () => ((await output()) as { stdout: string }).stdout === "hello world", "the output is recorded");
      e.answer(delivery, { content: { status: "ok", execution_count: 1, payload: [], user_expressions: {} } });
      await c.reply("mux", id);
      const result = (await c.ask("result_request", { msg_ids: [id] })).content[id];
      expect(result).toMatchObject({ result_content: { execution_count: 1 }, io: { execute_input: "1 + 1", stdout: "hello world", stderr: "" } });
    });
  });
});

describe("hub requests", () => {
  it("what nobody can answer is answered with an error, and the hub goes on", async () => {
    await withController({}, async ({ client }) => {
      const c = client();
      expect(await c.ask("sing_request")).toMatchObject({
        header: { msg_type: "hub_error" },
        content: { status: "error", ename: "KeyError", evalue: `"Bad Message Type: 'sing_request'"`, engine_info: {} },
      });
      expect(await c.ask("queue_request", {})).toMatchObject({ header: { msg_type: "hub_error" }, content: { ename: "KeyError", evalue: "'targets'" } });
      expect(await c.ask("queue_request", { targets: [77] })).toMatchObject({
        header: { msg_type: "hub_error" },
        content: { ename: "IndexError", evalue: "No Such Engine: [77]" },
      });
      expect(await c.ask("result_request", { msg_ids: ["nope"] })).toMatchObject({
        header: { msg_type: "result_reply" },
        content: { ename: "KeyError", evalue: "'No such message: nope'" },
      });
      expect(await c.ask("db_request", { query: { label: { $weird: 1 } } })).toMatchObject({
        header: { msg_type: "db_reply" },
        content: { ename: "KeyError" },
      });
      expect(await c.ask("resubmit_request", { msg_ids: ["x"] })).toMatchObject({ content: { ename: "KeyError" } });
      expect(await c.ask("purge_request", { msg_ids: [], engine_ids: [55] })).toMatchObject({ content: { ename: "IndexError", evalue: "No such engine: 55" } });
      expect((await c.ask("connection_request")).content["status"]).toBe("ok");
    });
  });

  it("a request that died with its engine is completed with EngineError in the store", async () => {
    await withController({ registrationTimeoutMs: 100 }, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      const id = c.mux(e.uuid);
      await e.requests.next();
      e.unregister();
      await c.engines(0);
      await until(
        async () => ((await c.ask("result_request", { msg_ids: [id], status_only: true })).content["completed"] as string[]).includes(id),
        "the request is given up",
      );
      const result = (await c.ask("result_request", { msg_ids: [id] })).content[id];
      expect(result).toMatchObject({ result_header: { msg_type: "apply_reply" }, result_content: { status: "error", ename: "EngineError" } });
    });
  });

  it("without a store every query for records says so, and tasks run", async () => {
    await withController({ db: "none" }, async ({ client, engine }) => {
      const c = client();
      const e = await engine({ isEcho: true });
      await roundTrip(c, e, "a");
      expect((await c.ask("db_request", { query: {} })).content).toMatchObject({ status: "error", ename: "NoData" });
      expect((await c.ask("queue_request", { targets: null })).content).toMatchObject({ "0": { queue: 0, completed: 1, tasks: 0 } });
    });
  });

  it("buffers larger than the store keeps are routed whole and missing in the record, with their size", async () => {
    await withController({ recordBufferBytesMax: 1000 }, async ({ client, engine }) => {
      const c = client();
      const e = await engine({ isEcho: true });
      const id = c.mux(e.uuid, "apply_request", { buffers: [new Uint8Array(5000).fill(1)] });
      expect((await c.reply("mux", id)).buffers[0]).toEqual(Buffer.alloc(5000, 1));
      const reply = await c.ask("result_request", { msg_ids: [id] });
      expect(reply.buffers).toEqual([]);
      expect(reply.content[id]).toMatchObject({ result_content: { status: "error", ename: "NoData" }, result_metadata: { buffer_bytes_not_kept: 5000 } });
    });
  });

  it("a dependency on a task that the scheduler has forgotten is decided by the store", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      await engine({ isEcho: true });
      const first = c.task();
      await c.reply("task", first);
      expect((await c.reply("task", c.task({ after: [first] }))).content["status"]).toBe("ok");
      expect((await c.reply("task", c.task({ after: ["never"] }))).content["ename"]).toBe("InvalidDependency");
    });
  });

  it("shutdown_request is answered and announced, then the controller ends and says why", async () => {
    await withController({}, async ({ client, engine, controller }) => {
      const c = client();
      await engine();
      await c.inbox.notification.next();
      const reply = await c.ask("shutdown_request");
      expect(reply).toMatchObject({ header: { msg_type: "shutdown_reply" }, content: { status: "ok" } });
      const notice = await c.inbox.notification.next();
      expect(notice).toMatchObject({
        header: { msg_type: "shutdown_notification" },
        content: { status: "ok" },
        parentHeader: { msg_type: "shutdown_request" },
      });
      expect(await controller.closed).toBe("shutdown requested");
    });
  });

  it("a thousand requests go round while a query is still unanswered", async () => {
    await withController({ db: "sqlite" }, async ({ client, engine }) => {
      const c = client();
      const e = await engine({ isEcho: true });
      // Fill the store, then ask for all of it many times over: the Hub is busy for seconds.
      for (let index = 0; index < 3000; index += 1) c.mux(e.uuid, "apply_request", { metadata: { label: `label ${index}` }, buffers: [new Uint8Array(2000)] });
      const last = c.mux(e.uuid);
      await c.reply("mux", last);
      const query = { query: { label: { $glob: "*1*" } }, keys: ["header", "metadata", "content", "result_header", "result_content", "label", "buffers"] };
      let answered = 0;
      const queries = 100;
      for (let index = 0; index < queries; index += 1) {
        c.sockets.registration.send(c.session.build("db_request", query));
        void c.inbox.registration
          .next((message) => message.header.msg_type === "db_reply")
          .then(
            () => (answered += 1),
            () => undefined, // the controller is closed before it has answered them all
          );
      }
      await until(() => answered > 0, "the Hub is at work on the queries");
      for (let index = 0; index < 1000; index += 1) await c.reply("mux", c.mux(e.uuid));
      expect(answered).toBeLessThan(queries);
    });
  });
});
