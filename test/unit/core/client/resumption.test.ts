// What becomes of requests when the controller goes and when one is there again.

import { describe, expect, it } from "vitest";
import { engineUuid, msgId } from "../../../../src/base/index.ts";
import type { EngineFacts } from "../../../../src/core/client/index.ts";
import { AT, engine, feed, idle, machine, message, okReply, request, uuids, type Machine } from "./builders.ts";

const REASON = "it went";

/** A machine that knows engines 0 and 1. */
function withEngines(): Machine {
  const m = machine();
  for (const id of [0, 1]) feed(m, { type: "engineJoined", engine: engine(id) });
  return m;
}

const mux = (id: string, on = "E0"): ReturnType<typeof request> => request(id, { channel: "mux", targets: uuids(on) });

function submit(m: Machine, ...requests: readonly ReturnType<typeof request>[]): string[] {
  return requests.flatMap((one) => feed(m, { type: "submitted", requests: [one] }));
}

const lose = (m: Machine): string[] => feed(m, { type: "controllerLost", reason: REASON });
const inquired = (m: Machine, isSameLife: boolean, ...pending: string[]): string[] => feed(m, { type: "inquired", isSameLife, pending: new Set(pending) });

function list(m: Machine, ...engines: readonly EngineFacts[]): string[] {
  feed(m, { type: "listingAsked", msgId: msgId("q") });
  return feed(m, { type: "listed", msgId: msgId("q"), engines, keepsRequests: true });
}

describe("a controller that goes", () => {
  it("ends questions and the wait for output, and nothing is sent until one is back", () => {
    const m = withEngines();
    submit(m, request("done"), mux("open"));
    feed(m, { type: "replied", message: okReply("done"), at: AT });
    feed(m, { type: "asked", msgId: msgId("q"), asker: "me" });
    expect(lose(m)).toEqual(["complete done", "answer me controllerLost"]);
    expect(submit(m, request("later"), mux("later too"))).toEqual([]);
    expect([feed(m, { type: "published", message: idle("done") }), m.window]).toEqual([[], { messages: 1, bytes: 10, waiting: 2 }]);
    expect(feed(m, { type: "controllerBack" })).toEqual(["send later too", "send later"]);
  });

  it("that does not come back fails everything with its own outcome", () => {
    const m = withEngines();
    submit(m, request("sent"));
    lose(m);
    submit(m, request("waiting"));
    expect(feed(m, { type: "closed", reason: REASON, cause: "controllerLost" })).toEqual([
      "settle waiting controllerLost",
      "complete waiting",
      "settle sent controllerLost",
      "complete sent",
    ]);
  });

  it("leaves to abort what waits", () => {
    const m = withEngines();
    lose(m);
    submit(m, request("waiting"));
    expect(feed(m, { type: "aborted", msgIds: [msgId("waiting")] })).toEqual(["settle waiting TaskAborted", "complete waiting"]);
    expect(feed(m, { type: "controllerBack" })).toEqual([]);
  });
});

describe("a controller that is there again", () => {
  it("the same: what its Hub has is taken, what it waits for goes on, what it does not know fails or is asked for", () => {
    const m = withEngines();
    submit(m, request("done"), request("running"), request("unknown"), mux("direct"), mux("direct unknown"), mux("elsewhere", "E1"));
    lose(m);
    expect(list(m, engine(0), engine(1))).toEqual([]);
    expect(feed(m, { type: "recovered", msgId: msgId("done"), message: okReply("done"), at: AT })).toEqual(["settle done value", "complete done"]);
    expect(inquired(m, true, "running", "direct")).toEqual([
      "settle unknown controllerLost",
      "complete unknown",
      "fence 0 behind direct unknown",
      "fence 1 behind elsewhere",
    ]);
    feed(m, { type: "controllerBack" });
    expect(feed(m, { type: "replied", message: okReply("direct"), at: AT })).toEqual(["settle direct value"]);
    expect(feed(m, { type: "replied", message: okReply("elsewhere"), at: AT })).toEqual(["settle elsewhere value"]);
    expect(feed(m, { type: "fenceReached", msgIds: [msgId("elsewhere")] })).toEqual([]);
    expect(feed(m, { type: "fenceReached", msgIds: [msgId("direct unknown")] })).toEqual(["settle direct unknown controllerLost", "complete direct unknown"]);
    expect([...m.outstanding.keys()]).toEqual(["running"]);
  });

  it("another: tasks and broadcasts are lost with its queue, whatever its store says, and engines are asked for direct requests", () => {
    const m = withEngines();
    const broadcast = request("broadcast", { channel: "broadcast", targets: uuids("E0", "E1") });
    submit(m, request("task"), broadcast, mux("direct"), mux("gone", "E1"));
    lose(m);
    // The engine is not failed at once when it is missing: it may be on its way.
    expect(list(m, engine(0))).toEqual(["engineLeft 1"]);
    expect(inquired(m, false, "task", "direct", "gone")).toEqual([
      "settle task controllerLost",
      "complete task",
      "settle broadcast controllerLost",
      "complete broadcast",
      "settle gone controllerLost",
      "complete gone",
      "fence 0 behind direct",
    ]);
  });

  it("what was never sent is sent, unless its engine is not there any more", () => {
    const m = withEngines();
    lose(m);
    submit(m, mux("stays"), mux("cannot", "E1"), request("task"));
    list(m, engine(0));
    expect(inquired(m, false)).toEqual(["settle cannot controllerLost", "complete cannot"]);
    expect(feed(m, { type: "controllerBack" })).toEqual(["send stays", "send task"]);
  });

  it("an engine that leaves before its fence is answered fails its requests as ever", () => {
    const m = withEngines();
    submit(m, mux("direct"));
    lose(m);
    list(m, engine(0));
    inquired(m, false);
    expect(feed(m, { type: "engineLeft", uuid: engineUuid("E0") })).toEqual(["settle direct EngineError", "complete direct", "engineLeft 0"]);
    expect(feed(m, { type: "fenceReached", msgIds: [msgId("direct")] })).toEqual([]);
  });

  it("an error from the store fails the request with it, and a result that is none leaves it outstanding", () => {
    const m = withEngines();
    submit(m, request("bad"), request("odd"));
    lose(m);
    const failed = message("apply_reply", "bad", { status: "error", ename: "TypeError", evalue: "no" });
    expect(feed(m, { type: "recovered", msgId: msgId("bad"), message: failed, at: AT })).toEqual(["settle bad TypeError", "complete bad"]);
    const resubmitted = message("apply_reply", "odd", { status: "resubmitted" });
    expect(feed(m, { type: "recovered", msgId: msgId("odd"), message: resubmitted, at: AT })).toEqual([]);
    expect(feed(m, { type: "recovered", msgId: msgId("never"), message: okReply("never"), at: AT })).toEqual([]);
    expect(inquired(m, true)).toEqual(["settle odd controllerLost", "complete odd"]);
  });
});
