import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ConfigError, ControllerUnreachableError, EngineError, InvalidArgumentError, NoData, RemoteError, TimeoutError } from "../../../src/base/index.ts";
import { Client, type EngineEvent } from "../../../src/client/index.ts";
import { packValue } from "../../../src/serial/index.ts";
import { ScriptedController, type Sent } from "../../support/scripted-controller.ts";
import { until } from "../../support/until.ts";
import { connectScripted } from "./helpers.ts";

async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "tsparallel-client-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

describe("connecting", () => {
  it("knows the engines of the first listing, with their properties", async () => {
    const peer = new ScriptedController([0, 3]);
    peer.properties = { 3: { host: "mezcal", language: "typescript" } };
    const client = await Client.connect({ connectionInfo: peer.info, transport: peer });
    onTestFinished(() => client.close());
    expect([client.ids, client.length, client.engines.get(3 as never)?.properties, String(client)]).toEqual([
      [0, 3],
      2,
      { host: "mezcal", language: "typescript" },
      "<Client: 2 engines>",
    ]);
  });

  it("asks again once subscribed, and so finds an engine whose registration it missed", async () => {
    const { client, peer } = await connectScripted([0]);
    peer.engines.set(1, "E1");
    await until(() => client.length === 2, { timeoutMs: 2000 });
    expect(peer.listings).toBeGreaterThan(1);
  });

  it("without a cluster says how to start one", async () => {
    const profileDir = await tempDir();
    await expect(Client.connect({ profileDir })).rejects.toThrow(ConfigError);
    await expect(Client.connect({ profileDir })).rejects.toThrow(/no connection file .*ipcontroller-client\.json.*ipcluster start/);
  });

  it("with the file of a controller that ended names the file", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const file = join(await tempDir(), "client.json");
    await writeFile(file, JSON.stringify({ ...new ScriptedController().info, registration: port }));
    const error = await Client.connect({ file }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ControllerUnreachableError);
    expect((error as Error).message).toContain(file);
  });

  it("to a controller that does not answer speaks of the key", async () => {
    const peer = new ScriptedController();
    peer.isSilent = true;
    const error = await Client.connect({ connectionInfo: peer.info, transport: peer, timeoutMs: 10 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toMatch(/did not answer within 0\.01 s.*key/);
    expect(peer.isClosed).toBe(true);
  });

  it("to a controller of another version of the protocol, or with another key, says so", async () => {
    const old = new ScriptedController();
    old.listingHeader = { version: "4.1" };
    await expect(Client.connect({ connectionInfo: old.info, transport: old, timeoutMs: 500 })).rejects.toThrow(
      /the controller at tcp:\/\/127\.0\.0\.1:\d+, which the given connection information names, speaks another major version of the message protocol than 5/,
    );
    const other = new ScriptedController();
    other.isSilent = true;
    const connecting = Client.connect({ connectionInfo: other.info, transport: other, timeoutMs: 500 });
    const stranger = new ScriptedController([], "another key");
    await until(() => other.listings > 0, { timeoutMs: 2000, everyMs: 1 });
    other.deliver("registration", stranger.session.build("connection_reply", { status: "ok", engines: {} }));
    await expect(connecting).rejects.toThrow(/answers with messages of another key: use the connection file of its last start/);
  });

  it.each(["msgpack", "pickle", "mine.dumps"])("with the packer %s, which is not known, says which", async (pack) => {
    const { info } = new ScriptedController();
    const sentence = `\`pack\` is "${pack}", and only "json" and "orjson" are supported`;
    await expect(Client.connect({ connectionInfo: { ...info, pack } })).rejects.toThrow(`connectionInfo: ${sentence}`);
    const file = join(await tempDir(), "client.json");
    await writeFile(file, JSON.stringify({ ...info, pack }));
    await expect(Client.connect({ file })).rejects.toThrow(`${file}: the connection information is wrong: ${sentence}`);
  });

  it("with a half-written file reads it again until it is whole", async () => {
    const peer = new ScriptedController([0]);
    const file = join(await tempDir(), "client.json");
    const text = JSON.stringify(peer.info);
    await writeFile(file, text.slice(0, 40));
    const connecting = Client.connect({ file, transport: peer });
    await writeFile(file, text);
    const client = await connecting;
    onTestFinished(() => client.close());
    expect(client.ids).toEqual([0]);
  });

  it("with a broken or foreign file says what is wrong with it", async () => {
    const file = join(await tempDir(), "client.json");
    await writeFile(file, '{"ssh": "", "interf');
    await expect(Client.connect({ file })).rejects.toThrow(/client\.json.*not JSON/);
    await writeFile(file, JSON.stringify({ ...new ScriptedController().info, broadcast: [1, 2] }));
    await expect(Client.connect({ file })).rejects.toThrow(/broadcast.*engine's file/);
    await expect(Client.connect({ connectionInfo: { key: 7 } })).rejects.toThrow(/connectionInfo/);
    await expect(Client.connect({ connectionInfo: { ...new ScriptedController().info, curve_serverkey: "x" } })).rejects.toThrow(
      /curve_serverkey.*no CURVE key/,
    );
    await expect(Client.connect({ file, timeoutMs: 0 })).rejects.toThrow(InvalidArgumentError);
  });

  it("can be given up", async () => {
    const peer = new ScriptedController();
    peer.isSilent = true;
    const stop = new AbortController();
    const connecting = Client.connect({ connectionInfo: peer.info, transport: peer, signal: stop.signal });
    stop.abort(new Error("never mind"));
    await expect(connecting).rejects.toThrow("never mind");
    await until(() => peer.isClosed);
  });
});

describe("waiting for engines", () => {
  it("ends when enough are there, by notification", async () => {
    const { client, peer } = await connectScripted([]);
    const events: string[] = [];
    client.on("engineJoined", (engine) => events.push(`+${engine.id}`));
    const waiting = client.waitForEngines(2, { timeoutMs: 2000 });
    peer.engines.set(0, "E0").set(1, "E1");
    peer.notify("registration_notification", { id: 0, uuid: "E0" });
    peer.notify("registration_notification", { id: 1, uuid: "E1" });
    await waiting;
    expect([client.ids, events]).toEqual([
      [0, 1],
      ["+0", "+1"],
    ]);
  });

  it("ends with TimeoutError, with EngineError when one leaves, with the signal's reason", async () => {
    const { client, peer } = await connectScripted([0]);
    await expect(client.waitForEngines(2, { timeoutMs: 5 })).rejects.toBeInstanceOf(TimeoutError);
    await expect(client.waitForEngines(2, { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
    await expect(client.waitForEngines(-1)).rejects.toBeInstanceOf(InvalidArgumentError);
    const waiting = client.waitForEngines(2);
    peer.engines.delete(0);
    peer.notify("unregistration_notification", { id: 0, uuid: "E0" });
    await expect(waiting).rejects.toBeInstanceOf(EngineError);
  });

  it("engines that come and go can be read as a stream, to the end of the client", async () => {
    const { client, peer } = await connectScripted([]);
    const events: EngineEvent[] = [];
    const reading = (async () => {
      for await (const event of client.engineEvents()) events.push(event);
    })();
    peer.engines.set(0, "E0");
    peer.notify("registration_notification", { id: 0, uuid: "E0" });
    await until(() => events.length === 1);
    peer.engines.delete(0);
    peer.notify("unregistration_notification", { id: 0, uuid: "E0" });
    await until(() => events.length === 2);
    await client.close();
    await reading;
    expect(events.map((event) => [event.type, event.engine.id])).toEqual([
      ["engineJoined", 0],
      ["engineLeft", 0],
    ]);
  });
});

describe("the Hub", () => {
  it("is asked for queues", async () => {
    const { client, peer } = await connectScripted();
    const asking = client.queueStatus([-1]);
    const request = await peer.next("registration");
    expect([request.header.msg_type, request.content]).toEqual(["queue_request", { targets: [1], verbose: false }]);
    peer.reply(request, { status: "ok", 1: { queue: 0, completed: 3, tasks: 1 }, unassigned: 2 });
    const status = await asking;
    expect([status[1]?.completed, status.unassigned]).toEqual([3, 2]);
    const all = client.queueStatus("all", { verbose: true });
    const second = await peer.next("registration");
    expect(second.content).toEqual({ targets: null, verbose: true });
    peer.reply(second, { status: "ok", unassigned: [] });
    expect(await all).toEqual({ unassigned: [] });
  });

  it("that answers with an error makes the call throw it", async () => {
    const { client, peer } = await connectScripted();
    const asking = client.hubHistory();
    peer.fail(await peer.next("registration"), "IndexError", "No Such Engine: [77]");
    await expect(asking).rejects.toMatchObject({ name: "RemoteError", ename: "IndexError" });
    const none = client.dbQuery({});
    peer.fail(await peer.next("registration"), "NoData", "there is no store");
    await expect(none).rejects.toBeInstanceOf(NoData);
    await expect(client.hubHistory({ timeoutMs: 5 })).rejects.toBeInstanceOf(TimeoutError);
  });

  it("gives records with their buffers", async () => {
    const { client, peer } = await connectScripted();
    const asking = client.dbQuery({ completed: { $lt: new Date(0) } }, "result_buffers");
    const request = await peer.next("registration");
    expect(request.content).toEqual({ query: { completed: { $lt: "1970-01-01T00:00:00.000Z" } }, keys: ["result_buffers"] });
    peer.reply(
      request,
      { status: "ok", records: [{ msg_id: "a" }, { msg_id: "b" }], buffer_lens: null, result_buffer_lens: [1, 2] },
      { buffers: ["x", "y", "z"].map((text) => Buffer.from(text)) },
    );
    const records = await asking;
    expect(records.map((record) => [record.msg_id, record.result_buffers?.map((frame) => Buffer.from(frame).toString())])).toEqual([
      ["a", ["x"]],
      ["b", ["y", "z"]],
    ]);
  });

  it("gives results of other clients: the Hub answers when the first is there, and is asked for the others", async () => {
    const { client, peer } = await connectScripted();
    const result = client.getResult<number>(["b", "a"]);
    const record = (id: string, status: string): Record<string, unknown> => ({
      header: { msg_id: id, date: "2026-01-02T03:04:05.000001Z" },
      metadata: { label: `label ${id}` },
      result_metadata: { engine: "E1", started: "2026-01-02T03:04:05.100000Z" },
      result_header: { msg_id: `r${id}`, msg_type: "apply_reply", date: "2026-01-02T03:04:05.200000Z" },
      result_content: { status, ename: "ValueError", evalue: "bad", traceback: [] },
      received: "2026-01-02T03:04:05.300000Z",
      io: { stdout: "printed", stderr: "", execute_input: null, execute_result: null, error: null },
    });
    const first = await peer.next("registration");
    expect(first.content).toEqual({ msg_ids: ["b", "a"], status_only: false, wait: true });
    peer.reply(first, { status: "ok", pending: ["a"], completed: ["b"], b: record("b", "ok") }, { buffers: packValue(7) });
    const second = await peer.next("registration");
    expect(second.content).toEqual({ msg_ids: ["a"], status_only: false, wait: true });
    peer.reply(second, { status: "ok", pending: [], completed: ["a"], a: record("a", "error") });
    await expect(result.get()).rejects.toMatchObject({ ename: "ValueError" });
    expect(result.progress).toBe(2);
    expect(result.metadata[0]).toMatchObject({ msgId: "b", submitted: "2026-01-02T03:04:05.000001Z", engineId: 1, stdout: "printed", label: "label b" });
    expect(String(result)).toBe("<AsyncHubResult: failed 2/2>");
  });

  it("that does not know an id fails the result", async () => {
    const { client, peer } = await connectScripted();
    const result = client.getResult("nosuch");
    peer.fail(await peer.next("registration"), "KeyError", "'No such message: nosuch'");
    await expect(result.get()).rejects.toBeInstanceOf(RemoteError);
  });

  it("resubmits, and the new results are fetched", async () => {
    const { client, peer } = await connectScripted();
    const result = client.resubmit(["old"]);
    const request = await peer.next("registration");
    expect([request.header.msg_type, request.content]).toEqual(["resubmit_request", { msg_ids: ["old"] }]);
    peer.reply(request, { status: "ok", resubmitted: { old: "new" } });
    expect((await peer.next("registration")).content["msg_ids"]).toEqual(["new"]);
    expect(result.msgIds).toEqual(["new"]);
    expect(() => client.resubmit([])).toThrow(InvalidArgumentError);
    const unknown = client.resubmit("nosuch");
    peer.fail(await peer.next("registration"), "KeyError", "No such msg(s): ['nosuch']");
    await expect(unknown.get()).rejects.toMatchObject({ ename: "KeyError" });
  });

  it("forgets what is purged, here and there", async () => {
    const { client, peer } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    peer.succeed(await peer.next("task"), 5, "E1");
    await result;
    const [id] = result.msgIds as [string];
    expect([client.history, client.results.get(id), client.metadata.get(id)?.status]).toEqual([[id], 5, "ok"]);
    const again = client.getResult(id);
    expect(await again).toEqual([5]);
    const purging = client.purgeResults(result, [1]);
    const request = await peer.next("registration");
    expect(request.content).toEqual({ msg_ids: [id], engine_ids: [1] });
    peer.reply(request, { status: "ok" });
    await purging;
    expect([client.history, client.results.size]).toEqual([[], 0]);
    await expect(client.purgeHubResults()).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});

describe("engines are ordered", () => {
  const answer = async (peer: ScriptedController, type: string, content: object): Promise<Sent> => {
    const order = await peer.next("control");
    expect([order.header.msg_type, order.content]).toEqual([type, content]);
    peer.reply(order, { status: "ok" });
    return order;
  };

  it("to clear, and to take a signal", async () => {
    const { client, peer } = await connectScripted();
    const clearing = client.clear(1);
    const order = await answer(peer, "clear_request", {});
    expect(order.idents.map((frame) => Buffer.from(frame).toString())).toEqual(["E1"]);
    await clearing;
    const signalling = client.sendSignal("SIGINT", [0]);
    await answer(peer, "signal_request", { sig: "SIGINT" });
    await signalling;
    const refused = client.sendSignal(99, [0]);
    peer.fail(await peer.next("control"), "AttributeError", "no such signal");
    await expect(refused).rejects.toMatchObject({ ename: "AttributeError" });
  });

  it("13.14: and take the answer to a signal whatever its type says", async () => {
    const { client, peer } = await connectScripted();
    const signalling = client.sendSignal(0, [0]);
    peer.reply(await peer.next("control"), { status: "ok" }, { header: { msg_type: "_request" } });
    await expect(signalling).resolves.toBeUndefined();
  });

  it("to shut down before the controller; an engine gone before its reply is no failure", async () => {
    const { client, peer } = await connectScripted();
    const shuttingDown = client.shutdown({ hub: true });
    await answer(peer, "shutdown_request", { restart: false });
    await peer.next("control");
    expect(peer.sent).toEqual([]);
    peer.notify("unregistration_notification", { id: 1, uuid: "E1" });
    const last = await peer.next("registration");
    expect(last.header.msg_type).toBe("shutdown_request");
    peer.notify("shutdown_notification", { status: "ok" });
    peer.reply(last, { status: "ok" });
    await shuttingDown;
    expect(await client.closed).toBe("the controller was shut down by this client");
  });
});

describe("the client", () => {
  it("closes itself when the controller shuts down", async () => {
    const { client, peer } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    peer.notify("shutdown_notification", { status: "ok" });
    await expect(result.get()).rejects.toThrow("the controller was shut down");
    expect(await client.closed).toBe("the controller was shut down");
  });

  it("waits for all outstanding requests", async () => {
    const { client, peer } = await connectScripted();
    client.loadBalancedView().apply(() => 1);
    expect(await client.wait(undefined, { timeoutMs: 5 })).toBe(false);
    peer.fail(await peer.next("task"), "Error", "boom");
    expect(await client.wait()).toBe(true);
    expect(client.outstanding.size).toBe(0);
  });

  it("drops and counts what is not signed, not ours, or nonsense", async () => {
    const { client, peer } = await connectScripted();
    const stranger = new ScriptedController([], "another key");
    const frames = stranger.session.build("apply_reply", { status: "ok" }, { parent: { msg_id: "x" } });
    peer.deliver("task", frames);
    peer.deliver("task", [Buffer.from("junk")]);
    peer.deliver("notification", frames);
    peer.deliver("iopub", [Buffer.from(client.session)]);
    peer.notify("surprise_notification", {});
    peer.notify("registration_notification", { id: "zero" });
    const result = client.loadBalancedView().apply(() => 1);
    peer.succeed(await peer.next("task"), 1);
    expect(await result).toBe(1);
    expect(client.dropped).toMatchObject({ badSignature: 2, noDelimiter: 1 });
    client.spin();
  });
});
