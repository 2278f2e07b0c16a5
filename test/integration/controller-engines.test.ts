import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { until, withController } from "../support/controller.ts";
import { RawEngine } from "../support/raw-peer.ts";

describe("engines of a controller", () => {
  it("an engine is visible, routed and announced soon after its heart beats, with its properties", async () => {
    await withController({ ping: 60_000 }, async ({ client, engine }) => {
      const c = client();
      const heard = await engine();
      await c.engines(1);
      const e = await engine({ properties: { host: "h", pid: 7, language: "typescript" } });
      // With a heart period of a minute only the extra pings after a registration can have brought it here.
      const notice = await c.inbox.notification.next((message) => message.content["uuid"] === e.uuid);
      expect(notice.idents).toEqual([]);
      expect(notice.header.msg_type).toBe("registration_notification");
      expect(notice.parentHeader).toEqual({});
      expect(notice.content).toEqual({ id: 1, uuid: e.uuid, properties: { host: "h", pid: 7, language: "typescript" } });
      const reply = await c.ask("connection_request");
      expect(reply.header.msg_type).toBe("connection_reply");
      expect(reply.content).toEqual({
        status: "ok",
        engines: { "0": heard.uuid, "1": e.uuid },
        packing: 1,
        control: "tsp-controller",
        properties: { "0": {}, "1": { host: "h", pid: 7, language: "typescript" } },
      });
    });
  });

  it("13.4: the registration reply has an empty parent, the id, the heart period and where the engine connects, without the key", async () => {
    await withController({ ping: 1234 }, async ({ controller, engine }) => {
      const e = await engine();
      const { header, parentHeader, content } = e.registration;
      expect(header.msg_type).toBe("registration_reply");
      expect(parentHeader).toEqual({});
      const { interface: address, registration, control, mux, task, iopub, hb_ping, hb_pong, broadcast } = controller.engineConnection;
      const ports = { interface: address, registration, control, mux, task, iopub, hb_ping, hb_pong, broadcast };
      expect(content).toEqual({ id: 0, status: "ok", hb_period: 1234, packing: 1, connection_info: ports });
    });
  });

  it("a uuid in use and a missing uuid are refused without burning an id", async () => {
    await withController({}, async ({ client, transport, controller, engine }) => {
      const e = await engine();
      const twin = new RawEngine(transport, controller.engineConnection, { uuid: `${e.uuid}` });
      // The twin asks through a client's socket: ZeroMQ itself refuses a second connection of the same identity.
      const c = client();
      const refused = await c.ask("registration_request", { uuid: twin.uuid });
      expect(refused.content).toMatchObject({ status: "error", ename: "KeyError", evalue: `"uuid '${e.uuid}' in use"`, engine_info: {} });
      expect((await c.ask("registration_request", {})).content).toMatchObject({ status: "error", ename: "KeyError", evalue: "'uuid'" });
      expect((await engine()).id).toBe(1);
      expect((await engine({ requestedId: 10 })).id).toBe(10);
      expect((await engine()).id).toBe(11);
    });
  });

  it("an engine that unregisters is announced as gone, its id is not used again, and its uuid may come back", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      await c.engines(1);
      e.unregister();
      const notice = await c.inbox.notification.next((message) => message.header.msg_type === "unregistration_notification");
      expect(notice.content).toEqual({ id: 0, uuid: e.uuid });
      expect(await c.engines(0)).toEqual({});
      // Asked through the client's socket: a new one of the engine's identity would have to wait until ZeroMQ has forgotten the old.
      expect((await c.ask("registration_request", { uuid: e.uuid })).content).toMatchObject({ status: "ok", id: 1 });
      // The engine's heart still beats, so the new registration is finished by its next pong.
      expect(await c.engines(1)).toEqual({ "1": e.uuid });
    });
  });

  it("an engine whose heart never beats stays unseen, and one whose heart stops is unregistered", async () => {
    await withController({ ping: 20, heartMissesMax: 3 }, async ({ client, engine, controller }) => {
      const c = client();
      const e = await engine();
      await engine({ isBeating: false });
      expect(await c.engines(1)).toEqual({ "0": e.uuid });
      expect((await controller.stats()).hub.pendingRegistrations).toBe(1);
      e.isBeating = false;
      await c.inbox.notification.next((message) => message.header.msg_type === "unregistration_notification");
      expect(await c.engines(0)).toEqual({});
    });
  });

  it("a registration without heartbeat expires", async () => {
    await withController({ registrationTimeoutMs: 50 }, async ({ engine, controller }) => {
      const e = await engine({ isBeating: false });
      expect(e.id).toBe(0);
      await until(async () => (await controller.stats()).hub.pendingRegistrations === 0, "the registration has expired");
      expect((await controller.stats()).hub.engines).toBe(0);
    });
  });

  it("13.28: the shutdown reply that an engine publishes unregisters it, and its own last reply still reaches the client", async () => {
    await withController({}, async ({ client, engine }) => {
      const c = client();
      const e = await engine();
      await c.engines(1);
      const id = c.mux(e.uuid, "shutdown_request", {}, "control", { restart: false });
      const delivery = await e.requests.next();
      e.publish("shutdown_reply", { status: "ok", restart: false }, delivery.message.header, "shutdown");
      await c.inbox.notification.next((message) => message.header.msg_type === "unregistration_notification");
      e.answer(delivery);
      expect((await c.reply("control", id)).header.msg_type).toBe("shutdown_reply");
    });
  });

  it("the engine table is kept in the profile's log directory", async () => {
    await withController({ clusterId: "c1" }, async ({ engine, dir }) => {
      const e = await engine({ requestedId: 4 });
      const path = join(dir, "log", "enginesc1.json");
      const table = async (): Promise<unknown> => JSON.parse(await readFile(path, "utf8").catch(() => "null"));
      await until(async () => (await table()) !== null, "the table is written");
      expect(await table()).toEqual({ engines: { "4": e.uuid }, next_id: 5, properties: { "4": {} } });
    });
  });
});
