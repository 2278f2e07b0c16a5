// A fake controller and one real engine that has joined it.

import { EngineProcess, type EngineProcessOptions } from "./engine-process.ts";
import { FakeController, type FakeControllerOptions, type Published, type RequestParts } from "./fake-controller.ts";
import { packCall, unpackValue } from "../../src/serial/index.ts";
import type { Dict, Header, Message } from "../../src/wire/index.ts";

/** Both, and what tests do with them most. */
export interface EngineSetup {
  readonly controller: FakeController;
  readonly engine: EngineProcess;
  readonly uuid: string;
  /** Sends a cell on mux. */
  readonly execute: (code: string, content?: Dict, parts?: RequestParts) => Header;
  /** Sends a cell and awaits its reply. */
  readonly run: (code: string, content?: Dict) => Promise<Message>;
  /** Sends a call on mux. */
  readonly apply: (fn: unknown, args?: readonly unknown[], parts?: RequestParts) => Header;
  /** Sends a call and awaits its value; throws when it fails. */
  readonly call: (fn: unknown, ...args: readonly unknown[]) => Promise<unknown>;
  /** Sends a control request and awaits its reply. */
  readonly control: (type: string, content?: Dict) => Promise<Message>;
  /** Text that a request wrote to a stream. */
  readonly streamOf: (request: Header, name?: "stdout" | "stderr") => string;
  readonly close: () => Promise<void>;
}

/** Starts both and waits until the engine is visible. */
export async function startEngine(options: EngineProcessOptions & { readonly controller?: FakeControllerOptions } = {}): Promise<EngineSetup> {
  const controller = await FakeController.start(options.controller);
  const uuid = "engine-under-test";
  const engine = new EngineProcess({ info: controller.info, ...options, args: [`--ident=${uuid}`, ...(options.args ?? [])] });
  const close = async (): Promise<void> => {
    await engine.kill();
    await controller.close();
  };
  try {
    await engine.says(/Completed registration with id \d+/);
    await controller.waitForHeart(uuid);
  } catch (error) {
    await close();
    throw error;
  }
  const setup: Omit<EngineSetup, "controller" | "engine" | "uuid" | "close"> = {
    execute: (code, content = {}, parts = {}) => controller.send("mux", uuid, "execute_request", { code, silent: false, ...content }, parts),
    run: async (code, content = {}) => controller.reply(setup.execute(code, content)),
    apply: (fn, args = [], parts = {}) => controller.send("mux", uuid, "apply_request", {}, { ...parts, buffers: packCall(fn, args) }),
    call: async (fn, ...args) => {
      const reply = await controller.reply(setup.apply(fn, args));
      if (reply.content["status"] !== "ok") throw new Error(`${String(reply.content["ename"])}: ${String(reply.content["evalue"])}`);
      return unpackValue(reply.buffers);
    },
    control: async (type, content = {}) => controller.ask("control", uuid, type, content),
    streamOf: (request, name = "stdout") => streamText(controller.published, request, name),
  };
  return { controller, engine, uuid, close, ...setup };
}

function streamText(published: readonly Published[], request: Header, name: string): string {
  const own = published.filter((one) => one.type === "stream" && one.parentId === request.msg_id && one.content["name"] === name);
  return own.map((one) => String(one.content["text"])).join("");
}
