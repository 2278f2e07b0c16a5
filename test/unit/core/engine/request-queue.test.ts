import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { msgId } from "../../../../src/base/index.ts";
import { RequestQueue, type EngineEffect, type EngineEvent, type QueuedRequest, type RequestKind } from "../../../../src/core/engine/index.ts";

const request = (serial: number, kind: RequestKind = "apply", bytes = 10): QueuedRequest => ({
  serial,
  msgId: msgId(`m${serial}`),
  kind,
  bytes,
  countsOutputs: false,
});
const arrived = (serial: number, kind: RequestKind = "apply", bytes = 10): EngineEvent => ({ type: "requestArrived", request: request(serial, kind, bytes) });
const finished = (serial: number, stopsQueue = false): EngineEvent => ({ type: "requestFinished", serial, status: stopsQueue ? "error" : "ok", stopsQueue });

const told = (effects: readonly EngineEffect[]): string[] =>
  effects.map((effect) => {
    if (effect.type === "publishStatus") return effect.serial === null ? effect.state : `${effect.state} ${effect.serial}`;
    if ("tellsOutputs" in effect && effect.tellsOutputs) return `${effect.type} ${effect.serial} with outputs`;
    return "serial" in effect ? `${effect.type} ${effect.serial}` : effect.type;
  });

/** A started queue that checks its invariants after every event. */
function queue(config: ConstructorParameters<typeof RequestQueue>[0] = {}): {
  readonly machine: RequestQueue;
  readonly feed: (...events: EngineEvent[]) => string[];
} {
  const machine = new RequestQueue(config);
  const feed = (...events: EngineEvent[]): string[] =>
    events.flatMap((event) => {
      const effects = machine.handle(event);
      machine.validate();
      return told(effects);
    });
  feed({ type: "started" });
  return { machine, feed };
}

describe("the queue of requests", () => {
  it("says starting, and runs what arrived before the start", () => {
    const machine = new RequestQueue();
    expect(told(machine.handle(arrived(1)))).toEqual([]);
    expect(told(machine.handle({ type: "started" }))).toEqual(["starting", "busy 1", "run 1"]);
  });

  it("runs one request: busy, run, reply, idle", () => {
    const { feed } = queue();
    expect(feed(arrived(1))).toEqual(["busy 1", "run 1"]);
    expect(feed(finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1"]);
  });

  it("runs requests one at a time in the order of arrival, whatever their kind", () => {
    const { feed } = queue();
    expect(feed(arrived(1), arrived(2, "execute"), arrived(3, "other"))).toEqual(["busy 1", "run 1"]);
    expect(feed(finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1", "busy 2", "run 2"]);
    expect(feed(finished(2))).toEqual(["sendReply 2", "idle 2", "forget 2", "busy 3", "run 3"]);
    expect(feed(finished(3))).toEqual(["sendReply 3", "idle 3", "forget 3"]);
  });

  it("ignores the late end of a request that is not the running one", () => {
    const { feed } = queue();
    feed(arrived(1), arrived(2));
    expect(feed(finished(1), finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1", "busy 2", "run 2"]);
    expect(feed(finished(7))).toEqual([]);
  });
});

describe("a request whose sender counts its output messages", () => {
  const counted = (serial: number, kind: RequestKind = "apply"): EngineEvent => ({
    type: "requestArrived",
    request: { ...request(serial, kind), countsOutputs: true },
  });

  it("has no busy and no idle; its reply tells the number", () => {
    const { feed } = queue();
    expect(feed(counted(1))).toEqual(["run 1"]);
    expect(feed(finished(1))).toEqual(["sendReply 1 with outputs", "forget 1"]);
  });

  it("is likewise when it is aborted, one by one or with all", () => {
    const { feed } = queue();
    feed(arrived(1), counted(2), counted(3, "execute"));
    feed({ type: "abortRequested", msgIds: [msgId("m2")] }, { type: "abortRequested", msgIds: "all" }, finished(1));
    expect(feed({ type: "intakeSettled" })).toEqual([
      "sendReply 1",
      "idle 1",
      "forget 1",
      "sendAborted 3 with outputs",
      "forget 3",
      "sendAborted 2 with outputs",
      "forget 2",
    ]);
  });

  it("does not take the status from the others in the queue", () => {
    const { feed } = queue();
    feed(counted(1), arrived(2));
    expect(feed(finished(1))).toEqual(["sendReply 1 with outputs", "forget 1", "busy 2", "run 2"]);
    expect(feed(finished(2))).toEqual(["sendReply 2", "idle 2", "forget 2"]);
  });
});

describe("a request of the task channel", () => {
  const task = (serial: number, ordinal: number, kind: RequestKind = "apply"): EngineEvent => ({
    type: "requestArrived",
    request: { ...request(serial, kind), ordinal },
  });

  it("is claimed before anything is said of it", () => {
    const { feed } = queue();
    expect(feed(task(1, 1))).toEqual(["claim 1"]);
    expect(feed({ type: "claimed", serial: 1 })).toEqual(["busy 1", "run 1"]);
  });

  it("goes back without a word when it was recalled before it was claimed, and so do those that wait behind it", () => {
    const { feed } = queue();
    feed(task(1, 1), task(2, 2), task(3, 3), arrived(4));
    expect(feed({ type: "tasksRecalled", through: 2 })).toEqual(["giveBack 2", "forget 2", "giveBack 1", "forget 1", "claim 3"]);
    expect(feed({ type: "claimed", serial: 3 }, finished(3))).toEqual(["busy 3", "run 3", "sendReply 3", "idle 3", "forget 3", "busy 4", "run 4"]);
  });

  it("stays when it runs already", () => {
    const { feed } = queue();
    feed(task(1, 1), { type: "claimed", serial: 1 }, task(2, 2));
    expect(feed({ type: "tasksRecalled", through: 2 })).toEqual(["giveBack 2", "forget 2"]);
    expect(feed(finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1"]);
  });

  it("is aborted once it is claimed, when its abort came before", () => {
    const { feed } = queue();
    feed(task(1, 1, "execute"), { type: "abortRequested", msgIds: "all" });
    expect(feed({ type: "claimed", serial: 1 })).toEqual(["busy 1", "sendAborted 1", "idle 1", "forget 1"]);
  });

  it("goes back unaborted when it was recalled before the abort took effect, and runs when it comes again", () => {
    const { feed } = queue();
    feed(task(1, 1, "execute"), { type: "abortRequested", msgIds: "all" }, { type: "tasksRecalled", through: 1 });
    expect(feed(task(2, 2, "execute"), { type: "claimed", serial: 2 })).toEqual(["claim 2", "busy 2", "run 2"]);
  });

  it("is not started by a claim of another", () => {
    const { feed } = queue();
    feed(task(1, 1));
    expect(feed({ type: "claimed", serial: 7 })).toEqual([]);
  });
});

describe("aborting", () => {
  it("answers a listed request with aborted when it is reached, and runs the next", () => {
    const { feed } = queue();
    feed(arrived(1), arrived(2), arrived(3));
    expect(feed({ type: "abortRequested", msgIds: [msgId("m2")] })).toEqual([]);
    expect(feed(finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1", "busy 2", "sendAborted 2", "idle 2", "forget 2", "busy 3", "run 3"]);
  });

  it("holds for a request that arrives later, once", () => {
    const { feed } = queue();
    feed({ type: "abortRequested", msgIds: [msgId("m1")] });
    expect(feed(arrived(1))).toEqual(["busy 1", "sendAborted 1", "idle 1", "forget 1"]);
    expect(feed({ type: "requestArrived", request: { ...request(2), msgId: msgId("m1") } })).toEqual(["busy 2", "run 2"]);
  });

  it("does not touch the running request", () => {
    const { feed } = queue();
    feed(arrived(1));
    expect(feed({ type: "abortRequested", msgIds: [msgId("m1")] }, finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1"]);
  });

  it("of everything aborts the execute requests that wait, not the applies", () => {
    const { feed } = queue();
    feed(arrived(1), arrived(2, "execute"), arrived(3), { type: "abortRequested", msgIds: "all" });
    expect(feed(finished(1))).toEqual(["settleIntake"]);
    expect(feed(arrived(4, "execute"))).toEqual([]);
    expect(feed({ type: "intakeSettled" })).toEqual([
      "sendReply 1",
      "idle 1",
      "forget 1",
      "busy 2",
      "sendAborted 2",
      "idle 2",
      "forget 2",
      "busy 4",
      "sendAborted 4",
      "idle 4",
      "forget 4",
      "busy 3",
      "run 3",
    ]);
  });

  it("of everything while idle aborts nothing that comes later", () => {
    const { feed } = queue();
    expect(feed({ type: "abortRequested", msgIds: "all" }, arrived(1, "execute"))).toEqual(["busy 1", "run 1"]);
  });
});

describe("cancelling", () => {
  const cancel = (...serials: number[]): EngineEvent => ({ type: "cancelRequested", msgIds: serials.map((serial) => msgId(`m${serial}`)) });
  const task = (serial: number, ordinal: number): EngineEvent => ({ type: "requestArrived", request: { ...request(serial), ordinal } });

  it("stops the request that runs, answers those that wait at once, and leaves the others alone", () => {
    const { feed } = queue();
    feed(arrived(1), arrived(2), arrived(3, "execute"), arrived(4));
    expect(feed(cancel(1, 3))).toEqual(["stop 1", "busy 3", "sendAborted 3", "idle 3", "forget 3"]);
    expect(feed(finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1", "busy 2", "run 2"]);
    expect(feed(finished(2))).toEqual(["sendReply 2", "idle 2", "forget 2", "busy 4", "run 4"]);
  });

  it("of a request that has not come, or that the controller may take back, holds when its turn comes", () => {
    const { feed } = queue();
    feed(arrived(1), task(2, 1));
    expect(feed(cancel(2, 3))).toEqual([]);
    expect(feed(finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1", "claim 2"]);
    expect(feed({ type: "claimed", serial: 2 })).toEqual(["busy 2", "sendAborted 2", "idle 2", "forget 2"]);
    expect(feed(arrived(3))).toEqual(["busy 3", "sendAborted 3", "idle 3", "forget 3"]);
    expect(feed(arrived(4))).toEqual(["busy 4", "run 4"]);
  });

  it("of a request that is being claimed holds once it is claimed", () => {
    const { feed } = queue();
    expect(feed(task(1, 1), cancel(1))).toEqual(["claim 1"]);
    expect(feed({ type: "claimed", serial: 1 })).toEqual(["busy 1", "sendAborted 1", "idle 1", "forget 1"]);
  });

  it("of a request that has ended, or of nothing, does nothing", () => {
    const { feed } = queue();
    feed(arrived(1), finished(1), arrived(2));
    expect(feed(cancel(1), cancel())).toEqual([]);
    expect(feed(cancel(2), cancel(2))).toEqual(["stop 2", "stop 2"]);
  });
});

describe("a failure that stops the queue", () => {
  it("aborts the execute requests that had arrived, and runs the ones that come after its reply", () => {
    const { feed } = queue();
    feed(arrived(1, "execute"), arrived(2, "execute"), arrived(3));
    expect(feed(finished(1, true))).toEqual(["settleIntake"]);
    expect(feed({ type: "intakeSettled" })).toEqual(["sendReply 1", "idle 1", "forget 1", "busy 2", "sendAborted 2", "idle 2", "forget 2", "busy 3", "run 3"]);
    expect(feed(arrived(4, "execute"), finished(3))).toEqual(["sendReply 3", "idle 3", "forget 3", "busy 4", "run 4"]);
  });
});

describe("shutdown", () => {
  it("while idle leaves at once", () => {
    const { feed, machine } = queue();
    expect(feed({ type: "shutdownRequested" })).toEqual(["leave"]);
    expect(machine.state.name).toBe("closed");
  });

  it("lets the running request finish and runs no other", () => {
    const { feed } = queue();
    feed(arrived(1), arrived(2));
    expect(feed({ type: "shutdownRequested" })).toEqual([]);
    expect(feed(finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1", "leave"]);
    expect(feed(arrived(3), finished(2), { type: "shutdownRequested" })).toEqual([]);
  });
});

describe("the intake", () => {
  it("pauses when too many requests wait and resumes when there is room", () => {
    const { feed } = queue({ waitingRequestsMax: 2 });
    expect(feed(arrived(1), arrived(2), arrived(3))).toEqual(["busy 1", "run 1"]);
    expect(feed(arrived(4))).toEqual(["pauseIntake"]);
    expect(feed(finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1", "busy 2", "run 2", "resumeIntake"]);
  });

  it("pauses when too many bytes wait", () => {
    const { feed } = queue({ waitingBytesMax: 100 });
    feed(arrived(1, "apply", 1000));
    expect(feed(arrived(2, "apply", 101))).toEqual(["pauseIntake"]);
    expect(feed(finished(1))).toEqual(["sendReply 1", "idle 1", "forget 1", "busy 2", "run 2", "resumeIntake"]);
  });
});

describe("any sequence of events", () => {
  it("keeps the invariants, and every request that arrived is answered once, idle once and forgotten last, unless the engine left", () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant("arrive" as const),
        kind: fc.constantFrom<RequestKind>("apply", "execute", "other"),
        bytes: fc.nat(100),
        countsOutputs: fc.boolean(),
      }),
      fc.record({ do: fc.constant("finish" as const), stops: fc.boolean() }),
      fc.record({ do: fc.constant("abort" as const), serial: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ do: fc.constant("cancel" as const), serial: fc.integer({ min: 1, max: 60 }) }),
      fc.constant({ do: "abortAll" as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const machine = new RequestQueue({ waitingRequestsMax: 3, waitingBytesMax: 150, abortIdsMax: 5 });
        const log: string[] = [];
        const counting = new Set<number>();
        let serial = 0;
        const feed = (event: EngineEvent): void => {
          const effects = machine.handle(event);
          machine.validate();
          log.push(...told(effects));
          if (effects.some((effect) => effect.type === "settleIntake")) feed({ type: "intakeSettled" });
        };
        const finish = (stops: boolean): boolean => {
          const { state } = machine;
          if (state.name !== "running") return false;
          feed(finished(state.request.serial, stops));
          return true;
        };
        feed({ type: "started" });
        for (const one of steps) {
          if (one.do === "arrive") {
            if (one.countsOutputs) counting.add(serial + 1);
            feed({ type: "requestArrived", request: { ...request((serial += 1), one.kind, one.bytes), countsOutputs: one.countsOutputs } });
          } else if (one.do === "finish") finish(one.stops);
          else if (one.do === "cancel") feed({ type: "cancelRequested", msgIds: [msgId(`m${one.serial}`)] });
          else if (one.do === "abort") feed({ type: "abortRequested", msgIds: [msgId(`m${one.serial}`)] });
          else feed({ type: "abortRequested", msgIds: "all" });
        }
        while (finish(false));
        for (let i = 1; i <= serial; i += 1) {
          expect(log.filter((line) => line.startsWith("send") && line.split(" ")[1] === String(i))).toHaveLength(1);
          expect(log.filter((line) => line === `busy ${i}` || line === `idle ${i}`)).toHaveLength(counting.has(i) ? 0 : 2);
          expect(log.filter((line) => line === `forget ${i}`)).toHaveLength(1);
          expect(log.findLastIndex((line) => line.split(" ")[1] === String(i))).toBe(log.indexOf(`forget ${i}`));
        }
        const runs = log.filter((line) => line.startsWith("run ")).map((line) => Number(line.slice(4)));
        expect(runs).toEqual(runs.toSorted((a, b) => a - b));
      }),
    );
  });
});
