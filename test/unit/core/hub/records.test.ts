import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { engineId, engineUuid, InvariantError, msgId, type EngineUuid } from "../../../../src/base/index.ts";
import { TaskRecords, type MonitorEvent } from "../../../../src/core/index.ts";
import { MemoryStore, NoneStore } from "../../../../src/store/index.ts";
import { at, dateAt, E0, E1, ENGINE_0, ENGINE_1, published, reply, request } from "../../../support/records.ts";

let store: MemoryStore;
let records: TaskRecords;

/** Feeds events, and checks every invariant after each. */
function feed(...events: MonitorEvent[]): void {
  for (const event of events) {
    records.handle(event);
    records.validate();
  }
}

const status = (id: number): unknown => {
  const engine = records.findEngine(id);
  return engine && { queue: [...engine.queue], tasks: [...engine.tasks], completed: engine.completed };
};
const muxRequest = (id: string, engine: EngineUuid = E0, more: Parameters<typeof request>[1] = {}): MonitorEvent => ({
  type: "muxRequest",
  at: at(),
  engine,
  message: request(id, more),
});
const muxReply = (id: string, engine: EngineUuid = E0, more: Parameters<typeof reply>[1] = {}): MonitorEvent => ({
  type: "muxReply",
  at: at(11),
  engine,
  message: reply(id, more),
});
const taskRequest = (id: string): MonitorEvent => ({ type: "taskRequest", at: at(), message: request(id) });
const taskReply = (id: string, more: Parameters<typeof reply>[1] = {}): MonitorEvent => ({ type: "taskReply", at: at(11), message: reply(id, more) });
const destination = (id: string, engine: EngineUuid): MonitorEvent => ({ type: "taskDestination", at: at(2), msgId: msgId(id), engine });
const iopub = (message: ReturnType<typeof published>): MonitorEvent => ({ type: "iopub", at: at(4), message });

beforeEach(() => {
  store = new MemoryStore({ now: () => at(), retention: { recordsMax: 1000 } });
  records = new TaskRecords(store, { completedIdsMax: 3 });
  feed(ENGINE_0, ENGINE_1);
});

describe("requests on mux", () => {
  it("are pending in their engine's queue until the reply, then counted and kept with their result", () => {
    feed(muxRequest("m", E0, { metadata: { label: "L" }, content: { x: 1 }, buffers: [Uint8Array.of(1)] }));
    expect(status(0)).toEqual({ queue: ["m"], tasks: [], completed: 0 });
    expect(records.isPending("m")).toBe(true);
    expect(store.get("m")).toMatchObject({ queue: "mux", engine_uuid: E0, client_uuid: "client-1", label: "L", submitted: dateAt(), completed: null });
    feed(muxReply("m", E0, { buffers: [Uint8Array.of(2)] }));
    expect(status(0)).toEqual({ queue: [], tasks: [], completed: 1 });
    expect(records.isPending("m")).toBe(false);
    expect(records.completedIds(E0)).toEqual(["m"]);
    expect(store.get("m")).toMatchObject({
      started: dateAt(5),
      completed: dateAt(10),
      received: dateAt(11),
      result_header: { msg_type: "apply_reply" },
      result_metadata: { status: "ok" },
      result_content: { status: "ok" },
      content: { x: 1 },
    });
  });

  it("leave no trace when they are neither apply nor execute, or for an engine that is not there", () => {
    feed(muxRequest("c", E0, { msgType: "comm_msg" }), muxRequest("x", engineUuid("nobody")), muxReply("c", E0, { msgType: "comm_reply" }), muxReply("never"));
    expect(status(0)).toEqual({ queue: [], tasks: [], completed: 0 });
    expect(records.pendingCount).toBe(0);
    expect(store.find({}, null)).toEqual([]);
  });

  it("move to where they were sent last when an id is used twice", () => {
    feed(muxRequest("m", E0), muxRequest("m", E1));
    expect([status(0), status(1)]).toEqual([
      { queue: [], tasks: [], completed: 0 },
      { queue: ["m"], tasks: [], completed: 0 },
    ]);
  });

  it("are counted once when the reply comes twice, and the second copy changes nothing", () => {
    feed(muxRequest("m"), muxReply("m"), muxReply("m", E0, { content: { status: "error" } }));
    expect(status(0)).toMatchObject({ completed: 1 });
    expect(store.get("m")?.result_content).toEqual({ status: "ok" });
  });

  it("keep the time of the Hub's clock when the sender's date is none", () => {
    feed({ type: "muxRequest", at: at(7), engine: E0, message: request("m", { header: { date: "yesterday" } }) });
    expect(store.get("m")?.submitted).toBe(dateAt(7));
  });
});

describe("requests of an engine that left", () => {
  it("fail with EngineError once they are stranded, in the shape that clients read", () => {
    feed(muxRequest("m", E0, { msgType: "execute_request" }), { type: "engineLeft", at: at(20), engine: E0 });
    expect(records.isPending("m")).toBe(true);
    expect(records.findEngine(0)).toBeUndefined();
    expect(records.findEngine(E0)).toBeUndefined();
    feed({ type: "requestsStranded", at: at(30), engine: E0 });
    expect(records.isPending("m")).toBe(false);
    expect(store.get("m")).toMatchObject({
      completed: dateAt(30),
      received: dateAt(30),
      result_header: { msg_type: "execute_reply" },
      result_metadata: { engine: E0, status: "error" },
      result_content: { status: "error", ename: "EngineError", engine_info: {} },
      result_buffers: [],
    });
    expect(records.outcomes([msgId("m")])).toEqual([{ msgId: "m", status: "failed", engine: E0 }]);
  });

  it("get their true result when it comes late, before or after they were given up", () => {
    feed(muxRequest("early"), muxRequest("late"), { type: "engineLeft", at: at(20), engine: E0 });
    feed(muxReply("early"), { type: "requestsStranded", at: at(30), engine: E0 }, muxReply("late"), muxReply("late", E0, { content: { status: "error" } }));
    for (const id of ["early", "late"]) expect(store.get(id)).toMatchObject({ result_content: { status: "ok" }, completed: dateAt(10) });
    expect(records.pendingCount).toBe(0);
  });

  it("stay with the old life of an engine that registers again with the same uuid", () => {
    feed(muxRequest("old"), { type: "engineLeft", at: at(20), engine: E0 }, { ...ENGINE_0, id: engineId(2) }, muxRequest("new"), {
      type: "requestsStranded",
      at: at(30),
      engine: E0,
    });
    expect(status(2)).toEqual({ queue: ["new"], tasks: [], completed: 0 });
    expect(records.isPending("old")).toBe(false);
  });

  it("are none when there is nothing left to strand", () => {
    feed({ type: "engineLeft", at: at(), engine: engineUuid("nobody") }, { type: "requestsStranded", at: at(), engine: engineUuid("nobody") });
    expect(records.pendingCount).toBe(0);
  });
});

describe("tasks", () => {
  it("are unassigned, then with an engine, then finished", () => {
    feed(taskRequest("t"));
    expect([...records.unassigned]).toEqual(["t"]);
    feed(destination("t", E1));
    expect([...records.unassigned]).toEqual([]);
    expect(status(1)).toEqual({ queue: [], tasks: ["t"], completed: 0 });
    expect(store.get("t")?.engine_uuid).toBe(E1);
    feed(taskReply("t", { metadata: { engine: E1, status: "ok" } }));
    expect(status(1)).toEqual({ queue: [], tasks: [], completed: 1 });
    expect(store.get("t")).toMatchObject({ queue: "task", engine_uuid: E1, started: null, completed: dateAt(10) });
  });

  it("move with a retry, and leak nothing when their engine died", () => {
    feed(taskRequest("t"), destination("t", E0), { type: "engineLeft", at: at(), engine: E0 }, destination("t", E1));
    expect(status(1)).toMatchObject({ tasks: ["t"] });
    feed(taskReply("t", { metadata: { engine: E1, status: "ok" } }));
    expect(status(1)).toEqual({ queue: [], tasks: [], completed: 1 });
  });

  it("that the scheduler fails end without an engine", () => {
    feed(taskRequest("t"), taskReply("t", { metadata: {}, content: { status: "error", ename: "TaskTimeout" } }));
    expect([...records.unassigned]).toEqual([]);
    expect(store.get("t")).toMatchObject({ engine_uuid: null, result_content: { ename: "TaskTimeout" } });
    expect(records.outcomes([msgId("t")])).toEqual([{ msgId: "t", status: "failed", engine: null }]);
  });

  it("that were aborted are finished but not counted", () => {
    feed(taskRequest("t"), destination("t", E0), taskReply("t", { metadata: { engine: E0, status: "aborted" }, content: { status: "aborted" } }));
    expect(status(0)).toEqual({ queue: [], tasks: [], completed: 0 });
    expect(store.get("t")?.completed).toBe(dateAt(10));
  });

  it("may be told twice, and replies nobody waits for are ignored", () => {
    feed(taskRequest("t"), destination("t", E0), taskRequest("t"), taskReply("never"), destination("never", E0));
    expect(status(0)).toMatchObject({ tasks: ["t"] });
    expect(store.get("never")).toBeUndefined();
  });
});

describe("broadcasts", () => {
  const broadcast = (coalescing: boolean): MonitorEvent => ({
    type: "broadcastRequest",
    at: at(),
    targets: [E0, E1],
    message: request("b", { metadata: { is_broadcast: true, is_coalescing: coalescing }, buffers: [Uint8Array.of(1)] }),
  });
  const answer = (parent: string, coalescing: boolean): MonitorEvent => ({
    type: "broadcastReply",
    at: at(11),
    message: reply(parent, { metadata: { status: "ok", engine: E1, is_coalescing: coalescing, original_msg_id: "b" } }),
  });

  it("that are plain are one request for each target, with no copy of the buffers", () => {
    feed(broadcast(false));
    expect(store.history()).toEqual([`b_${E0}`, `b_${E1}`]);
    expect(store.get(`b_${E0}`)).toMatchObject({ queue: "broadcast", engine_uuid: E0, header: { msg_id: `b_${E0}` }, buffers: null });
    feed(answer(`b_${E1}`, false));
    expect([records.isPending(`b_${E0}`), records.isPending(`b_${E1}`)]).toEqual([true, false]);
    feed({ type: "engineLeft", at: at(), engine: E0 }, { type: "requestsStranded", at: at(), engine: E0 });
    expect(records.pendingCount).toBe(0);
    expect(store.get(`b_${E0}`)?.result_content).toMatchObject({ ename: "EngineError" });
  });

  it("that are coalesced are one request, and their output belongs to it", () => {
    feed(broadcast(true), iopub(published(`b_${E0}`, "stream", { name: "stdout", text: "hi" })), answer(`b_${E1}`, true));
    expect(records.pendingCount).toBe(0);
    expect(store.get("b")).toMatchObject({ stdout: "hi", result_content: { status: "ok" } });
    expect(store.history()).toEqual(["b"]);
  });

  it("that are coalesced fail when one of their engines is given up, and take a late answer", () => {
    feed(broadcast(true), { type: "engineLeft", at: at(), engine: E0 }, { type: "requestsStranded", at: at(), engine: E0 });
    expect(store.get("b")?.result_content).toMatchObject({ ename: "EngineError" });
    feed(answer(`b_${E1}`, true));
    expect(store.get("b")?.result_content).toEqual({ status: "ok" });
  });
});

describe("output", () => {
  it("is kept with its request, even when it comes first", () => {
    feed(
      iopub(published("m", "stream", { name: "stdout", text: "a" })),
      iopub(published("m", "execute_input", { code: "1+1" })),
      muxRequest("m"),
      iopub(published("m", "stream", { name: "stdout", text: "b" })),
      iopub(published("m", "stream", { name: "stderr", text: "c" })),
      iopub(published("m", "execute_result", { data: { "text/plain": "2" } })),
      iopub(published("m", "error", { ename: "E" })),
    );
    expect(store.get("m")).toMatchObject({
      queue: "mux",
      stdout: "ab",
      stderr: "c",
      execute_input: "1+1",
      execute_result: { data: { "text/plain": "2" } },
      error: { ename: "E" },
    });
    expect(store.history()).toEqual(["m"]);
  });

  it("without parent, of unknown kind or malformed leaves no trace", () => {
    feed(
      iopub(published(undefined, "stream", { name: "stdout", text: "a" })),
      ...["status", "display_data", "data_message", "comm_open"].map((type) => iopub(published("m", type, {}))),
      iopub(published("m", "stream", { name: "__proto__", text: "a" })),
      iopub(published("m", "stream", { name: "stdout", text: 5 })),
      iopub(published("m", "execute_input", { code: 5 })),
    );
    expect(store.find({}, null)).toEqual([]);
  });
});

describe("outcomes", () => {
  it("say ok, failed, pending or unknown, and which engine", () => {
    feed(
      taskRequest("ok"),
      destination("ok", E0),
      taskReply("ok"),
      taskRequest("running"),
      destination("running", E1),
      taskRequest("waiting"),
      iopub(published("stub", "stream", { name: "stdout", text: "x" })),
    );
    feed(muxRequest("failed"), muxReply("failed", E0, { metadata: {}, content: { status: "error" } }));
    expect(records.outcomes(["ok", "failed", "running", "waiting", "stub", "never"].map(msgId))).toEqual([
      { msgId: "ok", status: "ok", engine: E0 },
      { msgId: "failed", status: "failed", engine: E0 },
      { msgId: "running", status: "pending", engine: E1 },
      { msgId: "waiting", status: "pending", engine: null },
      { msgId: "stub", status: "unknown", engine: null },
      { msgId: "never", status: "unknown", engine: null },
    ]);
  });

  it("are unknown for finished requests when there is no store", () => {
    records = new TaskRecords(new NoneStore());
    feed(ENGINE_0, taskRequest("t"), destination("t", E0));
    expect(records.outcomes([msgId("t")])).toEqual([{ msgId: "t", status: "pending", engine: E0 }]);
    feed(taskReply("t"));
    expect(records.outcomes([msgId("t")])).toEqual([{ msgId: "t", status: "unknown", engine: null }]);
    expect(status(0)).toMatchObject({ completed: 1 });
  });
});

describe("what is remembered", () => {
  it("is bounded for completed ids, while their count stays exact", () => {
    for (let i = 0; i < 10; i += 1) feed(muxRequest(`m${i}`), muxReply(`m${i}`));
    expect(records.completedIds(E0)).toEqual(["m7", "m8", "m9"]);
    expect(status(0)).toMatchObject({ completed: 10 });
  });

  it("keeps every invariant for any order of events, and ends empty", () => {
    const engines = [E0, E1, engineUuid("e2")];
    const ids = ["a", "b", "c"];
    const anyEvent: fc.Arbitrary<MonitorEvent> = fc
      .record({ kind: fc.nat(10), engine: fc.constantFrom(...engines), id: fc.constantFrom(...ids), flag: fc.boolean() })
      .map(({ kind, engine, id, flag }) => {
        const metadata = flag ? { engine, status: "ok", original_msg_id: id, is_coalescing: kind % 2 === 0 } : {};
        const events: MonitorEvent[] = [
          muxRequest(id, engine),
          muxReply(id, engine, { metadata }),
          taskRequest(id),
          destination(id, engine),
          taskReply(id, { metadata }),
          { type: "broadcastRequest", at: at(), targets: engines, message: request(id, { metadata: { is_coalescing: flag } }) },
          { type: "broadcastReply", at: at(), message: reply(flag ? id : `${id}_${engine}`, { metadata }) },
          iopub(published(id, "stream", { name: "stdout", text: "x" })),
          { type: "engineJoined", at: at(), id: engineId(engines.indexOf(engine)), engine },
          { type: "engineLeft", at: at(), engine },
          { type: "requestsStranded", at: at(), engine },
        ];
        return events[kind] as MonitorEvent;
      });
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        store = new MemoryStore({ now: () => at() });
        records = new TaskRecords(store);
        feed(...events);
        feed(...ids.map((id) => taskReply(id)));
        for (const engine of engines) feed({ type: "engineLeft", at: at(), engine }, { type: "requestsStranded", at: at(), engine });
        expect(records.pendingCount).toBe(0);
        expect(records.unassigned.size).toBe(0);
        expect(records.engines.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("is checked: a broken invariant is found", () => {
    feed(muxRequest("m"));
    const queue = records.findEngine(0)?.queue as unknown as Set<string> | undefined;
    queue?.clear();
    expect(() => records.validate()).toThrow(InvariantError);
  });
});
