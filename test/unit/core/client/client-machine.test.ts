import { describe, expect, it } from "vitest";
import { engineUuid, msgId } from "../../../../src/base/index.ts";
import { AT, engine, feed, idle, machine, message, okReply, request, uuids } from "./builders.ts";

describe("a request", () => {
  it("is sent, settled by its reply and complete with idle", () => {
    const m = machine();
    const a = request("A");
    expect(feed(m, { type: "submitted", requests: [a] })).toEqual(["send A"]);
    expect(m.outstanding.has("A")).toBe(true);
    expect(feed(m, { type: "replied", at: AT, message: okReply("A", { engine: "E1", started: "2026-01-02T03:04:05.550000Z" }) })).toEqual(["settle A value"]);
    expect(m.outstanding.size).toBe(0);
    expect(feed(m, { type: "published", message: idle("A") })).toEqual(["output A idle", "complete A"]);
    expect(a).toMatchObject({
      state: "ok",
      status: "ok",
      started: "2026-01-02T03:04:05.550000Z",
      completed: "2026-01-02T03:04:05.600000Z",
      received: AT,
      engineUuid: "E1",
      isOutputComplete: true,
    });
  });

  it("is forgotten once, when idle comes before the reply", () => {
    const m = machine();
    feed(m, { type: "submitted", requests: [request("A")] });
    expect(feed(m, { type: "published", message: idle("A") })).toEqual(["output A idle", "complete A"]);
    expect(feed(m, { type: "replied", at: AT, message: okReply("A") })).toEqual(["settle A value"]);
    expect(feed(m, { type: "published", message: idle("A") })).toEqual([]);
  });

  it("fails with the engine's error, whose engine id and host are looked up", () => {
    const m = machine();
    feed(m, { type: "engineJoined", engine: engine(3, { host: "mezcal" }) });
    feed(m, { type: "submitted", requests: [request("A")] });
    const content = { status: "error", ename: "TypeError", evalue: "no", traceback: ["at f"], engine_info: { engine_uuid: "E3", method: "apply" } };
    const effects = m.handle({ type: "replied", at: AT, message: message("apply_reply", "A", content) });
    expect(effects).toEqual([
      expect.objectContaining({
        type: "settle",
        outcome: {
          type: "failure",
          failure: { ename: "TypeError", evalue: "no", traceback: ["at f"], engineInfo: { engineUuid: "E3", engineId: 3, method: "apply", host: "mezcal" } },
        },
      }),
    ]);
  });

  it("has no more output when the scheduler answered for it, or it was aborted", () => {
    const m = machine();
    feed(m, { type: "submitted", requests: [request("A")] });
    feed(m, { type: "submitted", requests: [request("B")] });
    const rejected = message("apply_reply", "A", { status: "error", ename: "ImpossibleDependency", evalue: "", traceback: [], engine_info: {} });
    expect(feed(m, { type: "replied", at: AT, message: rejected })).toEqual(["settle A ImpossibleDependency", "complete A"]);
    expect(feed(m, { type: "replied", at: AT, message: message("apply_reply", "B", { status: "aborted" }) })).toEqual(["settle B TaskAborted", "complete B"]);
  });

  it("is complete without idle when its engine counts its output", () => {
    const m = machine();
    for (const id of ["A", "B", "C"]) feed(m, { type: "submitted", requests: [request(id)] });
    const print = (id: string): string[] => feed(m, { type: "published", message: message("stream", id, { name: "stdout", text: "x" }) });
    expect(feed(m, { type: "replied", at: AT, message: okReply("A", { outputs: 0 }) })).toEqual(["settle A value", "complete A"]);
    expect(m.awaitsOutput("A")).toBe(false);
    print("B");
    expect(feed(m, { type: "replied", at: AT, message: okReply("B", { outputs: 1 }) })).toEqual(["settle B value", "complete B"]);
    print("C");
    expect(feed(m, { type: "replied", at: AT, message: okReply("C", { outputs: 2 }) })).toEqual(["settle C value"]);
    expect(print("C")).toEqual(["output C stdout", "complete C"]);
  });

  it("is not ended by a reply that says it was resubmitted", () => {
    const m = machine();
    feed(m, { type: "submitted", requests: [request("A")] });
    expect(feed(m, { type: "replied", at: AT, message: message("apply_reply", "A", { status: "resubmitted" }) })).toEqual([]);
    expect(m.outstanding.has("A")).toBe(true);
  });
});

describe("a reply that fits nothing", () => {
  it.each([
    ["for an unknown id", okReply("Z")],
    ["that came twice", okReply("A")],
    ["without a parent", { ...okReply("A"), parentHeader: {} }],
    ["whose parent id is no text", { ...okReply("A"), parentHeader: { msg_id: 7 } }],
  ])("%s is dropped and counted", (_, reply) => {
    const m = machine();
    feed(m, { type: "submitted", requests: [request("A")] });
    feed(m, { type: "replied", at: AT, message: okReply("A") });
    expect(feed(m, { type: "replied", at: AT, message: reply })).toEqual([]);
    expect(m.counters.unknownReplies).toBe(1);
  });

  it("for a request that was not sent yet is dropped and counted", () => {
    const m = machine({ messagesMax: 1, bytesMax: 1000 });
    feed(m, { type: "submitted", requests: [request("A")] });
    feed(m, { type: "submitted", requests: [request("B")] });
    expect(feed(m, { type: "replied", at: AT, message: okReply("B") })).toEqual([]);
    expect(m.counters.unknownReplies).toBe(1);
  });
});

describe("the window", () => {
  it("sends further requests of a lane in order as earlier ones are settled", () => {
    const m = machine({ messagesMax: 2, bytesMax: 1000 });
    const submit = (id: string): string[] => feed(m, { type: "submitted", requests: [request(id)] });
    expect(["A", "B", "C", "D"].map(submit)).toEqual([["send A"], ["send B"], [], []]);
    expect(feed(m, { type: "replied", at: AT, message: okReply("B") })).toEqual(["settle B value", "send C"]);
    expect(feed(m, { type: "replied", at: AT, message: okReply("A") })).toEqual(["settle A value", "send D"]);
    expect(m.window).toEqual({ messages: 2, bytes: 20, waiting: 0 });
  });

  it("keeps engines and the task channel apart", () => {
    const m = machine({ messagesMax: 1, bytesMax: 1000 });
    const mux = (id: string, uuid: string): string[] => feed(m, { type: "submitted", requests: [request(id, { channel: "mux", targets: uuids(uuid) })] });
    expect(mux("A", "E0")).toEqual(["send A"]);
    expect(mux("B", "E0")).toEqual([]);
    expect(mux("C", "E1")).toEqual(["send C"]);
    expect(feed(m, { type: "submitted", requests: [request("D")] })).toEqual(["send D"]);
  });

  it("lets one message larger than the lane go alone", () => {
    const m = machine({ messagesMax: 10, bytesMax: 100 });
    expect(feed(m, { type: "submitted", requests: [request("A", { bytes: 500 })] })).toEqual(["send A"]);
    expect(feed(m, { type: "submitted", requests: [request("B", { bytes: 500 })] })).toEqual([]);
    expect(feed(m, { type: "replied", at: AT, message: okReply("A") })).toEqual(["settle A value", "send B"]);
  });

  it("skips what was aborted while it waited", () => {
    const m = machine({ messagesMax: 1, bytesMax: 1000 });
    for (const id of ["A", "B", "C"]) feed(m, { type: "submitted", requests: [request(id)] });
    expect(feed(m, { type: "aborted", msgIds: [msgId("A"), msgId("B"), msgId("Z")] })).toEqual(["settle B TaskAborted", "complete B"]);
    expect(feed(m, { type: "replied", at: AT, message: okReply("A") })).toEqual(["settle A value", "send C"]);
  });
});

describe("an engine that leaves", () => {
  it("fails its mux requests at once, sent or waiting, and leaves tasks to their scheduler", () => {
    const m = machine({ messagesMax: 1, bytesMax: 1000 });
    feed(m, { type: "engineJoined", engine: engine(0) });
    feed(m, { type: "engineJoined", engine: engine(1) });
    feed(m, { type: "submitted", requests: [request("A", { channel: "mux", targets: uuids("E0") })] });
    feed(m, { type: "submitted", requests: [request("B", { channel: "mux", targets: uuids("E0") })] });
    feed(m, { type: "submitted", requests: [request("C", { channel: "mux", targets: uuids("E1") })] });
    feed(m, { type: "submitted", requests: [request("T")] });
    expect(feed(m, { type: "engineLeft", uuid: engineUuid("E0") })).toEqual([
      "settle B EngineError",
      "complete B",
      "settle A EngineError",
      "complete A",
      "engineLeft 0",
    ]);
    expect([...m.outstanding.keys()]).toEqual(["C", "T"]);
    expect(m.story(msgId("B"))).toEqual([{ msgId: "B", event: "engineLeft", from: "waiting", to: "failed" }]);
  });

  it("ends the waiting for output that it can no longer send", () => {
    const m = machine();
    feed(m, { type: "engineJoined", engine: engine(0) });
    feed(m, { type: "submitted", requests: [request("A")] });
    feed(m, { type: "replied", at: AT, message: okReply("A", { engine: "E0" }) });
    expect(feed(m, { type: "engineLeft", uuid: engineUuid("E0") })).toEqual(["complete A", "engineLeft 0"]);
  });

  it("answers the questions that were put to it", () => {
    const m = machine();
    feed(m, { type: "engineJoined", engine: engine(0) });
    feed(m, { type: "asked", msgId: msgId("Q"), engine: engineUuid("E0"), asker: "me" });
    feed(m, { type: "asked", msgId: msgId("R"), asker: "you" });
    expect(feed(m, { type: "engineLeft", uuid: engineUuid("E0") })).toEqual(["answer me engineLeft", "engineLeft 0"]);
    expect(feed(m, { type: "answered", message: message("any_reply", "R") })).toEqual(["answer you answer"]);
  });

  it("is nothing when it was not known", () => {
    expect(feed(machine(), { type: "engineLeft", uuid: engineUuid("E9") })).toEqual([]);
  });
});

describe("a broadcast", () => {
  it("is one message; each engine's reply settles its own part, and the last frees the room", () => {
    const m = machine({ messagesMax: 1, bytesMax: 1000 });
    const parts = ["E0", "E1"].map((uuid) => request(`A_${uuid}`, { channel: "broadcast", targets: uuids(uuid) }));
    expect(feed(m, { type: "submitted", requests: parts })).toEqual(["send A_E0"]);
    const next = ["E0", "E1"].map((uuid) => request(`B_${uuid}`, { channel: "broadcast", targets: uuids(uuid) }));
    expect(feed(m, { type: "submitted", requests: next })).toEqual([]);
    expect(feed(m, { type: "replied", at: AT, message: okReply("A_E1") })).toEqual(["settle A_E1 value"]);
    expect(feed(m, { type: "replied", at: AT, message: okReply("A_E0") })).toEqual(["settle A_E0 value", "send B_E0"]);
  });

  it("coalesced is answered under the original id, with its engines in the order of the buffers", () => {
    const m = machine();
    const a = request("A", { channel: "broadcast", targets: uuids("E0", "E1") });
    feed(m, { type: "submitted", requests: [a] });
    const metadata = {
      is_broadcast: true,
      is_coalescing: true,
      original_msg_id: "A",
      broadcast_targets: [
        ["E1", 1],
        ["E0", 0],
      ],
    };
    expect(feed(m, { type: "replied", at: AT, message: okReply("A_E1", metadata) })).toEqual(["settle A value"]);
    expect(a).toMatchObject({ engineUuid: ["E1", "E0"], engineId: [1, 0] });
    expect(feed(m, { type: "published", message: idle("A_E0") })).toEqual(["output A idle"]);
    expect(feed(m, { type: "published", message: idle("A_E1") })).toEqual(["output A idle", "complete A"]);
  });

  it("coalesced fails as a whole when one of its engines leaves", () => {
    const m = machine();
    feed(m, { type: "engineJoined", engine: engine(1) });
    feed(m, { type: "submitted", requests: [request("A", { channel: "broadcast", targets: uuids("E0", "E1") })] });
    expect(feed(m, { type: "engineLeft", uuid: engineUuid("E1") })).toEqual(["settle A EngineError", "complete A", "engineLeft 1"]);
  });
});

describe("closing", () => {
  it("ends everything and sends nothing more", () => {
    const m = machine({ messagesMax: 1, bytesMax: 1000 });
    for (const id of ["A", "B", "C"]) feed(m, { type: "submitted", requests: [request(id)] });
    feed(m, { type: "replied", at: AT, message: okReply("A") });
    feed(m, { type: "asked", msgId: msgId("Q"), asker: "me" });
    expect(feed(m, { type: "closed", reason: "over", cause: "closed" })).toEqual([
      "settle C lost",
      "complete C",
      "settle B lost",
      "complete B",
      "complete A",
      "answer me lost",
    ]);
    expect(m.window).toEqual({ messages: 0, bytes: 0, waiting: 0 });
  });
});

describe("questions", () => {
  it("given up by the asker are not answered, and the late answer is counted", () => {
    const m = machine();
    feed(m, { type: "asked", msgId: msgId("Q"), asker: "me" });
    feed(m, { type: "abandoned", msgId: msgId("Q") });
    expect(feed(m, { type: "answered", message: message("any_reply", "Q") })).toEqual([]);
    expect(m.counters.unknownAnswers).toBe(1);
  });
});

it("a broadcast that waited is sent for the engines that are left", () => {
  const m = machine({ messagesMax: 1, bytesMax: 1000 });
  for (const id of [0, 1]) feed(m, { type: "engineJoined", engine: engine(id) });
  feed(m, { type: "submitted", requests: [request("A_E1", { channel: "broadcast", targets: uuids("E1") })] });
  const waiting = ["E0", "E1"].map((uuid) => request(`B_${uuid}`, { channel: "broadcast", targets: uuids(uuid) }));
  feed(m, { type: "submitted", requests: waiting });
  expect(feed(m, { type: "engineLeft", uuid: engineUuid("E0") })).toEqual(["settle B_E0 EngineError", "complete B_E0", "engineLeft 0"]);
  expect(feed(m, { type: "replied", at: AT, message: okReply("A_E1") })).toEqual(["settle A_E1 value", "send B_E1"]);
  expect(feed(m, { type: "replied", at: AT, message: okReply("B_E1") })).toEqual(["settle B_E1 value"]);
});
