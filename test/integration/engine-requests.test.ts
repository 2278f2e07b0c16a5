// One real engine process against a fake controller: requests, replies and what is published.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importable, isPickle, keywords, named, packPythonCall, Reference, unpackValue } from "../../src/serial/index.ts";
import { Gate } from "../support/gate.ts";
import type { Published } from "../support/fake-controller.ts";
import { until } from "../support/until.ts";
import { startEngine, type EngineSetup } from "../support/with-engine.ts";

let setup: EngineSetup;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "engine-test-"));
  await writeFile(join(directory, "helper.mjs"), "export const answer = 42;\nexport default function twice(x) { return 2 * x; }\n");
  await writeFile(join(directory, "typed.ts"), "export const typed: number = 7;\n");
  setup = await startEngine({ cwd: directory });
});
afterAll(async () => {
  await setup.close();
  await rm(directory, { recursive: true, force: true });
});

const told = (published: readonly Published[]): string[] =>
  published.map((one) =>
    one.type === "status"
      ? String(one.content["execution_state"])
      : one.type === "stream"
        ? `${String(one.content["name"])} ${JSON.stringify(one.content["text"])}`
        : one.type,
  );

/** Value of a cell, as text. */
async function shown(code: string): Promise<unknown> {
  const request = setup.execute(code);
  const reply = await setup.controller.reply(request);
  if (reply.content["status"] !== "ok") return `${String(reply.content["ename"])}: ${String(reply.content["evalue"])}`;
  const output = await setup.controller.output(request);
  return (output.find((one) => one.type === "execute_result")?.content["data"] as Record<string, unknown> | undefined)?.["text/plain"];
}

describe("apply", () => {
  it("calls a function with its arguments and answers with the reference's metadata and the host", async () => {
    const request = setup.apply((a: number, b: number) => a + b, [2, 3], { metadata: { label: "sum" } });
    const reply = await setup.controller.reply(request);
    const { started, host, ...rest } = reply.metadata;
    expect(started).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(typeof host).toBe("string");
    expect(rest).toEqual({
      dependencies_met: true,
      engine: setup.uuid,
      is_broadcast: false,
      is_coalescing: false,
      original_msg_id: "",
      label: "sum",
      status: "ok",
    });
    expect(reply.header.msg_type).toBe("apply_reply");
    expect(reply.header.session).toBe(setup.uuid);
    expect(reply.parentHeader).toEqual({ ...request });
    expect(reply.content).toEqual({ status: "ok" });
    expect(told(await setup.controller.output(request))).toEqual(["busy", "idle"]);
  });

  it("13.2: copies the marks of a broadcast and echoes the whole prefix on the channel the request came from", async () => {
    const metadata = { is_broadcast: true, is_coalescing: true, original_msg_id: "orig" };
    const request = setup.controller.send(
      "broadcast",
      setup.uuid,
      "execute_request",
      { code: "1", silent: true },
      { metadata, prefix: [Buffer.from("leaf"), Buffer.from("root"), Buffer.from("client")] },
    );
    const { channel, prefix, message } = await setup.controller.wholeReply(request);
    expect({ channel, prefix }).toEqual({ channel: "broadcast", prefix: ["leaf", "root", "client"] });
    expect(message.metadata).toMatchObject(metadata);
  });

  it("awaits an async function before the next request", async () => {
    const slow = setup.apply(async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return "slow";
    });
    const quick = setup.apply(() => "quick");
    await Promise.all([setup.controller.reply(slow), setup.controller.reply(quick)]);
    const order = setup.controller.replies.map((reply) => reply.message.parentHeader["msg_id"]).filter((id) => id === slow.msg_id || id === quick.msg_id);
    expect(order).toEqual([slow.msg_id, quick.msg_id]);
  });

  it("carries typed arrays there and back", async () => {
    const big = Float64Array.from({ length: 5000 }, (_, i) => i);
    const back = await setup.call((array: Float64Array) => array.map((x) => x * 2), big);
    expect(back).toBeInstanceOf(Float64Array);
    expect((back as Float64Array)[4999]).toBe(9998);
  });

  it("pushes, pulls and maps by name; references are evaluated in the namespace", async () => {
    await setup.call(named("push"), { pushedA: 5, pushedB: { c: 1 } });
    await setup.call(named("push"), { "pushedB.d": 2 });
    expect(await setup.call(named("pull"), "pushedA")).toBe(5);
    expect(await setup.call(named("pull"), ["pushedA * 2", "pushedB"])).toEqual([10, { c: 1, d: 2 }]);
    expect(await setup.call(named("map"), (x: number, y: number) => x * y, [1, 2, 3], [4, 5])).toEqual([4, 10]);
    expect(await setup.call(named("map"), async (x: number) => x + 1, [1, 2])).toEqual([2, 3]);
    expect(await setup.call((x: number) => x + 1, new Reference("pushedA"))).toBe(6);
    await expect(setup.call(named("pull"), "neverPushed")).rejects.toThrow("ReferenceError: neverPushed is not defined");
    await expect(setup.call(named("push"), { "not a name": 1 })).rejects.toThrow("InvalidArgumentError");
    await expect(setup.call(named("noSuch"))).rejects.toThrow("noSuch");
  });

  it("imports this package's own modules, and files of the working directory", async () => {
    expect(await setup.call(importable("tsparallel/engine", "display"), "shown")).toBeUndefined();
    expect(await setup.call(importable("./helper.mjs", "default"), 21)).toBe(42);
  });

  it("answers a failure with name, text, traceback and the engine, and publishes the same error", async () => {
    const request = setup.apply(() => {
      throw new RangeError("too far");
    });
    const reply = await setup.controller.reply(request);
    const { traceback, ...content } = reply.content;
    expect(content).toEqual({
      status: "error",
      ename: "RangeError",
      evalue: "too far",
      engine_info: { engine_uuid: setup.uuid, engine_id: 0, method: "apply" },
    });
    expect((traceback as string[]).join("\n")).toContain("RangeError: too far");
    expect((traceback as string[]).join("\n")).not.toMatch(/dist\/(engine|serial)|node:/);
    expect(reply.buffers).toEqual([]);
    expect(reply.metadata).toMatchObject({ status: "error", dependencies_met: true, engine_info: { engine_uuid: setup.uuid, engine_id: 0 } });
    const output = await setup.controller.output(request);
    expect(told(output)).toEqual(["busy", "error", "idle"]);
    expect(output[1]?.content).toEqual({ ename: "RangeError", evalue: "too far", traceback });
  });

  it("says that a dependency is unmet when the error is named so", async () => {
    const request = setup.apply(() => {
      throw Object.assign(new Error("not here"), { name: "UnmetDependency" });
    });
    expect((await setup.controller.reply(request)).metadata).toMatchObject({ dependencies_met: false, status: "error" });
  });

  it("names what cannot travel back", async () => {
    await expect(setup.call(() => ({ inner: [Symbol("s")] }))).rejects.toThrow(/SerializationError.*result/);
  });

  it("refuses a Python function in words", async () => {
    const buffers = packPythonCall("os.getpid", []);
    const { content } = await setup.controller.ask("mux", setup.uuid, "apply_request", {}, { buffers });
    expect(content["ename"]).toBe("TypeError");
    expect(content["evalue"]).toMatch(/runs TypeScript and JavaScript and cannot run the Python function os.getpid; send it to a Python engine/);
  });

  it("does what ipyparallel's views do to the namespace, and answers in pickles", async () => {
    const ask = async (buffers: readonly Uint8Array[]): Promise<unknown> => {
      const reply = await setup.controller.ask("mux", setup.uuid, "apply_request", {}, { buffers });
      expect(reply.content).toEqual({ status: "ok" });
      expect(isPickle(reply.buffers)).toBe(true);
      return unpackValue(reply.buffers);
    };
    const big = new Float64Array(1000).fill(1.5);
    expect(await ask(packPythonCall("ipyparallel.util._push", [keywords({ pushedN: 5, pushedBig: big })]))).toBe(null);
    expect(await ask(packPythonCall("ipyparallel.util._pull", [["pushedN", "pushedBig"]]))).toEqual([5, big]);
    expect(await ask(packPythonCall("ipyparallel.util._execute", ["let pushedN = 6;"]))).toBe(null);
    expect(await ask(packPythonCall("ipyparallel.util._pull", ["pushedN + 1"]))).toBe(7);
    expect(await ask(packPythonCall("ipyparallel.client.remotefunction._map", [new Reference("(x) => x * pushedN"), [1, 2]]))).toEqual([6, 12]);
    expect(await ask(packPythonCall(new Reference("async (x) => ({ x })"), [3n]))).toEqual({ x: 3 });
    expect(await ask(packPythonCall("ipyparallel.serialize.canning.use_pickle", []))).toBe(null);
  });

  it("answers undecodable payloads with an error", async () => {
    const none = Buffer.from("80044e2e", "hex");
    for (const buffers of [[], [Buffer.from("nonsense")], [Buffer.alloc(16)], [none], [none, none], [Buffer.of(0x80)]]) {
      const reply = await setup.controller.ask("mux", setup.uuid, "apply_request", {}, { buffers });
      expect(reply.content["status"]).toBe("error");
    }
  });
});

describe("execute", () => {
  it("13.10: publishes busy, input, output in program order, result, idle", async () => {
    const request = setup.execute(
      "import { display } from 'tsparallel/engine'; console.log('a'); console.error('b'); process.stdout.write('c'); display({ d: 1 }); 7",
    );
    const output = await setup.controller.output(request);
    expect(told(output)).toEqual(["busy", "execute_input", 'stdout "a\\n"', 'stderr "b\\n"', 'stdout "c"', "display_data", "execute_result", "idle"]);
    expect(output.map((one) => one.topic)).toEqual(
      ["status", "execute_input", "stdout", "stderr", "stdout", "displaypub", "execute_result", "status"].map((name) => `engine.0.${name}`),
    );
  });

  it("13.10: counts executions that are not silent, and publishes nothing of silent ones but status and errors", async () => {
    const first = (await setup.run("1")).content["execution_count"] as number;
    const silent = setup.execute("console.log('still output'); 2", { silent: true });
    expect((await setup.controller.reply(silent)).content["execution_count"]).toBe(first);
    expect(told(await setup.controller.output(silent))).toEqual(["busy", 'stdout "still output\\n"', "idle"]);
    const failing = setup.execute("nope", { silent: true });
    expect(told(await setup.controller.output(failing))).toEqual(["busy", "error", "idle"]);
    expect((await setup.run("3")).content).toEqual({ status: "ok", execution_count: first + 1, user_expressions: {}, payload: [] });
  });

  it("answers a failure with engine, method and count", async () => {
    const { content } = await setup.run("function thrower() {\n  null.x\n}\nthrower()");
    expect(content).toMatchObject({
      status: "error",
      ename: "TypeError",
      user_expressions: {},
      payload: [],
      engine_info: { engine_uuid: setup.uuid, engine_id: 0, method: "execute" },
    });
    expect((content["traceback"] as string[]).join("\n")).toMatch(/at thrower \(ipp-cell-\d+\.ts:2:8\)\n\s+at ipp-cell-\d+\.ts:4:1$/);
  });

  it.each([
    ["const n: number = 41; n + 1", "42"],
    ["interface P { x: number }\nconst p = { x: 1 } satisfies P as P; p.x", "1"],
    ["enum Color { Red, Green }; Color.Green", "1"],
    ["class Q { constructor(private readonly v: number) {} get() { return this.v } }; new Q(9).get()", "9"],
    ["function first<T>(items: T[]): T { return items[0]! }; first<string>(['s'])", "'s'"],
    ["await Promise.resolve(5)", "5"],
    ["import { readFileSync } from 'node:fs'; typeof readFileSync", "'function'"],
    ["import twice, { answer } from './helper.mjs'; twice(answer)", "84"],
    ["import { typed } from './typed.ts'; typed", "7"],
    ["(await import('node:path')).sep", "'/'"],
    ["require('node:path').sep", "'/'"],
    ["import { currentTask } from 'tsparallel/engine'; currentTask().engineId", "0"],
    ["(await import('tsparallel/engine')).currentTask().engineUuid", "'engine-under-test'"],
    ["'use strict'; strictName = 5", "ReferenceError: strictName is not defined"],
    ["foo(", "SyntaxError: Unexpected token (line 1, column 5)"],
    ["const t: = 5", "SyntaxError: Unexpected token `=`. Expected an identifier"],
    ["import { nope } from 'node:fs'", 'SyntaxError: the module "node:fs" does not export "nope"'],
    ["import 'no-such-package-here'", "no-such-package-here"],
    ["throw 'text'", "string: text"],
    ["undefined", undefined],
    ["void 0", undefined],
    ["null", "null"],
    ["new Map([[1, 2]])", "Map(1) { 1 => 2 }"],
  ])("of %j gives %j", async (code, value) => {
    const got = await shown(code);
    expect(typeof got).toBe(typeof value);
    expect(String(got)).toContain(String(value));
  });

  it("shows what a value offers of itself", async () => {
    const request = setup.execute('({ [Symbol.for("Jupyter.display")]() { return { "text/html": "<b>x</b>" } } })');
    const output = await setup.controller.output(request);
    expect(output.find((one) => one.type === "execute_result")?.content["data"]).toMatchObject({ "text/html": "<b>x</b>" });
  });

  it("evaluates user expressions, each on its own", async () => {
    const { content } = await setup.run("const ue = 6", { user_expressions: { good: "ue * 7", bad: "ue.x.y" } });
    expect(content["user_expressions"]).toMatchObject({
      good: { status: "ok", data: { "text/plain": "42" }, metadata: {} },
      bad: { status: "error", ename: "TypeError" },
    });
  });

  it("answers content without code with an error", async () => {
    const reply = await setup.controller.ask("mux", setup.uuid, "execute_request", {});
    expect(reply.content).toMatchObject({ status: "error", ename: "TypeError", evalue: "content.code must be a text" });
  });
});

describe("output", () => {
  it("is joined into few messages", async () => {
    const request = setup.execute("for (let i = 0; i < 2000; i++) console.log(i)");
    const output = await setup.controller.output(request);
    expect(setup.streamOf(request).split("\n")).toHaveLength(2001);
    expect(output.filter((one) => one.type === "stream").length).toBeLessThan(200);
  });

  it("arrives while user code still spins", async () => {
    using gate = new Gate();
    // What is printed leaves when it is old enough and something is printed again.
    const request = setup.execute(
      `console.log('early'); const { existsSync } = require('node:fs');
       for (let next = Date.now() + 200; !existsSync(${JSON.stringify(gate.path)}); ) if (Date.now() > next) { console.log('tick'); next += 100; }`,
    );
    await until(() => setup.streamOf(request).includes("early"));
    const isAnswered = setup.controller.replies.some((reply) => reply.message.parentHeader["msg_id"] === request.msg_id);
    expect(isAnswered).toBe(false);
    gate.open();
    await setup.controller.reply(request);
  });

  it("begins with a line that arrives at once, though nothing more is printed", async () => {
    using gate = new Gate();
    const request = setup.execute(`console.log('begun'); while (!require('node:fs').existsSync(${JSON.stringify(gate.path)}));`);
    await until(() => setup.streamOf(request) === "begun\n", { timeoutMs: 30_000 });
    expect(setup.controller.replies.some((reply) => reply.message.parentHeader["msg_id"] === request.msg_id)).toBe(false);
    gate.open();
    await setup.controller.reply(request);
  });

  it("that comes after the request ended belongs to the last request", async () => {
    const request = setup.execute("setTimeout(() => console.log('late'), 30); 1");
    await setup.controller.reply(request);
    await until(() => setup.streamOf(request) !== "");
    expect(setup.streamOf(request)).toBe("late\n");
  });

  it("of published data carries the keys and the value", async () => {
    const request = setup.execute('(await import("tsparallel/engine")).currentTask().publish({ loss: 0.5, step: 3 })', { silent: true });
    const data = (await setup.controller.output(request)).find((one) => one.type === "data_message");
    expect(data?.topic).toBe("datapub");
    expect(data?.content).toEqual({ keys: ["loss", "step"] });
    expect(data?.message.buffers.length).toBeGreaterThan(0);
  });

  it("of one request is bounded, and the loss is told", async () => {
    const request = setup.execute("const chunk = 'x'.repeat(1024 * 1024); for (let i = 0; i < 40; i++) process.stdout.write(chunk); 'done'");
    await setup.controller.output(request);
    expect(setup.streamOf(request).length).toBe(32 * 1024 * 1024);
    expect(setup.streamOf(request, "stderr")).toContain("more characters of output were dropped");
    expect(await shown("console.log('again'); 1")).toBe("1");
  });
});

describe("errors outside of requests", () => {
  it("are told on the last request's stderr, and the engine lives", async () => {
    const request = setup.execute("setTimeout(() => { throw new Error('stray throw') }, 5); Promise.reject(new Error('stray rejection')); 1");
    await setup.controller.reply(request);
    await until(() => /stray throw/.test(setup.streamOf(request, "stderr")) && /stray rejection/.test(setup.streamOf(request, "stderr")));
    expect(await shown("2")).toBe("2");
  });
});

describe("messages that are no requests", () => {
  it("of unknown type have no reply but busy and idle, on shell and on control", async () => {
    for (const channel of ["mux", "control"] as const) {
      const request = setup.controller.send(channel, setup.uuid, "mystery_request");
      expect(told(await setup.controller.output(request))).toEqual(["busy", "idle"]);
      expect(setup.controller.replies.some((reply) => reply.message.parentHeader["msg_id"] === request.msg_id)).toBe(false);
    }
  });

  it("broken, unsigned or replayed are dropped, and the engine goes on", async () => {
    const { controller, uuid } = setup;
    const target = Buffer.from(uuid);
    const good = controller.session.build(
      "execute_request",
      { code: "globalThis.replays = (globalThis.replays ?? 0) + 1", silent: true },
      { idents: [target, Buffer.from("c")] },
    );
    const forged = good.map((frame, i) => (i === 3 ? Buffer.from("0".repeat(64)) : frame));
    controller.sendRaw("mux", [target, Buffer.from("garbage")]);
    controller.sendRaw("mux", forged);
    controller.sendRaw("control", [target]);
    controller.sendRaw("mux", good);
    controller.sendRaw("mux", good);
    expect(await shown("replays")).toBe("1");
  });

  it("kernel_info is answered on both", async () => {
    for (const channel of ["mux", "control"] as const) {
      const reply = await setup.controller.ask(channel, setup.uuid, "kernel_info_request");
      expect(reply.content).toMatchObject({ status: "ok", implementation: "tsparallel" });
    }
  });
});
