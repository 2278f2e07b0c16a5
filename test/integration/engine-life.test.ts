// How an engine process comes and goes: registration, visibility, signals, a silent controller, a dead launcher.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createSession } from "../../src/net/index.ts";
import { Gate } from "../support/gate.ts";
import { EngineProcess, type EngineProcessOptions } from "../support/engine-process.ts";
import { FakeController, type FakeControllerOptions } from "../support/fake-controller.ts";
import { until } from "../support/until.ts";
import { startEngine, type EngineSetup } from "../support/with-engine.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function engine(options: Parameters<typeof startEngine>[0] = {}): Promise<EngineSetup> {
  const setup = await startEngine(options);
  closers.push(setup.close);
  return setup;
}

async function parts(
  options: FakeControllerOptions = {},
  process: Omit<EngineProcessOptions, "info"> = {},
): Promise<{ controller: FakeController; engine: EngineProcess }> {
  const controller = await FakeController.start(options);
  const child = new EngineProcess({ info: controller.info, ...process });
  closers.push(async () => {
    await child.kill();
    await controller.close();
  });
  return { controller, engine: child };
}

const left = (controller: FakeController): unknown[] =>
  controller.registrations.filter((message) => message.header.msg_type === "unregistration_request").map((message) => message.content);

describe("registration", () => {
  it("13.5: tells uuid and properties, and says starting before the heart beats", async () => {
    const isHeard = ({ controller }: EngineSetup): boolean => controller.published.some(({ content }) => content["execution_state"] === "starting");
    let setup = await engine();
    // On a busy machine the subscription may come to the engine's publisher after its first message, which nobody gets then.
    for (let others = 0; others < 10 && !isHeard(setup); others += 1) {
      await until(() => isHeard(setup), { timeoutMs: 200 }).catch(() => undefined);
      if (!isHeard(setup)) setup = await engine();
    }
    const { controller, engine: child } = setup;
    const [request] = controller.registrations;
    const { uuid, properties } = request?.content ?? {};
    expect(uuid).toBe("engine-under-test");
    expect(properties).toMatchObject({ pid: child.pid, language: "typescript", node: process.versions.node });
    expect(Object.keys(properties as object).toSorted()).toEqual(["host", "keepsCode", "language", "node", "pid", "prefetch", "version"]);
    await until(() => controller.published.length > 0);
    expect(controller.published[0]).toMatchObject({ topic: "engine.0.status", type: "status", content: { execution_state: "starting" }, parentId: undefined });
    expect(controller.published[0]?.message.header.session).toBe("engine-under-test");
  });

  it("makes a uuid of its own in the reference's form", async () => {
    const { controller, engine: child } = await parts();
    await child.says("Completed registration with id 0");
    expect(controller.registrations[0]?.content["uuid"]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{24}$/);
  });

  it("that is refused ends the engine with 255 and one sentence", async () => {
    const { engine: child } = await parts({ register: () => ({ status: "error", ename: "KeyError", evalue: "'uuid in use'", traceback: [] }) });
    expect(await child.exited).toEqual({ code: 255, signal: null });
    expect(child.output.trim().split("\n")).toHaveLength(1);
    expect(child.output).toContain("the controller refused the registration: KeyError 'uuid in use'");
  });

  it("that is not answered ends the engine with 255 after the timeout, and is taken back", async () => {
    const { controller, engine: child } = await parts({ register: () => undefined }, { args: ["--timeout=0.3", "--ident=nobody-answers"] });
    expect(await child.exited).toEqual({ code: 255, signal: null });
    expect(child.output).toContain("did not answer the registration within 300 ms");
    await until(() => left(controller).length > 0);
    expect(left(controller)).toEqual([{ id: null, uuid: "nobody-answers" }]);
  });

  it("with a controller of another version of the protocol ends the engine with one sentence", async () => {
    const { engine: child } = await parts({ registrationHeader: { version: "4.1" } }, { args: ["--timeout=0.3"] });
    expect((await child.exited).code).toBe(255);
    expect(child.output.trim().split("\n")).toHaveLength(1);
    expect(child.output).toMatch(
      /the registration failed: the controller at tcp:\S+ speaks another major version of the message protocol than 5: use ipyparallel 7 or newer there$/m,
    );
  });

  it("with a controller that has ended ends the engine with one sentence that names its address", async () => {
    const controller = await FakeController.start();
    await controller.close();
    const child = new EngineProcess({ info: controller.info, args: ["--timeout=0.3"] });
    closers.push(() => child.kill());
    expect((await child.exited).code).toBe(255);
    expect(child.output.trim().split("\n")).toHaveLength(1);
    expect(child.output).toContain(
      `the controller at tcp://127.0.0.1:${controller.info.registration} did not answer the registration within 300 ms; it has ended`,
    );
  });

  it("with another key than the controller's is not answered", async () => {
    const controller = await FakeController.start();
    closers.push(() => controller.close());
    const child = new EngineProcess({ info: { ...controller.info, registration: controller.info.hb_ping, key: "other" }, args: ["--timeout=0.3"] });
    closers.push(() => child.kill());
    expect((await child.exited).code).toBe(255);
  });
});

describe("the connection file", () => {
  it("is waited for and read", async () => {
    const directory = await mkdtemp(join(tmpdir(), "engine-file-"));
    closers.push(() => rm(directory, { recursive: true, force: true }));
    const controller = await FakeController.start();
    const file = join(directory, "engine.json");
    const child = new EngineProcess({ args: [`--file=${file}`] });
    closers.push(async () => {
      await child.kill();
      await controller.close();
    });
    await writeFile(file, JSON.stringify(controller.info));
    await child.says("Completed registration with id 0");
    expect(controller.registrations).toHaveLength(1);
  });

  it.each([
    ["that stays half-written", (text: string) => text.slice(0, 60), "the connection information is not JSON"],
    [
      "with a packer that is not known",
      (text: string) => text.replace('"pack":"json"', '"pack":"pickle"'),
      'the connection information is wrong: `pack` is "pickle", and only "json" and "orjson" are supported',
    ],
  ])("%s ends the engine with 1 and one sentence that names it", async (_, change, sentence) => {
    const directory = await mkdtemp(join(tmpdir(), "engine-file-"));
    closers.push(() => rm(directory, { recursive: true, force: true }));
    const controller = await FakeController.start();
    closers.push(() => controller.close());
    const file = join(directory, "engine.json");
    await writeFile(file, change(JSON.stringify(controller.info)));
    const fromFile = new EngineProcess({ args: [`--file=${file}`] });
    const fromEnvironment = new EngineProcess({ env: { IPP_CONNECTION_INFO: change(JSON.stringify(controller.info)) } });
    closers.push(() => Promise.all([fromFile.kill(), fromEnvironment.kill()]).then(() => undefined));
    expect([await fromFile.exited, fromFile.output]).toEqual([{ code: 1, signal: null }, `ipengine: ${file}: ${sentence}\n`]);
    expect([await fromEnvironment.exited, fromEnvironment.output]).toEqual([{ code: 1, signal: null }, `ipengine: IPP_CONNECTION_INFO: ${sentence}\n`]);
  });

  it("that never comes ends the engine with 1 and one sentence", async () => {
    const child = new EngineProcess({ args: ["--file=/nonexistent/engine.json", "--wait-for-file=200"] });
    closers.push(() => child.kill());
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.output.trim().split("\n")).toHaveLength(1);
    expect(child.output).toContain("no connection file /nonexistent/engine.json");
  });
});

describe("the command line", () => {
  it.each([
    [["--InteractiveShell.colors=nocolor"], 1, /unknown option "--InteractiveShell.colors"/],
    [["--no-such-flag"], 2, /no-such-flag/],
    [["--timeout=soon"], 2, /no number of seconds/],
  ])("%j ends with %i and one sentence", async (args, code, sentence) => {
    const child = new EngineProcess({ args });
    closers.push(() => child.kill());
    expect((await child.exited).code).toBe(code);
    expect(child.output).toMatch(sentence);
    expect(child.output.trim().split("\n")).toHaveLength(1);
  });

  it("runs start-up script and command before the first request", async () => {
    const directory = await mkdtemp(join(tmpdir(), "engine-start-"));
    closers.push(() => rm(directory, { recursive: true, force: true }));
    await writeFile(join(directory, "start.ts"), "const fromScript: number = await Promise.resolve(1)\n");
    const { run, engine: child } = await engine({ args: [`-s=${join(directory, "start.ts")}`, "-c", "const fromCommand = fromScript + 1"] });
    const { content } = await run("0", { user_expressions: { both: "[fromScript, fromCommand]" } });
    expect(content["user_expressions"]).toMatchObject({ both: { data: { "text/plain": "[ 1, 2 ]" } } });
    expect(child.output).not.toContain("failed");
  });

  it("goes on after start-up code that fails, and says so", async () => {
    const { engine: child, run } = await engine({ args: ["-c", "throw new Error('at start')"] });
    expect(child.output).toMatch(/start-up code failed .*at start/);
    expect((await run("1")).content["status"]).toBe("ok");
  });
});

describe("the end", () => {
  it("by shutdown_request: the running request finishes, the rest is not run, the farewell is published", async () => {
    const { controller, engine: child, execute, control, uuid } = await engine();
    using gate = new Gate();
    const running = execute(
      `const { existsSync } = require("node:fs"); while (!existsSync(${JSON.stringify(gate.path)})) await new Promise((next) => setTimeout(next, 10)); 'done'`,
    );
    await until(() => controller.published.some((one) => one.parentId === running.msg_id));
    const waiting = execute("globalThis.mustNotRun = true");
    const reply = await control("shutdown_request", { restart: false });
    expect(reply.content).toEqual({ status: "ok", restart: false });
    gate.open();
    expect((await controller.reply(running)).content["status"]).toBe("ok");
    expect(await child.exited).toEqual({ code: 0, signal: null });
    await until(() => left(controller).length > 0);
    expect(left(controller)).toEqual([{ id: 0, uuid }]);
    const farewell = controller.published.find((one) => one.type === "shutdown_reply");
    expect(farewell).toMatchObject({ topic: "engine.0.shutdown", content: { status: "ok", restart: false } });
    expect(farewell?.message.header.session).toBe(uuid);
    expect(controller.replies.some((one) => one.message.parentHeader["msg_id"] === waiting.msg_id)).toBe(false);
  });

  it.each(["SIGTERM", "SIGHUP"] as const)("by %s is orderly", async (signal) => {
    const { controller, engine: child, uuid } = await engine();
    child.child.kill(signal);
    expect(await child.exited).toEqual({ code: 0, signal: null });
    await until(() => left(controller).length > 0);
    expect(left(controller)).toEqual([{ id: 0, uuid }]);
  });

  it("by SIGTERM is orderly also while user code spins", async () => {
    const { controller, engine: child, execute, uuid } = await engine();
    const request = execute("console.log('spin'); for (;;) {}");
    await until(() => controller.published.some((one) => one.parentId === request.msg_id));
    child.child.kill("SIGTERM");
    expect(await child.exited).toEqual({ code: 0, signal: null });
    await until(() => left(controller).length > 0);
    expect(left(controller)).toEqual([{ id: 0, uuid }]);
  });

  it.each([
    ["SIGTERM", { code: 0, signal: null }],
    [9, { code: null, signal: "SIGKILL" }],
    ["SIGUSR2", { code: null, signal: "SIGUSR2" }],
  ])("by signal_request %j is answered first", async (sig, exit) => {
    const { engine: child, control } = await engine();
    expect((await control("signal_request", { sig })).content).toEqual({ status: "ok" });
    expect(await child.exited).toEqual(exit);
  });

  it("by user code is told to the controller and keeps the exit status", async () => {
    const { controller, engine: child, execute, uuid } = await engine();
    execute("console.log('last words'); process.exit(7)");
    expect(await child.exited).toEqual({ code: 7, signal: null });
    await until(() => left(controller).length > 0);
    expect(left(controller)).toEqual([{ id: 0, uuid }]);
    await until(() => controller.published.some((one) => one.type === "stream" && one.content["text"] === "last words\n"));
  });

  it("comes when the controller has been silent too long", async () => {
    const { controller, engine: child } = await engine({ args: ["--heart-misses=2"], controller: { heartbeatPeriodMs: 100 } });
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.output).toContain("the controller has been silent");
    await until(() => left(controller).length > 0);
  });

  it("comes when the process that started it has ended", async () => {
    const parent = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    closers.push(async () => void parent.kill("SIGKILL"));
    const { controller, engine: child } = await engine({ env: { IPP_PARENT_PID: String(parent.pid) } });
    parent.kill("SIGKILL");
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.output).toContain("the process that started this engine has ended");
    await until(() => left(controller).length > 0);
  });
});

describe("messages of a stranger", () => {
  it("are dropped on every channel, told once for each kind and counted; they run nothing", async () => {
    const { controller, engine: child, uuid, call } = await engine();
    const target = Buffer.from(uuid);
    const forger = createSession({ key: "another key" });
    const channels = ["mux", "task", "broadcast", "control"] as const;
    for (const channel of channels) {
      for (let round = 0; round < 3; round += 1) {
        const forged = [
          forger.build("execute_request", { code: "globalThis.stranger = 1" }, { idents: [target] }),
          forger.build("shutdown_request", {}, { idents: [target] }),
        ];
        for (const frames of forged) controller.sendRaw(channel, frames);
        controller.sendRaw(channel, [target, Buffer.from("noise")]);
      }
      // What is answered came after all of it.
      expect((await controller.ask(channel, uuid, "kernel_info_request")).content["status"]).toBe("ok");
    }
    expect(await call(() => "stranger" in globalThis)).toBe(false);
    child.child.kill("SIGTERM");
    expect(await child.exited).toEqual({ code: 0, signal: null });
    const told = child.output.split("\n").filter((line) => line.includes("dropped"));
    expect(told.map((line) => line.replace(/^.*?(?=dropped a|messages dropped)/, "")).toSorted()).toEqual([
      "dropped a message; more of this kind are only counted channel=control reason=badSignature",
      "dropped a message; more of this kind are only counted channel=control reason=noDelimiter",
      "dropped a message; more of this kind are only counted channel=shell reason=badSignature",
      "dropped a message; more of this kind are only counted channel=shell reason=noDelimiter",
      "messages dropped in total channel=control badSignature=6 noDelimiter=3",
      "messages dropped in total channel=shell badSignature=18 noDelimiter=9",
    ]);
  });
});
