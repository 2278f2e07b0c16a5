// Our controller among recorded peers: a client and two engines that send, byte for byte, what ipyparallel's programs were
// recorded sending. What is relayed must arrive unchanged, and what the controller itself answers must have the shape of the
// recorded controller's answers.

import { describe, expect, it } from "vitest";
import { withController, type ControllerBench } from "../support/controller.ts";
import { PACKERS, recording, theRecorded, type Packer, type Recorded } from "../support/recordings.ts";
import { isAnswer, Replay, ReplayClient, ReplayEngine, type Arrived } from "../support/replay.ts";
import { shapeOf, without } from "../support/shapes.ts";
import { hmacSigner } from "../../src/net/index.ts";

/** What our controller says beyond the reference, by message type. */
const ADDITIONS: Readonly<Record<string, readonly string[]>> = {
  connection_reply: ["control", "packing", "properties"],
  registration_reply: ["packing"],
  registration_notification: ["properties"],
};
const utf8 = (frame: Uint8Array | undefined): string => Buffer.from(frame ?? []).toString("utf8");

/** Expects an answer of ours to have the shape of the recorded one, and to be signed. */
function expectShape(ours: Arrived, theirs: Recorded, key: string): void {
  const additions = ADDITIONS[theirs.type] ?? [];
  expect(ours.header["msg_type"]).toBe(theirs.type);
  expect(shapeOf(ours.header)).toEqual(shapeOf(theirs.header));
  expect(shapeOf(ours.parent)).toEqual(shapeOf(theirs.parent));
  expect(shapeOf(ours.metadata)).toEqual(shapeOf(theirs.metadata));
  expect(shapeOf(comparable(without(ours.content, additions)))).toEqual(shapeOf(comparable(theirs.content)));
  expect(ours.buffers).toHaveLength(theirs.buffers.length);
  const [signature, ...signed] = ours.frames.slice(0, 5) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  expect(utf8(hmacSigner(key, "hmac-sha256").sign(signed[0], signed[1], signed[2], signed[3]))).toBe(utf8(signature));
}

/** Without what is free: how many lines a traceback has. */
function comparable(content: object): object {
  return "traceback" in content ? { ...content, traceback: ["line"] } : content;
}

/** A controller with the recorded key, the recorded client connected and both recorded engines registered. */
async function withReplay(packer: Packer, use: (replay: Replay, bench: ControllerBench) => Promise<void>): Promise<void> {
  const registration = recording(packer, "registration");
  await withController({ key: registration.key }, async (bench) => {
    const { transport, controller } = bench;
    const client = new ReplayClient(transport, controller.clientConnection);
    const connection = recording(packer, "connection");
    const request = theRecorded(connection, "connection_request");
    const theirs = connection.messages.find(({ type, parent }) => type === "connection_reply" && parent["msg_id"] === request.header["msg_id"]) as Recorded;
    expectShape(await client.ask(request), theirs, registration.key);
    const engines: ReplayEngine[] = [];
    for (const nth of [0, 1]) {
      const { engine, reply } = await ReplayEngine.register(
        transport,
        controller.engineConnection,
        theRecorded(registration, "registration_request", "registration", nth),
      );
      const recorded = theRecorded(registration, "registration_reply", "registration", nth);
      expectShape(reply, recorded, registration.key);
      expect(reply.content["id"]).toBe(recorded.content["id"]);
      engines.push(engine);
      const notice = await client.channels.notification.inbox.next();
      const notified = theRecorded(registration, "registration_notification", "notification", nth);
      expectShape(notice, notified, registration.key);
      expect(without(notice.content, ["properties"])).toEqual(notified.content);
      expect(notice.prefix).toEqual([]);
    }
    const replay = new Replay(packer, client, engines);
    await replay.hearEngines();
    await use(replay, bench);
  });
}

/** The recorded answer to a recorded request. */
function answerTo(replay: Replay, step: string, request: Recorded): Recorded {
  const found = replay.recording(step).messages.find((message) => message.channel === request.channel && isAnswer(message, request));
  if (found === undefined) throw new Error(`${step} holds no answer to ${request.type}`);
  return found;
}

/** Asks the Hub everything that was asked in a step, and compares each answer; gives ours by request. */
async function askAll(replay: Replay, step: string, skipped: readonly string[] = []): Promise<{ request: Recorded; ours: Arrived; theirs: Recorded }[]> {
  const pairs: { request: Recorded; ours: Arrived; theirs: Recorded }[] = [];
  const { messages, key } = replay.recording(step);
  for (const request of messages.filter((one) => one.channel === "registration" && one.type.endsWith("_request") && !skipped.includes(one.type))) {
    const ours = await replay.client.ask(request);
    const theirs = answerTo(replay, step, request);
    expectShape(ours, theirs, key);
    pairs.push({ request, ours, theirs });
  }
  return pairs;
}

const facts = (content: object): object => without(content, ["traceback"]);

describe.each(PACKERS)("a controller of ours among peers recorded with %s", (packer) => {
  it("relays every message of mux and control, and all output, byte for byte", async () => {
    await withReplay(packer, async (replay) => {
      const calls = ["apply", "apply-error", "push", "pull", "reference", "large-buffer", "datapub"];
      const cells = ["execute", "execute-silent", "execute-error", "execute-aborted", "odd-values"];
      const mux = [...calls, ...cells, "comm", "comm-in", "kernel", "unknown"].map((step) => `mux-${step}`);
      const all = [...mux, ...["abort", "clear", "signal", "kernel", "unknown"].map((step) => `control-${step}`)];
      for (const step of all) expect(await replay.relay(step)).toBe(replay.recording(step).messages.length);
    });
  });

  it("hands tasks out and results back byte for byte, and fails tasks as the reference does", async () => {
    await withReplay(packer, async (replay) => {
      await replay.relay("task-apply");
      await replay.relay("task-error");
      await replay.relay("task-execute");
      for (const step of ["task-invalid-dependency", "task-impossible-dependency", "task-timeout"]) {
        const found = replay.recording(step);
        const requests = found.messages.filter(({ channel, type }) => channel === "task" && type === "apply_request");
        const takers = [];
        for (const request of requests.slice(0, -1)) {
          const engine = await replay.relayRequest(request);
          takers.push({ engine, reply: answerTo(replay, step, request) });
          if (step === "task-impossible-dependency") await replay.relayReply(answerTo(replay, step, request), engine);
        }
        const failing = requests.at(-1) as Recorded;
        const ours = await replay.client.ask(failing);
        const theirs = answerTo(replay, step, failing);
        expectShape(ours, theirs, found.key);
        expect(ours.prefix).toEqual([]);
        expect(ours.parent).toEqual(failing.header);
        expect(ours.metadata).toEqual({});
        expect(facts(ours.content)).toMatchObject({ status: "error", ename: theirs.content["ename"], engine_info: {} });
        if (step === "task-timeout") for (const { engine, reply } of takers) await replay.relayReply(reply, engine);
      }
    });
  });

  it("takes a task that engines reject to the next one, and fails it when none is left", async () => {
    await withReplay(packer, async (replay) => {
      const found = replay.recording("task-unmet");
      const request = theRecorded(found, "apply_request");
      const rejections = found.messages.filter(({ metadata }) => metadata["dependencies_met"] === false);
      expect(rejections).toHaveLength(2);
      const first = await replay.relayRequest(request);
      first.send(rejections.find(({ header }) => header["session"] === first.uuid) as Recorded);
      const second = replay.engines.find((engine) => engine !== first) as ReplayEngine;
      const again = await second.request("task", request.header["msg_id"]);
      expect(again.is(request)).toBe(true);
      second.send(rejections.find(({ header }) => header["session"] === second.uuid) as Recorded);
      const ours = await replay.client.answer(request);
      const theirs = found.messages.find(({ type, content }) => type === "apply_reply" && content["ename"] === "ImpossibleDependency") as Recorded;
      expectShape(ours, theirs, found.key);
      expect([ours.prefix, ours.metadata, ours.content["ename"]]).toEqual([[], theirs.metadata, theirs.content["ename"]]);
    });
  });

  it("derives the messages of a broadcast as the reference does, and relays or gathers the replies", async () => {
    await withReplay(packer, async (replay) => {
      for (const step of ["broadcast-plain", "broadcast-error", "broadcast-execute", "broadcast-coalescing"]) {
        const found = replay.recording(step);
        const request = found.messages.find(({ hops }) => hops.some(({ at, way }) => at === "client" && way === "out")) as Recorded;
        replay.client.send(request);
        const replies = found.messages
          .filter(({ hops }) => hops.some(({ at, way }) => at === "engine" && way === "out"))
          .filter(({ channel }) => channel === "broadcast");
        for (const reply of replies) {
          const engine = replay.engineOf(reply);
          const theirs = found.messages.find(({ header }) => header["msg_id"] === reply.parent["msg_id"]) as Recorded;
          const ours = await engine.request("broadcast", theirs.header["msg_id"]);
          expect(ours.header).toEqual(theirs.header);
          expect(ours.parent).toEqual(theirs.parent);
          expect(without(ours.metadata, ["targets"])).toEqual(without(theirs.metadata, ["targets"]));
          expect(ours.content).toEqual(theirs.content);
          expect(ours.buffers).toEqual(theirs.buffers);
          if (step === "broadcast-coalescing") engine.send(reply);
          else await replay.relayReply(reply, engine);
        }
        if (step !== "broadcast-coalescing") continue;
        const gathered = found.messages.find(({ metadata }) => "broadcast_targets" in metadata) as Recorded;
        const ours = await replay.client.channels.broadcast.inbox.next((one) => one.metadata["original_msg_id"] === request.header["msg_id"]);
        expectShape(ours, gathered, found.key);
        expect(ours.prefix).toEqual([]);
        expect(without(ours.metadata, ["broadcast_targets", "engine", "started"])).toEqual(
          without(gathered.metadata, ["broadcast_targets", "engine", "started"]),
        );
        expect(ours.metadata["broadcast_targets"]).toEqual(request.metadata["targets"]);
      }
    });
  });

  it("answers every query to the Hub in the recorded shape, errors by the recorded name and text", async () => {
    await withReplay(packer, async (replay) => {
      for (const step of ["mux-apply", "task-apply"]) await replay.relay(step);
      await askAll(replay, "hub-queue");
      const [load] = replay.recording("hub-load").messages.filter(({ type }) => type === "load_request");
      expect((await replay.client.ask(load as Recorded)).content).toEqual({ status: "ok", "0": 0, "1": 0 });
      const results = await askAll(replay, "hub-results");
      for (const { ours, theirs } of results) expect(Object.keys(ours.content).toSorted()).toEqual(Object.keys(theirs.content).toSorted());
      const history = await askAll(replay, "hub-history");
      const known = history.map(({ ours }) => ours.content["history"] as string[]).flat();
      expect(known.length).toBe(3);
      for (const { ours, theirs } of await askAll(replay, "hub-db")) expect(ours.buffers.map(utf8)).toEqual(theirs.buffers.map(utf8));
      const purge = await askAll(replay, "hub-purge");
      const errors = await askAll(replay, "hub-errors");
      for (const { ours, theirs } of [...results, ...purge, ...errors].filter((pair) => pair.theirs.content["status"] === "error"))
        expect(facts(ours.content)).toEqual(facts(theirs.content));
    });
  });

  it("resubmits a recorded task: a new id and date, all else of the header kept", async () => {
    await withReplay(packer, async (replay) => {
      await replay.relay("mux-apply");
      await replay.relay("task-apply");
      const found = replay.recording("hub-resubmit");
      const request = theRecorded(found, "resubmit_request");
      const ours = await replay.client.ask(request);
      expectShape(ours, theRecorded(found, "resubmit_reply"), found.key);
      const [[oldId, newId]] = Object.entries(ours.content["resubmitted"] as object) as [[string, string]];
      const original = theRecorded(replay.recording("task-apply"), "apply_request");
      expect(oldId).toBe(original.header["msg_id"]);
      const again = await Promise.race(replay.engines.map(async (engine) => engine.request("task", newId)));
      expect(without(again.header, ["msg_id", "date"])).toEqual(without(original.header, ["msg_id", "date"]));
      expect(again.content).toEqual(original.content);
      expect(again.buffers).toEqual(original.buffers);
    });
  });

  it("takes the farewell that an engine publishes for its end, and a client's for its own", async () => {
    await withReplay(packer, async (replay, { controller }) => {
      const found = replay.recording("engine-shutdown");
      await replay.relayRequest(theRecorded(found, "shutdown_request"));
      await replay.relayOutput(theRecorded(found, "shutdown_reply", "iopub"));
      const notice = await replay.client.channels.notification.inbox.next();
      expect(notice.content).toEqual(theRecorded(found, "unregistration_notification").content);
      const last = replay.recording("hub-shutdown");
      const reply = await replay.client.ask(theRecorded(last, "shutdown_request"));
      expectShape(reply, theRecorded(last, "shutdown_reply"), last.key);
      expectShape(await replay.client.channels.notification.inbox.next(), theRecorded(last, "shutdown_notification"), last.key);
      expect(await controller.closed).toBe("shutdown requested");
    });
  });
});

/** The replay's second engine dies with a task. */
async function dieWithTask(packer: Packer): Promise<void> {
  await withReplay(packer, async (replay) => {
    const found = replay.recording("engine-death");
    const request = theRecorded(found, "apply_request");
    await replay.relayRequest(request);
    const [, dying] = replay.engines;
    dying?.registration.socket.send([Buffer.from("<IDS|MSG>"), ...theRecorded(found, "unregistration_request").frames]);
    const notice = await replay.client.channels.notification.inbox.next();
    const notified = theRecorded(found, "unregistration_notification");
    expectShape(notice, notified, found.key);
    expect(notice.content).toEqual(notified.content);
    const theirs = theRecorded(found, "apply_reply");
    const ours = await replay.client.answer(request);
    expectShape(ours, theirs, found.key);
    expect(without(ours.metadata, ["date"])).toEqual(without(theirs.metadata, ["date"]));
    expect(ours.prefix.map(utf8)).toEqual([dying?.uuid]);
    expect(ours.content["ename"]).toBe("EngineError");
  });
}

// The scheduler waits five seconds for a reply that may be on its way: with both packers at once.
it("announces an engine's death and fails its task with EngineError, in the recorded shapes", async () => {
  await Promise.all(PACKERS.map(dieWithTask));
});
