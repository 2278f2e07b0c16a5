// A client over several lives of its controller.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ClosedError, ControllerLostError, InvalidArgumentError } from "../../../src/base/index.ts";
import { Client, type ConnectOptions } from "../../../src/client/index.ts";
import { packValue } from "../../../src/serial/index.ts";
import type { Dict } from "../../../src/wire/index.ts";
import { ScriptedController, type Sent } from "../../support/scripted-controller.ts";
import { until } from "../../support/until.ts";
import { connectScripted } from "./helpers.ts";

const NO_LENS = { buffer_lens: null, result_buffer_lens: null };

interface Scene {
  readonly client: Client;
  readonly peer: ScriptedController;
  /** What the client told of its controller, in short. */
  readonly told: string[];
}

async function scene(engineIds: readonly number[] = [0, 1], options: ConnectOptions = {}): Promise<Scene> {
  const { client, peer } = await connectScripted(engineIds, options);
  const told: string[] = [];
  client.on("controllerLost", () => told.push("lost"));
  client.on("controllerBack", ({ isSameLife }) => told.push(isSameLife ? "the same is back" : "another is there"));
  client.on("closed", (reason) => told.push(reason));
  return { client, peer, told };
}

async function lose({ peer, told }: Scene): Promise<void> {
  const before = told.length;
  peer.goAway();
  await until(() => told.length > before);
}

/** Answers the Hub's question for what is outstanding: id to whether it has a result; ids that are left out are unknown. */
async function answerInquiry(peer: ScriptedController, known: Readonly<Record<string, boolean>>): Promise<Sent> {
  const question = await peer.next("registration");
  expect(question.header.msg_type).toBe("db_request");
  const records = Object.entries(known).map(([id, isCompleted]) => ({ msg_id: id, completed: isCompleted ? "2026-01-02T03:04:05.000001Z" : null }));
  peer.reply(question, { status: "ok", records, ...NO_LENS });
  return question;
}

/** A stored result, as the Hub tells it. */
function stored(id: string, more: Dict = {}): Dict {
  return {
    header: { msg_id: id, msg_type: "apply_request" },
    metadata: {},
    result_metadata: { engine: "E0", status: "ok", outputs: 1 },
    result_header: { msg_id: "r", msg_type: "apply_reply", username: "u", session: "E0", date: "2026-01-02T03:04:05.000001Z", version: "5.3" },
    result_content: { status: "ok" },
    received: "2026-01-02T03:04:06.000001Z",
    io: { stdout: "hello\n", stderr: "" },
    ...more,
  };
}

describe("a connection that was lost to the same controller", () => {
  it("is told once; results go on, those that are in the store are taken from it, and unknown ones fail", async () => {
    const the = await scene();
    const { client, peer, told } = the;
    const view = client.loadBalancedView();
    const [running, done, unknown] = [view.apply(() => 1), view.apply(() => 2), view.apply(() => 3)];
    const [first, second] = [await peer.next("task"), await peer.next("task"), await peer.next("task")];
    await lose(the);
    peer.comeBack({ isSameLife: true });
    await answerInquiry(peer, { [first.header.msg_id]: false, [second.header.msg_id]: true });
    const fetch = await peer.next("registration");
    expect(fetch.content).toEqual({ msg_ids: [second.header.msg_id], status_only: false });
    const content = { status: "ok", pending: [], completed: [second.header.msg_id], [second.header.msg_id]: stored(second.header.msg_id) };
    peer.reply(fetch, content, { buffers: packValue("from the store") });
    expect(await done).toBe("from the store");
    expect([done.stdout, await done.waitForOutput({ timeoutMs: 0 })]).toEqual(["hello\n", true]);
    await expect(unknown).rejects.toThrow(ControllerLostError);
    peer.succeed(first, "by its reply");
    expect(await running).toBe("by its reply");
    expect(told).toEqual(["lost", "the same is back"]);
  });

  it("without a store the Hub is asked in halves for what it knows", async () => {
    const the = await scene();
    const { client, peer } = the;
    const results = [0, 1, 2].map(() => client.loadBalancedView().apply(() => 1));
    const requests = [await peer.next("task"), await peer.next("task"), await peer.next("task")];
    const kept = requests[1]?.header.msg_id as string;
    await lose(the);
    peer.comeBack({ isSameLife: true });
    peer.fail(await peer.next("registration"), "NoData", "no store");
    for (let answered = false; !answered;) {
      const question = await peer.next("registration");
      const ids = question.content["msg_ids"] as string[];
      if (ids.every((id) => id === kept)) peer.reply(question, { status: "ok", pending: ids, completed: [] });
      else peer.fail(question, "KeyError", "No such message");
      answered = ids.length === 1 && ids[0] === requests[2]?.header.msg_id;
    }
    for (const lost of [results[0], results[2]]) await expect(lost).rejects.toThrow(ControllerLostError);
    peer.succeed(requests[1] as Sent, 7);
    expect(await results[1]).toBe(7);
  });
});

describe("a controller that was restarted", () => {
  it("has lost its queue; direct requests go on at engines that came back, and fail when an engine has passed them over", async () => {
    const the = await scene();
    const { client, peer, told } = the;
    const task = client.loadBalancedView().apply(() => 1);
    const [runs, passedOver] = [client.directView(0).apply(() => 2), client.directView(1).apply(() => 3)];
    const direct = await peer.next("mux");
    await peer.next("mux");
    await lose(the);
    peer.comeBack({ isSameLife: false });
    await answerInquiry(peer, {});
    await expect(task).rejects.toThrow(/the controller was restarted and its queue was lost; .*submit it again/);
    const fences = [await peer.next("mux"), await peer.next("mux")];
    expect(fences.map((fence) => [fence.header.msg_type, Buffer.from(fence.idents[0] as Uint8Array).toString()])).toEqual([
      ["kernel_info_request", "E0"],
      ["kernel_info_request", "E1"],
    ]);
    peer.succeed(direct, "at last");
    for (const fence of fences) peer.reply(fence, { status: "ok" });
    expect(await runs).toBe("at last");
    await expect(passedOver).rejects.toThrow(/its engine does not have it any more/);
    expect(told).toEqual(["lost", "another is there"]);
  });

  it("is known by the session of its notifications too", async () => {
    const the = await scene();
    const { peer, told } = the;
    peer.comeBack({ isSameLife: false });
    peer.notify("registration_notification", { id: 2, uuid: "E2", properties: {} });
    peer.engines.set(2, "E2");
    await until(() => told.length === 2);
    expect([told, the.client.ids]).toEqual([
      ["lost", "another is there"],
      [0, 1, 2],
    ]);
  });

  it("waits for engines that requests are meant for", async () => {
    const the = await scene();
    const { client, peer } = the;
    const direct = client.directView(1).apply(() => 2);
    await peer.next("mux");
    await lose(the);
    peer.engines.delete(1);
    peer.comeBack({ isSameLife: false });
    await until(() => peer.listings > 3);
    const joined: number[] = [];
    client.on("engineJoined", ({ id }) => joined.push(id));
    peer.engines.set(1, "E1");
    await answerInquiry(peer, {});
    peer.reply(await peer.next("mux"), { status: "ok" });
    await expect(direct).rejects.toThrow(/does not have it any more/);
    expect([client.ids, joined]).toEqual([[0, 1], []]);
  });

  it("that goes again while the client resumes is told once, and answers of the first do no harm", async () => {
    const the = await scene();
    const { client, peer, told } = the;
    const result = client.loadBalancedView().apply(() => 1);
    await peer.next("task");
    await lose(the);
    peer.comeBack({ isSameLife: false });
    await peer.next("registration");
    peer.goAway();
    peer.comeBack({ isSameLife: true });
    await answerInquiry(peer, {});
    await expect(result).rejects.toThrow(ControllerLostError);
    await until(() => told.length === 2);
    expect(told).toEqual(["lost", "another is there"]);
  });

  it("at another address is found by the connection file, with the same session", async () => {
    const dir = await mkdtemp(join(tmpdir(), "tsparallel-life-"));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const peer = new ScriptedController();
    const file = join(dir, "client.json");
    await writeFile(file, JSON.stringify(peer.info));
    const client = await Client.connect({ file, transport: peer });
    onTestFinished(() => client.close());
    const { session } = client;
    const told: string[] = [];
    client.on("controllerLost", () => told.push("lost"));
    client.on("controllerBack", () => told.push("back"));
    peer.goAway();
    await until(() => told.length === 1);
    peer.comeBack({ isSameLife: false });
    await writeFile(file, JSON.stringify({ ...peer.info, location: "elsewhere" }));
    await until(() => told.length === 2);
    const result = client.loadBalancedView().apply(() => 1);
    const request = await peer.next("task");
    peer.succeed(request, 5);
    expect([await result, client.session, request.header.session]).toEqual([5, session, session]);
  });
});

describe("while the controller is away", () => {
  it("requests wait and are sent when it is back, and questions fail at once", async () => {
    const the = await scene();
    const { client, peer } = the;
    await lose(the);
    const result = client.loadBalancedView().apply(() => 1);
    await expect(client.queueStatus()).rejects.toThrow(/is away, and nobody can answer the queue_request/);
    await expect(client.clear(0)).rejects.toThrow(ControllerLostError);
    expect(peer.sent).toEqual([]);
    peer.comeBack({ isSameLife: false });
    peer.succeed(await peer.next("task"), 6);
    expect(await result).toBe(6);
  });

  it("a question under way fails", async () => {
    const the = await scene();
    const asking = the.client.queueStatus();
    await the.peer.next("registration");
    the.peer.goAway();
    await expect(asking).rejects.toThrow(ControllerLostError);
  });

  it("closing ends everything", async () => {
    const the = await scene();
    const { client, peer, told } = the;
    const result = client.loadBalancedView().apply(() => 1);
    await lose(the);
    await client.close();
    await expect(result).rejects.toThrow(ClosedError);
    expect([peer.isClosed, told]).toEqual([true, ["lost", "the client was closed"]]);
  });

  it("patience has an end: everything fails with the reason, and the client is closed", async () => {
    const the = await scene([0, 1], { reconnectMs: 30 });
    const { client, peer, told } = the;
    const result = client.loadBalancedView().apply(() => 1);
    await lose(the);
    await expect(result).rejects.toThrow(/^the controller at tcp:\/\/127\.0\.0\.1:1 went away and did not come back within 0\.03 s \(msg_id /);
    expect(await client.closed).toMatch(/did not come back/);
    expect(() => client.directView(0)).toThrow(ControllerLostError);
    expect([client.isClosed, peer.isClosed, told.length]).toEqual([true, true, 2]);
    await expect(Client.connect({ connectionInfo: peer.info, transport: peer, reconnectMs: -1 })).rejects.toThrow(InvalidArgumentError);
  });

  it("who knows better can give up at once", async () => {
    const { client, peer } = await scene();
    const result = client.loadBalancedView().apply(() => 1);
    await client.giveUp("the controller was killed by SIGKILL");
    await expect(result).rejects.toThrow(/^the controller was killed by SIGKILL \(msg_id /);
    expect(peer.isClosed).toBe(true);
  });
});
