// What our engine sends, held against what Python's engine was recorded sending for the same request: same types, topics,
// order, keys and kinds of values. What we add is named here, and nothing else may differ.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dict, Header, Message } from "../../src/wire/index.ts";
import { recording, theRecorded, wholeFrames, type Recorded } from "../support/recordings.ts";
import { shapeOf, without } from "../support/shapes.ts";
import { startEngine, type EngineSetup } from "../support/with-engine.ts";
import type { Published } from "../support/fake-controller.ts";

const utf8 = (frame: Uint8Array | undefined): string => Buffer.from(frame ?? []).toString("utf8");
const KEY = recording("orjson", "registration").key;

/** Steps that went to engine 0, whose messages the recording holds in their order. */
const of = (step: string, type: string, channel?: string): Recorded => theRecorded(recording("orjson", step), type, channel);
/** What an engine published in a step, in order, with its topic. */
const published = (step: string): Recorded[] =>
  recording("orjson", step).messages.filter(({ channel, hops }) => channel === "iopub" && hops.some(({ at, way }) => at === "engine" && way === "out"));
const topic = (message: Recorded): string => utf8(message.hops[0]?.prefix[0]);

const withoutLines = (content: Dict): Dict => ("traceback" in content ? { ...content, traceback: ["line"] } : content);

/** What is fixed of a reply: its type and the shapes of its parts. `host` in metadata and `engine_info` is ours alone. */
function replyFacts({ header, metadata, content }: Pick<Message | Recorded, "header" | "metadata" | "content">): Dict {
  const { engine_info: info, ...rest } = content as { readonly engine_info?: Dict };
  return {
    type: header["msg_type"],
    header: shapeOf(header),
    metadata: shapeOf(without(metadata, ["host"])),
    content: shapeOf(withoutLines(rest)),
    engineInfo: info === undefined ? "none" : shapeOf(without(info, ["host"])),
  };
}

/** What is fixed of published messages: types, topics, contents, whether there is a parent. Which representations a value has is its language's. */
const outputFacts = (messages: readonly { readonly topic: string; readonly type: string; readonly content: Dict; readonly parent: Dict }[]): Dict[] =>
  messages.map(({ topic: name, type, content, parent }) => ({
    topic: name,
    type,
    parent: shapeOf(parent),
    content: shapeOf("data" in content ? { ...content, data: {} } : withoutLines(content)),
  }));
const ourOutput = (all: readonly Published[]): Dict[] => outputFacts(all.map((one) => ({ ...one, parent: one.message.parentHeader })));
const theirOutput = (all: readonly Recorded[]): Dict[] => outputFacts(all.map((one) => ({ ...one, topic: topic(one) })));

let setup: EngineSetup;
beforeAll(async () => {
  setup = await startEngine({ controller: { key: KEY } });
});
afterAll(async () => setup.close());

/** Sends recorded frames to our engine as if to the recorded one, and gives the header. */
function send(request: Recorded): Header {
  const { controller, uuid } = setup;
  controller.sendRaw(request.channel as "mux" | "control", wholeFrames(request, [Buffer.from(uuid), Buffer.from("client")]));
  return request.header as Header;
}

describe("our engine", () => {
  it("registers with the recorded request, and our facts in `properties`", () => {
    const [request] = setup.controller.registrations as [Message];
    const theirs = of("registration", "registration_request");
    expect(shapeOf(request.header)).toEqual(shapeOf(theirs.header));
    expect(request.parentHeader).toEqual({});
    expect(request.metadata).toEqual({});
    expect(without(request.content, ["properties"])).toEqual({ uuid: setup.uuid });
    expect(shapeOf(without(request.content, ["properties"]))).toEqual(shapeOf(theirs.content));
    expect(request.idents.map(utf8)).toEqual([setup.uuid]);
  });

  it("echoes a ping's frame behind its uuid", () => {
    const pong = setup.controller.pongs[0];
    expect(pong?.uuid).toBe(setup.uuid);
    expect(pong?.text).toMatch(/^\d+(\.\d+)?$/);
  });

  it("executes: input, streams, display and result between busy and idle", async () => {
    const code = `console.log("to stdout"); console.error("to stderr"); 6 * 7`;
    const request = setup.execute(code);
    const output = await setup.controller.output(request);
    const theirs = published("mux-execute").filter(({ type }) => !/display|clear_output/.test(type));
    expect(ourOutput(output)).toEqual(theirOutput(theirs));
    expect(replyFacts(await setup.controller.reply(request))).toEqual(replyFacts(of("mux-execute", "execute_reply")));
    expect(output.map(({ message }) => message.metadata)).toEqual(output.map(() => ({ engine: setup.uuid })));
    expect(output.find(({ type }) => type === "execute_result")?.content["data"]).toMatchObject({ "text/plain": "42" });
  });

  it("executes silently: only busy and idle", async () => {
    const request = setup.execute("globalThis.b = 6", { silent: true });
    expect(ourOutput(await setup.controller.output(request))).toEqual(theirOutput(published("mux-execute-silent")));
    expect(replyFacts(await setup.controller.reply(request))).toEqual(replyFacts(of("mux-execute-silent", "execute_reply")));
  });

  it("answers a failing cell, and publishes its error", async () => {
    const request = setup.execute(`throw new Error("no")`);
    expect(ourOutput(await setup.controller.output(request))).toEqual(theirOutput(published("mux-execute-error")));
    expect(replyFacts(await setup.controller.reply(request))).toEqual(replyFacts(of("mux-execute-error", "execute_reply")));
  });

  it("applies", async () => {
    const request = setup.apply((a: number, b: number) => a + b, [1, 2]);
    expect(ourOutput(await setup.controller.output(request))).toEqual(theirOutput(published("mux-apply")));
    expect(replyFacts(await setup.controller.reply(request))).toEqual(replyFacts(of("mux-apply", "apply_reply")));
  });

  it("answers a Python function by value with an error of the recorded shape", async () => {
    const request = send(of("mux-apply", "apply_request"));
    expect(ourOutput(await setup.controller.output(request))).toEqual(theirOutput(published("mux-apply-error")));
    const reply = await setup.controller.reply(request);
    expect(replyFacts(reply)).toEqual(replyFacts(of("mux-apply-error", "apply_reply")));
    expect(String(reply.content["evalue"])).toMatch(/Python/);
  });

  it("serves Python's push and pull, as recorded", async () => {
    const push = await setup.controller.reply(send(of("mux-push", "apply_request")));
    expect(replyFacts(push)).toEqual(replyFacts(of("mux-push", "apply_reply")));
    const theirs = of("mux-pull", "apply_reply");
    const pull = await setup.controller.reply(send(of("mux-pull", "apply_request")));
    expect(replyFacts(pull)).toEqual(replyFacts(theirs));
    expect(pull.buffers).toHaveLength(theirs.buffers.length);
  });

  it("aborts what it has not started: the reply says so, and busy and idle are published", async () => {
    const { controller, uuid } = setup;
    const waiting = of("control-abort", "apply_request", "mux");
    const ids = [String(waiting.header["msg_id"])];
    const reply = await controller.ask("control", uuid, "abort_request", { msg_ids: ids });
    expect(replyFacts(reply)).toEqual(replyFacts(of("control-abort", "abort_reply")));
    const aborted = await controller.reply(send(waiting));
    const recorded = recording("orjson", "control-abort").messages.find(({ content }) => content["status"] === "aborted") as Recorded;
    expect(replyFacts(aborted)).toEqual(replyFacts(recorded));
    expect(aborted.metadata["status"]).toBe("aborted");
    const states = (id: unknown): unknown[] =>
      published("control-abort")
        .filter(({ parent }) => parent["msg_id"] === id)
        .map(({ content }) => content["execution_state"]);
    const output = await controller.output(waiting.header as Header);
    expect(output.map(({ content }) => content["execution_state"])).toEqual(states(recorded.parent["msg_id"]));
  });

  it("aborts the cell behind a failing one", async () => {
    const failing = setup.execute("await new Promise((done) => setTimeout(done, 50)); throw new Error('no')");
    const waiting = setup.execute("2");
    const replies = recording("orjson", "mux-execute-aborted").messages.filter(({ type }) => type === "execute_reply");
    expect([failing, waiting].length).toBe(replies.length);
    for (const [index, request] of [failing, waiting].entries())
      expect(replyFacts(await setup.controller.reply(request))).toEqual(replyFacts(replies[index] as Recorded));
    const theirs = published("mux-execute-aborted").filter(({ parent }) => parent["msg_id"] === replies[1]?.parent["msg_id"]);
    expect(ourOutput(await setup.controller.output(waiting))).toEqual(theirOutput(theirs));
  });

  it("publishes data under the recorded topic, the keys in the content and the values in the buffers", async () => {
    const request = setup.execute(`import { currentTask } from "tsparallel/engine"; currentTask().publish({ answer: 42 })`, { silent: true });
    const output = await setup.controller.output(request);
    expect(ourOutput(output)).toEqual(theirOutput(published("mux-datapub")));
    const theirs = of("mux-datapub", "data_message");
    const ours = output.find(({ type }) => type === "data_message");
    expect(ours?.content).toEqual(theirs.content);
    expect(ours?.message.buffers).toHaveLength(theirs.buffers.length);
  });

  it("answers what front ends ask any kernel, and an interrupt, as recorded", async () => {
    const { controller, uuid } = setup;
    for (const channel of ["mux", "control"] as const) {
      const theirs = of(`${channel}-kernel`, "kernel_info_reply");
      const { header, content } = await controller.ask(channel, uuid, "kernel_info_request");
      expect(shapeOf(header)).toEqual(shapeOf(theirs.header));
      const fixed = ["status", "protocol_version", "implementation", "implementation_version", "banner", "help_links", "language_info"];
      expect(fixed.filter((key) => !(key in theirs.content))).toEqual([]);
      expect(Object.keys(content).toSorted()).toEqual(fixed.toSorted());
      expect(content["protocol_version"]).toBe(theirs.content["protocol_version"]);
    }
    expect((await controller.ask("mux", uuid, "comm_info_request")).content).toEqual(of("mux-kernel", "comm_info_reply").content);
    expect((await controller.ask("control", uuid, "interrupt_request")).content).toEqual(of("control-kernel", "interrupt_reply").content);
  });

  it.each(["mux", "control"] as const)("says nothing but busy and idle to what it does not know, on %s", async (channel) => {
    const { controller, uuid } = setup;
    const request = controller.send(channel, uuid, "sing_request");
    expect(ourOutput(await controller.output(request))).toEqual(theirOutput(published(`${channel}-unknown`)));
  });

  it("answers clear, signal and shutdown on control, and publishes its farewell", async () => {
    expect(replyFacts(await setup.control("clear_request"))).toEqual(replyFacts(of("control-clear", "clear_reply")));
    const signal = await setup.control("signal_request", { sig: 0 });
    // The reference's nanny answers with the type `_request`, by mistake, and empty metadata.
    expect(of("control-signal", "_request").content).toEqual({ status: "ok" });
    expect(signal.header.msg_type).toBe("signal_reply");
    expect(signal.content).toEqual({ status: "ok" });
    expect(replyFacts(await setup.control("shutdown_request", { restart: false }))).toEqual(replyFacts(of("engine-shutdown", "shutdown_reply", "control")));
    await setup.engine.exited;
    const farewell = setup.controller.published.find(({ type }) => type === "shutdown_reply");
    const theirs = of("engine-shutdown", "shutdown_reply", "iopub");
    expect(farewell?.topic).toBe(topic(theirs));
    expect(farewell?.content).toEqual(theirs.content);
    expect(farewell?.message.header.session).toBe(setup.uuid);
    expect(farewell?.message.parentHeader["msg_type"]).toBe(theirs.parent["msg_type"]);
  });
});
