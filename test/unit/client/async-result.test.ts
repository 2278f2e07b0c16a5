import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  ClosedError,
  CompositeError,
  EngineError,
  InvalidStateError,
  RemoteError,
  SerializationError,
  TaskAborted,
  TimeoutError,
} from "../../../src/base/index.ts";
import { packValue } from "../../../src/serial/index.ts";
import { connectScripted } from "./helpers.ts";

describe("clocks that are hours apart", () => {
  it.each([-5, 5])("by %i h change neither the value nor how long things took", async (hours) => {
    const { client, peer } = await connectScripted([0]);
    const result = client.directView(0).apply(() => 7);
    const request = await peer.next("mux");
    const begun = Date.now() + hours * 3_600_000;
    const metadata = { engine: "E0", status: "ok", started: new Date(begun).toISOString() };
    peer.reply(request, { status: "ok" }, { metadata, buffers: packValue(7), header: { date: new Date(begun + 250).toISOString() } });
    expect(await result).toBe(7);
    expect(result.serialTime).toBe(0.25);
    expect(result.wallTime).toBeGreaterThanOrEqual(0);
    expect(result.wallTime).toBeLessThan(60);
  });
});

describe("a result", () => {
  it("gives its value when awaited, and facts in its metadata", async () => {
    const { client, peer } = await connectScripted();
    const result = client
      .loadBalancedView()
      .with({ label: "mine" })
      .apply((x: number) => x + 1, 41);
    expect([result.ready(), result.progress, result.length, String(result)]).toEqual([false, 0, 1, "<AsyncResult: pending 0/1>"]);
    const request = await peer.next("task");
    expect(request.metadata).toEqual({ after: [], follow: [], timeout: 0, targets: [], retries: 0, label: "mine", count_outputs: true });
    peer.succeed(request, 42, "E1");
    expect(await result).toBe(42);
    expect([result.result, result.r, result.ready(), result.successful(), result.progress]).toEqual([42, 42, true, true, 1]);
    expect(result.metadata).toMatchObject({
      msgId: request.header.msg_id,
      engineUuid: "E1",
      engineId: 1,
      status: "ok",
      label: "mine",
      started: "2026-01-02T03:04:05.000001Z",
    });
    expect(result.metadata.received).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(result.getDict()).toEqual({ 1: 42 });
    expect(result.wallTime).toBeGreaterThan(0);
  });

  it("before its end refuses what only the end knows", async () => {
    const { client } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    expect(() => result.successful()).toThrow(InvalidStateError);
    expect(() => result.result).toThrow("0 of 1 tasks finished");
    expect(() => result.at(0)).toThrow(InvalidStateError);
    expect(() => result.getDict()).toThrow(InvalidStateError);
  });

  it("that is late: get throws TimeoutError, wait says false; then both give it", async () => {
    const { client, peer } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    await expect(result.get({ timeoutMs: 5 })).rejects.toBeInstanceOf(TimeoutError);
    expect(await result.wait(5)).toBe(false);
    expect(await result.wait({ signal: AbortSignal.abort(new Error("enough")) })).toBe(false);
    peer.succeed(await peer.next("task"), 1);
    expect(await result.wait()).toBe(true);
    expect(await result.get({ timeoutMs: 0 })).toBe(1);
  });

  it("that failed throws the remote error, with engine, traceback and the remote name", async () => {
    const { client, peer } = await connectScripted();
    peer.notify("registration_notification", { id: 7, uuid: "E7", properties: { host: "mezcal07" } });
    const result = client.loadBalancedView().apply(() => 1);
    peer.fail(await peer.next("task"), "TypeError", "x is not a function", { engine_uuid: "E7", engine_id: 7, method: "apply" });
    const error = await result.get().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      ename: "TypeError",
      evalue: "x is not a function",
      traceback: ["at here"],
      engineInfo: { engineId: 7, engineUuid: "E7", method: "apply", host: "mezcal07" },
      message: expect.stringContaining("TypeError: x is not a function") as string,
    });
    expect(result.successful()).toBe(false);
    expect(await result.wait()).toBe(true);
    await expect(result.catch((reason: unknown) => Promise.reject(reason as Error))).rejects.toBe(error);
  });

  it("that failed and was dropped disturbs nobody", async () => {
    const { client, peer } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    peer.fail(await peer.next("task"), "Error", "boom");
    expect(await result.wait()).toBe(true);
    await turn();
    // An unhandled rejection would fail the run.
    expect(result.ready()).toBe(true);
  });

  it("of several failures is a CompositeError; of one, that one", async () => {
    const { client, peer } = await connectScripted();
    const both = client.directView().apply(() => 1);
    peer.fail(await peer.next("mux"), "Error", "a");
    peer.fail(await peer.next("mux"), "Error", "b");
    const error = await both.get().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CompositeError);
    expect((error as CompositeError).errors.map((each) => (each as RemoteError).evalue)).toEqual(["a", "b"]);
    const one = client.directView().apply(() => 1);
    peer.succeed(await peer.next("mux"), 1);
    peer.fail(await peer.next("mux"), "Error", "c");
    await expect(one.get()).rejects.toMatchObject({ name: "RemoteError", evalue: "c" });
  });

  it("whose value cannot be read fails with a SerializationError", async () => {
    const { client, peer } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    peer.reply(await peer.next("task"), { status: "ok" }, { buffers: [Buffer.from("nonsense")] });
    await expect(result.get()).rejects.toBeInstanceOf(SerializationError);
  });

  it("of a closed client fails with ClosedError, and so do later calls", async () => {
    const { client, peer } = await connectScripted();
    const view = client.loadBalancedView();
    const result = view.apply(() => 1);
    await client.close();
    await expect(result.get()).rejects.toBeInstanceOf(ClosedError);
    expect(() => view.apply(() => 1)).toThrow(ClosedError);
    expect([peer.isClosed, await client.closed, String(client)]).toEqual([true, "the client was closed", "<Client: closed>"]);
  });

  it("for await gives items in the order of submission, as they arrive", async () => {
    const { client, peer } = await connectScripted();
    const result = client.directView().apply(() => 1);
    const items = result[Symbol.asyncIterator]();
    const [first, second] = [await peer.next("mux"), await peer.next("mux")];
    peer.succeed(second, "b", "E1");
    const next = items.next();
    peer.succeed(first, "a", "E0");
    expect([await next, await items.next(), await items.next()]).toEqual([
      { value: "a", done: false },
      { value: "b", done: false },
      { value: undefined, done: true },
    ]);
  });

  it("collects output until idle, and shows it by engine", async () => {
    const { client, peer } = await connectScripted();
    const result = client.directView().execute("console.log(1)");
    for (const engine of ["E0", "E1"]) {
      const request = await peer.next("mux");
      expect(request).toMatchObject({ header: { msg_type: "execute_request" }, content: { code: "console.log(1)", silent: true, user_expressions: {} } });
      peer.publish(request, "stream", { name: "stdout", text: `from ${engine}\n` }, { engine });
      peer.reply(request, { status: "ok", execution_count: 3, user_expressions: {} }, { metadata: { engine } });
      peer.idle(request);
    }
    const replies = await result;
    expect(replies.map((reply) => [reply.engineId, reply.executionCount, reply.stdout])).toEqual([
      [0, 3, "from E0\n"],
      [1, 3, "from E1\n"],
    ]);
    expect(result.stdout).toEqual(["from E0\n", "from E1\n"]);
    const shown: string[] = [];
    await result.displayOutputs({ write: (text) => shown.push(text) });
    expect(shown).toEqual(["[stdout:0] from E0\n", "[stdout:1] from E1\n"]);
  });

  it("with large buffers is not sent until an engine says so", async () => {
    const { client, peer } = await connectScripted();
    const result = client.directView(0).push({ a: new Float64Array(1000) });
    const small = client.directView(0).push({ a: 1 });
    expect([result.sent, small.sent]).toEqual([false, true]);
    await expect(result.waitOnSend(5)).rejects.toBeInstanceOf(TimeoutError);
    const request = await peer.next("mux");
    peer.publish(request, "status", { execution_state: "busy" });
    await result.waitOnSend();
    expect([result.sent, result.ready()]).toEqual([true, false]);
  });
});

describe("abort", () => {
  it("asks the engines for what was sent, and an aborted reply is TaskAborted", async () => {
    const { client, peer } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    const request = await peer.next("task");
    const aborting = result.abort();
    for (let i = 0; i < 2; i += 1) {
      const order = await peer.next("control");
      expect(order).toMatchObject({ header: { msg_type: "abort_request" }, content: { msg_ids: [request.header.msg_id] } });
      peer.reply(order, { status: "ok" });
    }
    await aborting;
    peer.reply(request, { status: "aborted" });
    await expect(result.get()).rejects.toBeInstanceOf(TaskAborted);
    await expect(result.abort()).rejects.toBeInstanceOf(InvalidStateError);
  });

  it("ends at once what still waits in the client", async () => {
    const { client, peer } = await connectScripted([0], { window: { messagesMax: 1 } });
    const view = client.loadBalancedView();
    const first = view.apply(() => 1);
    const second = view.apply(() => 2);
    await second.abort();
    await expect(second.get()).rejects.toBeInstanceOf(TaskAborted);
    peer.succeed(await peer.next("task"), 1);
    expect(await first).toBe(1);
    expect(peer.sent).toEqual([]);
  });
});

describe("an engine that leaves", () => {
  it("fails its requests with EngineError and is told", async () => {
    const { client, peer } = await connectScripted();
    const left: number[] = [];
    client.on("engineLeft", (engine) => left.push(engine.id));
    const result = client.directView(0).apply(() => 1);
    peer.notify("unregistration_notification", { id: 0, uuid: "E0" });
    await expect(result.get()).rejects.toBeInstanceOf(EngineError);
    expect([left, client.ids]).toEqual([[0], [1]]);
  });
});

describe("waitInteractive", () => {
  it("shows a line at each interval, and done at the end", async () => {
    const { client, peer } = await connectScripted();
    const result = client.directView().apply(() => 1);
    const lines: string[] = [];
    const shown = result.waitInteractive({ intervalMs: 5, stream: { write: (text: string) => lines.push(text) } });
    peer.succeed(await peer.next("mux"), 1);
    while (!lines.includes("1/2 tasks finished after 0 s\n")) await turn();
    peer.succeed(await peer.next("mux"), 1);
    await shown;
    expect(lines[0]).toBe("0/2 tasks finished after 0 s\n");
    expect(lines.slice(-2)).toEqual(["2/2 tasks finished after 0 s\n", "done\n"]);
  });

  it("stopped by Ctrl-C leaves the tasks alone", async () => {
    const { client, peer } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    const before = process.listenerCount("SIGINT");
    const shown = result.waitInteractive({ stream: { write: () => undefined } });
    await turn();
    process.emit("SIGINT");
    await shown;
    expect(process.listenerCount("SIGINT")).toBe(before);
    peer.succeed(await peer.next("task"), 5);
    expect(await result).toBe(5);
  });
});
