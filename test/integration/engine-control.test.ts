// One real engine process against a fake controller: what is answered beside user code, and the order of the queue.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Header } from "../../src/wire/index.ts";
import { until } from "../support/until.ts";
import { startEngine, type EngineSetup } from "../support/with-engine.ts";

let setup: EngineSetup;
let scratch = "";
let holds = 0;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "tsparallel-control-"));
  setup = await startEngine();
});
afterAll(async () => {
  await setup.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** Starts a cell and waits until it runs. */
async function running(code: string, content: Record<string, unknown> = {}): Promise<Header> {
  const request = setup.execute(`console.log("it runs"); ${code}`, content);
  await until(() => setup.controller.published.some((one) => one.parentId === request.msg_id && one.content["execution_state"] === "busy"));
  return request;
}

const spinning = (ms: number): string => `{ const end = Date.now() + ${ms}; while (Date.now() < end) {} }`;
const statusOf = async (request: Header): Promise<unknown> => (await setup.controller.reply(request)).content["status"];
const hasReply = (request: Header): boolean => setup.controller.replies.some((reply) => reply.message.parentHeader["msg_id"] === request.msg_id);

/** Code that spins until it is released. */
function held(): { readonly code: string; readonly release: () => void } {
  const path = join(scratch, `release-${(holds += 1)}`);
  return { code: `{ const fs = require("node:fs"); while (!fs.existsSync(${JSON.stringify(path)})) {} }`, release: () => writeFileSync(path, "") };
}

describe("while user code spins", () => {
  it("the heart echoes each ping unchanged", async () => {
    const { code, release } = held();
    const request = await running(code);
    const text = setup.controller.ping();
    await until(() => setup.controller.pongs.some((pong) => pong.text === text));
    expect(hasReply(request)).toBe(false);
    release();
    expect(await statusOf(request)).toBe("ok");
  });

  it("everything it has published leaves", async () => {
    const { code, release } = held();
    const request = await running(`import { display } from "tsparallel/engine"; for (let i = 0; i < 600; i += 1) display(i); ${code}`);
    await until(() => setup.controller.published.filter((one) => one.type === "display_data" && one.parentId === request.msg_id).length === 600);
    expect(hasReply(request)).toBe(false);
    release();
    expect(await statusOf(request)).toBe("ok");
  });

  it("an abort is answered and holds for a request that waits", async () => {
    const { code, release } = held();
    const first = await running(code);
    const second = setup.apply(() => 1, [], { metadata: { label: "second" } });
    const third = setup.apply(() => 2);
    const { content, metadata, header } = await setup.control("abort_request", { msg_ids: [second.msg_id] });
    expect(hasReply(first)).toBe(false);
    release();
    expect({ content, metadata, type: header.msg_type }).toEqual({ content: { status: "ok" }, metadata: { engine: setup.uuid }, type: "abort_reply" });
    const aborted = await setup.controller.reply(second);
    expect(aborted.content).toEqual({ status: "aborted" });
    expect(aborted.metadata).toMatchObject({ status: "aborted", label: "second", engine: setup.uuid });
    expect(aborted.header.msg_type).toBe("apply_reply");
    expect(await statusOf(first)).toBe("ok");
    expect(await statusOf(third)).toBe("ok");
  });

  it("13.14: signal 0 is accepted, does nothing, and is answered as any other request", async () => {
    const { code, release } = held();
    const request = await running(code);
    const reply = await setup.control("signal_request", { sig: 0 });
    expect(reply.header.msg_type).toBe("signal_reply");
    expect(reply.content).toEqual({ status: "ok" });
    expect(hasReply(request)).toBe(false);
    release();
    expect(await statusOf(request)).toBe("ok");
  });
});

describe("an abort", () => {
  it("by a single text, before its request comes, holds", async () => {
    expect((await setup.control("abort_request", { msg_ids: "later-id" })).content).toEqual({ status: "ok" });
    const request = setup.execute("1", {}, { msgId: "later-id" });
    expect(await statusOf(request)).toBe("aborted");
  });

  it.each([{ msg_ids: [] }, { msg_ids: null }])("of everything (%j) answers the execute requests that wait, not the applies", async (content) => {
    const { code, release } = held();
    const first = await running(code);
    const [second, third] = [setup.execute("2"), setup.apply(() => 3)];
    await setup.control("abort_request", content);
    release();
    expect([await statusOf(first), await statusOf(second), await statusOf(third)]).toEqual(["ok", "aborted", "ok"]);
    expect(await statusOf(setup.execute("4"))).toBe("ok");
  });
});

describe("a failing cell", () => {
  it("that is not silent aborts the execute requests that wait already, and no later ones", async () => {
    const first = setup.execute(`${spinning(300)} throw new Error("stop")`);
    const [second, third, fourth] = [setup.execute("2"), setup.apply(() => 3), setup.execute("4")];
    expect([await statusOf(first), await statusOf(second), await statusOf(third), await statusOf(fourth)]).toEqual(["error", "aborted", "ok", "aborted"]);
    expect(await statusOf(setup.execute("5"))).toBe("ok");
  });

  it.each([{ silent: true }, { stop_on_error: false }])("with %j aborts nothing", async (content) => {
    const first = setup.execute(`${spinning(200)} throw new Error("go on")`, content);
    const second = setup.execute("2");
    expect([await statusOf(first), await statusOf(second)]).toEqual(["error", "ok"]);
  });
});

describe("clear", () => {
  it("empties the namespace: names, functions, classes, pushes and imports", async () => {
    await setup.run("const c1 = 1; function c2() {}; class C3 {}; var c4 = 4; import { sep as c5 } from 'node:path'; globalThis.c6 = 6; c7 = 7");
    expect((await setup.control("clear_request")).content).toEqual({ status: "ok" });
    const names = "[typeof c1, typeof c2, typeof C3, typeof c4, typeof c5, typeof c6, typeof c7].join()";
    const { content } = await setup.run("0", { user_expressions: { names } });
    expect(content["user_expressions"]).toMatchObject({ names: { data: { "text/plain": `'${"undefined,".repeat(7).slice(0, -1)}'` } } });
    expect(await statusOf(setup.execute("require('node:fs'); console.log(1); setTimeout(() => {}, 0); new URL('http://x')"))).toBe("ok");
  });

  it("restores what user code replaced", async () => {
    await setup.run("const parseInt = 1; structuredClone = 2");
    await setup.control("clear_request");
    expect(await statusOf(setup.execute("structuredClone(parseInt('5'))"))).toBe("ok");
  });

  it("is no need for what the engine lives on: that cannot be replaced", async () => {
    for (const code of ["const Map = 1", "class Promise {}", "process = 5"]) {
      const name = /Map|Promise|process/.exec(code)?.[0] ?? "";
      expect((await setup.run(code)).content).toMatchObject({
        ename: "TypeError",
        evalue: `cannot replace the global "${name}": the engine itself uses it; choose another name`,
      });
    }
    expect(await statusOf(setup.execute("JSON = 2; import process from 'node:process'; const { Buffer } = require('node:buffer'); JSON.stringify(1)"))).toBe(
      "ok",
    );
  });
});

describe("signal_request", () => {
  it("names an unknown signal as an AttributeError", async () => {
    for (const sig of ["SIGNOPE", 4711, null]) {
      expect((await setup.control("signal_request", { sig })).content).toMatchObject({ status: "error", ename: "AttributeError", engine_info: {} });
    }
  });

  it("SIGINT while idle is ignored", async () => {
    expect((await setup.control("signal_request", { sig: "SIGINT" })).content).toEqual({ status: "ok" });
    expect(await statusOf(setup.execute("1"))).toBe("ok");
  });
});

/** From now on, the engine's next look at the clock, which is within a write, spins; `limited` writes, with a time limit. */
const SPINS_IN_WRITE = `const { now } = performance; performance.now = () => { performance.now = now; for (;;) {} };
  const limited = () => require("node:vm").runInNewContext("log(1)", { log: console.log }, { timeout: 50 });`;

describe("an interrupt", () => {
  // Each calls `begun` where it then stays.
  const KINDS: readonly (readonly [name: string, code: string])[] = [
    ["a loop", "begun(); while (true) {}"],
    ["a loop that catches and finally goes on", "begun(); for (;;) { try { throw 1 } catch {} finally { } }"],
    ["a sort callback", "Array.from({ length: 9 }, (_, i) => i).sort(() => { begun(); for (;;) {} })"],
    ["a getter in JSON", "JSON.stringify({ get x() { begun(); for (;;) {} } })"],
    ["a catastrophic regular expression", "begun(); /^(a+)+$/.test('a'.repeat(40) + 'b')"],
    ["Atomics.wait", "begun(); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)"],
    ["a loop after await", "await null; begun(); for (;;) {}"],
    ["a loop in a microtask", "await Promise.resolve().then(() => { begun(); for (;;) {} })"],
    ["a loop in a timer", "await new Promise(() => setTimeout(() => { begun(); for (;;) {} }, 5))"],
    ["a loop in an immediate", "await new Promise(() => setImmediate(() => { begun(); for (;;) {} }))"],
    ["a loop in nextTick", "await new Promise(() => process.nextTick(() => { begun(); for (;;) {} }))"],
    ["a loop in a file callback", "await new Promise(() => require('node:fs').stat('.', () => { begun(); for (;;) {} }))"],
    ["waiting for ever", "begun(); await new Promise(() => {})"],
    ["a loop that writes", "begun(); for (;;) console.log('noise')"],
    ["a loop after a time limit that cut its output", `${SPINS_IN_WRITE} try { limited() } catch {} begun(); for (;;) {}`],
    ["a getter of the shown value", "({ [Symbol.for('Jupyter.display')]() { begun(); for (;;) {} } })"],
    ["a synchronous child process", "require('node:child_process').execSync(`touch '${begun.path}'; sleep 30; true`)"],
  ];

  it.each(KINDS)("stops %s: KeyboardInterrupt, and the engine lives with its namespace", async (name, code) => {
    await setup.run("globalThis.kept = 'kept'");
    const path = join(scratch, `begun-${name}`);
    await setup.run(`globalThis.begun = () => require("node:fs").writeFileSync(begun.path, ""); begun.path = ${JSON.stringify(path)}`);
    const request = await running(`setTimeout(() => {}, 0); ${code}`);
    await until(() => existsSync(path)); // The interrupt must work at any time; at once is tested below.
    expect((await setup.control("signal_request", { sig: 2 })).content).toEqual({ status: "ok" });
    const { content } = await setup.controller.reply(request);
    expect(content).toMatchObject({ status: "error", ename: "KeyboardInterrupt", engine_info: { method: "execute" } });
    const { content: after } = await setup.run("0", { user_expressions: { kept: "kept" } });
    expect(after["user_expressions"]).toMatchObject({ kept: { data: { "text/plain": "'kept'" } } });
  });

  it("by name stops an applied function", async () => {
    const request = setup.apply(() => {
      for (;;) Math.random();
    });
    await until(() => setup.controller.published.some((one) => one.parentId === request.msg_id));
    await setup.control("signal_request", { sig: "SIGINT" });
    expect((await setup.controller.reply(request)).content).toMatchObject({ ename: "KeyboardInterrupt", engine_info: { method: "apply" } });
  });

  it("as a request begins is never lost", async () => {
    for (let round = 0; round < 100; round += 1) {
      const request = setup.apply(() => {
        for (;;) Math.random();
      });
      await until(() => setup.controller.published.some((one) => one.parentId === request.msg_id), { everyMs: 0 });
      await setup.control("signal_request", { sig: "SIGINT" });
      expect((await setup.controller.reply(request)).content).toMatchObject({ ename: "KeyboardInterrupt" });
    }
  });

  it("in the middle of a write leaves the output whole", async () => {
    const { content } = await setup.run(
      `const { now } = performance;
       performance.now = () => { performance.now = now; globalThis[Symbol.for("tsparallel.engine")].interrupt(0); return performance.now() };
       console.log("cut behind this"); for (;;) {}`,
    );
    expect(content["ename"]).toBe("KeyboardInterrupt");
    const request = setup.execute("console.log('heard'); console.error('as well')");
    await until(() => setup.streamOf(request) === "heard\n" && setup.streamOf(request, "stderr") === "as well\n");
  });

  it("of one writer after the other leaves the output whole, too", async () => {
    for (let round = 0; round < 20; round += 1) {
      const request = await running("for (;;) process.stdout.write('n')");
      await until(() => setup.streamOf(request).includes("it runs\nn"));
      await setup.control("signal_request", { sig: 2 });
      expect((await setup.controller.reply(request)).content["ename"]).toBe("KeyboardInterrupt");
    }
  });

  it("stops a listener of the signal that loops, too", async () => {
    const path = join(scratch, "begun-listener");
    const request = await running(
      `import { currentTask } from "tsparallel/engine";
       currentTask().signal.addEventListener("abort", () => { require("node:fs").writeFileSync(${JSON.stringify(path)}, ""); for (;;) {} });
       console.log("listens"); await new Promise(() => {})`,
    );
    await until(() => setup.streamOf(request).includes("listens"));
    await setup.control("interrupt_request");
    await until(() => existsSync(path));
    await setup.control("interrupt_request");
    expect((await setup.controller.reply(request)).content["ename"]).toBe("KeyboardInterrupt");
    expect(await statusOf(setup.execute("1"))).toBe("ok");
  });

  it("aborts the task's signal", async () => {
    const request = await running(
      "import { currentTask } from 'tsparallel/engine'; const aborted = new Promise((resolve) => currentTask().signal.addEventListener('abort', () => { globalThis.sawAbort = true; resolve() })); console.log('listens'); await aborted",
    );
    await until(() => setup.streamOf(request).includes("listens"));
    await setup.control("interrupt_request");
    expect((await setup.controller.reply(request)).content["ename"]).toBe("KeyboardInterrupt");
    expect((await setup.run("0", { user_expressions: { saw: "sawAbort" } })).content["user_expressions"]).toMatchObject({
      saw: { data: { "text/plain": "true" } },
    });
  });

  it("at any moment of many short requests loses none of them", async () => {
    for (let round = 0; round < 300; round += 1) {
      const request = setup.execute(`{ const end = performance.now() + ${(round % 8) / 4}; while (performance.now() < end) {} }`, { silent: true });
      const interrupt = setup.controller.send("control", setup.uuid, "signal_request", { sig: 2 });
      expect(["ok", "error"]).toContain(await statusOf(request));
      await setup.controller.reply(interrupt);
      await setup.controller.output(request);
    }
    expect(await statusOf(setup.execute("1"))).toBe("ok");
  });
});
