// The code of functions between real programs: an engine gets it once, asks for what it misses, and a recorded task has
// all of it, whatever was left out when it ran.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "tsparallel";
import { parseConnectionInfo } from "../../src/config/index.ts";
import { ZeromqTransport } from "../../src/net/index.ts";
import { packCall, packValue, unpackValue } from "../../src/serial/index.ts";
import { CODE_KEEPING, CONTROLLER_IDENTITY, countCodeFrames, framesBytes } from "../../src/wire/index.ts";
import { longFunction } from "../support/long-function.ts";
import { RawEngine } from "../support/raw-peer.ts";
import { until } from "../support/until.ts";
import { TestCluster } from "../support/with-cluster.ts";
import { startEngine, type EngineSetup } from "../support/with-engine.ts";

describe("an engine that does not have the code it was sent without", () => {
  let setup: EngineSetup;
  beforeAll(async () => {
    setup = await startEngine();
  });
  afterAll(async () => {
    await setup.close();
  });

  it("asks for it by the request, runs what is whole in order, and needs it no more", async () => {
    const { controller, uuid } = setup;
    const frames = packCall(longFunction(1), [10]);
    const [own, code] = [frames.slice(0, -1), frames.slice(-1)];
    expect(countCodeFrames(frames)).toBe(1);
    const request = controller.send("task", uuid, "apply_request", {}, { buffers: own });
    const next = setup.apply(() => "next");
    await until(() => controller.replies.some(({ message }) => message.header.msg_type === "code_request"));
    const question = controller.replies.find(({ message }) => message.header.msg_type === "code_request");
    expect([question?.channel, question?.prefix, question?.message.content]).toEqual(["control", [CONTROLLER_IDENTITY], { msg_id: request.msg_id }]);
    controller.send("control", uuid, "code_reply", { msg_id: request.msg_id, status: "ok" }, { prefix: [Buffer.from(CONTROLLER_IDENTITY)], buffers: code });
    expect(unpackValue((await controller.reply(request)).buffers)).toBe(11);
    expect(unpackValue((await controller.reply(next)).buffers)).toBe("next");
    const again = controller.send("mux", uuid, "apply_request", {}, { buffers: own });
    expect(unpackValue((await controller.reply(again)).buffers)).toBe(11);
    expect(controller.replies.filter(({ message }) => message.header.msg_type === "code_request")).toHaveLength(1);
  });

  it("has what came with a request that was aborted", async () => {
    const { controller, uuid } = setup;
    const busy = setup.apply(() => new Promise<never>(() => undefined));
    const frames = packCall(longFunction(5), [10]);
    const carrier = controller.send("mux", uuid, "apply_request", {}, { buffers: frames });
    const reduced = controller.send("mux", uuid, "apply_request", {}, { buffers: frames.slice(0, -1) });
    await setup.control("abort_request", { msg_ids: [carrier.msg_id] });
    const last = setup.apply(() => "last");
    await until(() => controller.published.some(({ parentId, content }) => parentId === busy.msg_id && content["execution_state"] === "busy"));
    await setup.control("interrupt_request");
    expect((await controller.reply(busy)).content["status"]).toBe("error");
    expect(unpackValue((await controller.reply(last)).buffers)).toBe("last");
    expect((await controller.reply(carrier)).content["status"]).toBe("aborted");
    expect(unpackValue((await controller.reply(reduced)).buffers)).toBe(15);
    expect(controller.replies.some(({ message }) => message.content["msg_id"] === reduced.msg_id)).toBe(false);
  });

  it("fails the request with what to do when the controller does not have it either", async () => {
    const { controller, uuid } = setup;
    const request = controller.send("mux", uuid, "apply_request", {}, { buffers: packCall(longFunction(2), [1]).slice(0, -1) });
    await until(() => controller.replies.some(({ message }) => message.content["msg_id"] === request.msg_id));
    controller.send("control", uuid, "code_reply", { msg_id: request.msg_id, status: "error" }, { prefix: [Buffer.from(CONTROLLER_IDENTITY)] });
    const { content } = await controller.reply(request);
    expect([content["ename"], content["evalue"]]).toEqual(["SerializationError", expect.stringContaining("send the call again")]);
  });
});

describe("a cluster", () => {
  let cluster: TestCluster;
  let client: Client;
  beforeAll(async () => {
    cluster = await TestCluster.start({ engines: 1 });
    client = await cluster.connect();
  });
  afterAll(async () => {
    await cluster.stop();
  });

  it("sends a function's source to an engine once, by each kind of view", async () => {
    const info = parseConnectionInfo("engine", readFileSync(join(cluster.profileDir, "security", "ipcontroller-engine.json"), "utf8"));
    const transport = new ZeromqTransport();
    const properties = { language: "typescript", ...CODE_KEEPING };
    const engine = await new RawEngine(transport, { ...info, interface: "tcp://127.0.0.1" }, { properties }).register();
    try {
      await client.waitForEngines(2);
      const long = longFunction(3);
      const views = {
        task: client.loadBalancedView().with({ targets: engine.id }),
        mux: client.directView(engine.id),
        broadcast: client.broadcastView({ targets: engine.id }),
      };
      for (const view of [views.task, views.mux, views.broadcast]) {
        const bytes: number[] = [];
        for (let i = 0; i < 3; i += 1) {
          const result = view.apply(long, i);
          const delivery = await engine.requests.next();
          bytes.push(framesBytes(delivery.message.buffers));
          engine.answer(delivery, { buffers: packValue(i) });
          expect([await result].flat()).toEqual([i]);
        }
        expect(bytes[0]).toBeGreaterThan(2000);
        expect(bytes.slice(1).every((later) => later < 200)).toBe(true);
      }
    } finally {
      engine.unregister();
      await engine.close();
      await transport.close();
    }
  });

  it("runs a recorded task again after everything was started anew, though its engine had got it without its code", async () => {
    await until(() => client.ids.length === 1);
    const view = client.loadBalancedView();
    const long = longFunction(4);
    const results = [0, 1, 2].map((x) => view.apply(long, x));
    expect(await Promise.all(results)).toEqual([4, 5, 6]);
    await client.hubHistory(); // What was routed is recorded by now.
    await client.close();
    await cluster.killController();
    for (const engine of cluster.engines) engine.child.kill("SIGKILL");
    for (const side of ["client", "engine"]) rmSync(join(cluster.profileDir, "security", `ipcontroller-${side}.json`)); // Of the one that was killed.
    cluster.startController([]);
    cluster.addEngines(1);
    const later = await cluster.connect();
    await later.waitForEngines(1);
    expect(await later.resubmit(results.flatMap(({ msgIds }) => msgIds))).toEqual([4, 5, 6]);
  });
});
