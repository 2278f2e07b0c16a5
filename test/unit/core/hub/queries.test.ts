import { beforeEach, describe, expect, it } from "vitest";
import { InvariantError, StoreError } from "../../../../src/base/index.ts";
import { answerQuery, isQuery, TaskRecords, type HubAnswer, type MonitorEvent, type TaskStore } from "../../../../src/core/index.ts";
import { MemoryStore, NoneStore } from "../../../../src/store/index.ts";
import type { Dict } from "../../../../src/wire/index.ts";
import { at, dateAt, E0, ENGINE_0, ENGINE_1, header, reply, request } from "../../../support/records.ts";

let store: TaskStore;
let records: TaskRecords;
let fresh: number;

function ask(type: string, content: Dict): HubAnswer {
  const answer = answerQuery(request("q", { msgType: type, content }), {
    records,
    at: at(100),
    freshHeader: (msgType) => header(`fresh-${fresh++}`, msgType, { session: "hub", date: dateAt(100) }),
  });
  if (answer === undefined) throw new Error(`${type} is no query`);
  return answer;
}

const feed = (...events: MonitorEvent[]): void => events.forEach((event) => records.handle(event));
const run = (id: string, laterMs: number, more: Parameters<typeof reply>[1] = {}): MonitorEvent[] => [
  {
    type: "muxRequest",
    at: at(),
    engine: E0,
    message: request(id, { header: { date: dateAt(laterMs) }, metadata: { label: id }, content: { c: id }, buffers: [Uint8Array.of(1), Uint8Array.of(2, 2)] }),
  },
  { type: "muxReply", at: at(laterMs + 1), engine: E0, message: reply(id, { buffers: [new TextEncoder().encode(id)], ...more }) },
];
const failure = (ename: string, evalue: string): Dict => ({ status: "error", ename, evalue, traceback: [`${ename}: ${evalue}`], engine_info: {} });
const texts = (answer: HubAnswer): string[] => answer.buffers.map((buffer) => new TextDecoder().decode(buffer));

beforeEach(() => {
  fresh = 0;
  store = new MemoryStore({ now: () => at(), retention: { recordsMax: 5 } });
  records = new TaskRecords(store);
  feed(ENGINE_0, ENGINE_1);
});

describe("queue_request", () => {
  it("counts for every live engine by its decimal id", () => {
    feed(...run("m", 0), { type: "muxRequest", at: at(), engine: E0, message: request("n") }, { type: "taskRequest", at: at(), message: request("t") });
    expect(ask("queue_request", { targets: null, verbose: false })).toEqual({
      msgType: "queue_reply",
      content: { status: "ok", "0": { queue: 1, completed: 1, tasks: 0 }, "1": { queue: 0, completed: 0, tasks: 0 }, unassigned: 1 },
      buffers: [],
    });
    expect(ask("queue_request", { targets: [0], verbose: true }).content).toEqual({
      status: "ok",
      "0": { queue: ["n"], completed: ["m"], tasks: [] },
      unassigned: ["t"],
    });
  });

  it("takes one id, one uuid or a list, and reports no dead engine", () => {
    expect(Object.keys(ask("queue_request", { targets: 1 }).content)).toEqual(["1", "unassigned", "status"]);
    expect(Object.keys(ask("queue_request", { targets: E0 }).content)).toEqual(["0", "unassigned", "status"]);
    feed({ type: "engineLeft", at: at(), engine: E0 });
    expect(Object.keys(ask("queue_request", { targets: null }).content)).toEqual(["1", "unassigned", "status"]);
  });

  it("is only `unassigned` when there is no engine", () => {
    records = new TaskRecords(store);
    expect(ask("queue_request", { targets: null }).content).toEqual({ status: "ok", unassigned: 0 });
  });

  it("refuses unknown targets, an empty list and a missing key as the reference does", () => {
    expect(ask("queue_request", { targets: [0, 77] })).toEqual({ msgType: "hub_error", content: failure("IndexError", "No Such Engine: [77]"), buffers: [] });
    expect(ask("queue_request", { targets: "x" }).content).toEqual(failure("IndexError", "No Such Engine: ['x']"));
    expect(ask("queue_request", { targets: [] })).toMatchObject({ msgType: "hub_error", content: { ename: "IndexError", evalue: "No Engines Registered" } });
    expect(ask("queue_request", {})).toMatchObject({ msgType: "hub_error", content: { ename: "KeyError", evalue: "'targets'" } });
  });
});

it("load_request sums what each engine has, by decimal id", () => {
  feed(
    { type: "muxRequest", at: at(), engine: E0, message: request("n") },
    { type: "taskRequest", at: at(), message: request("t") },
    { type: "taskDestination", at: at(), msgId: "t" as never, engine: E0 },
  );
  expect(ask("load_request", { targets: null })).toEqual({ msgType: "load_reply", content: { status: "ok", "0": 2, "1": 0 }, buffers: [] });
});

describe("result_request", () => {
  it("gives results in sorted order of the ids, with their buffers in that order", () => {
    feed(...run("b", 1), ...run("a", 2), { type: "muxRequest", at: at(), engine: E0, message: request("p") });
    const answer = ask("result_request", { msg_ids: ["p", "b", "a", "b"], status_only: false });
    expect(answer.msgType).toBe("result_reply");
    expect(answer.content).toMatchObject({ status: "ok", pending: ["p"], completed: ["a", "b"] });
    expect(texts(answer)).toEqual(["a", "b"]);
    expect(answer.content["a"]).toEqual({
      header: header("a", "apply_request", { date: dateAt(2) }),
      metadata: { label: "a" },
      result_metadata: { engine: E0, status: "ok", started: dateAt(5) },
      result_header: header("a-reply", "apply_reply", { session: E0, date: dateAt(10) }),
      result_content: { status: "ok" },
      received: dateAt(3),
      io: { execute_input: null, execute_result: null, error: null, stdout: "", stderr: "" },
    });
  });

  it("gives only the lists when that is asked", () => {
    feed(...run("a", 1));
    expect(ask("result_request", { msg_ids: ["a"], status_only: true })).toEqual({
      msgType: "result_reply",
      content: { status: "ok", pending: [], completed: ["a"] },
      buffers: [],
    });
  });

  it("is a KeyError for an unknown id and NoData for a culled one", () => {
    expect(ask("result_request", { msg_ids: ["no'pe"] })).toEqual({
      msgType: "result_reply",
      content: failure("KeyError", `"No such message: no'pe"`),
      buffers: [],
    });
    for (let i = 0; i < 7; i += 1) feed(...run(`r${i}`, i));
    expect(ask("result_request", { msg_ids: ["r0"] }).content).toMatchObject({
      status: "error",
      ename: "NoData",
      evalue: expect.stringMatching(/r0 was culled: the store keeps 5 records/) as unknown,
    });
  });

  it("is an error for a result whose buffers were not kept, never a result without them", () => {
    store = new MemoryStore({ now: () => at(), retention: { recordBufferBytesMax: 10 } });
    records = new TaskRecords(store);
    feed(ENGINE_0, ...run("a", 1, { buffers: [new Uint8Array(11)] }));
    const answer = ask("result_request", { msg_ids: ["a"] });
    expect(answer.content["a"]).toMatchObject({
      result_content: { status: "error", ename: "NoData", evalue: expect.stringMatching(/its 11 bytes exceed/) as unknown },
    });
    expect(answer.buffers).toEqual([]);
  });

  it("answers a single id given as text, and cannot be confused by strange ids", () => {
    feed(...run("__proto__", 1), ...run("status", 2));
    expect(ask("result_request", { msg_ids: "__proto__", status_only: true }).content).toMatchObject({ completed: ["__proto__"] });
    expect(ask("result_request", { msg_ids: ["status", "__proto__"] }).content).toMatchObject({
      status: "ok",
      pending: [],
      completed: ["__proto__", "status"],
    });
  });

  it("says what is wrong with a request it cannot read", () => {
    expect(ask("result_request", {})).toMatchObject({ msgType: "hub_error", content: { ename: "KeyError", evalue: "'msg_ids'" } });
    expect(ask("result_request", { msg_ids: [5] })).toMatchObject({ msgType: "hub_error", content: { ename: "TypeError" } });
  });
});

it("history_request lists ids by time of submission", () => {
  feed(...run("b", 2), ...run("a", 1));
  expect(ask("history_request", {})).toEqual({ msgType: "history_reply", content: { status: "ok", history: ["a", "b"] }, buffers: [] });
});

describe("db_request", () => {
  it("gives records without buffers unless they are named, with their counts and frames", () => {
    feed(...run("a", 1), ...run("b", 2));
    const all = ask("db_request", { query: {}, keys: null });
    expect(all).toMatchObject({ msgType: "db_reply", content: { status: "ok", buffer_lens: null, result_buffer_lens: null }, buffers: [] });
    expect((all.content["records"] as Dict[]).map((row) => Object.hasOwn(row, "buffers"))).toEqual([false, false]);
    const some = ask("db_request", { query: { label: { $in: ["a", "b"] } }, keys: ["label", "result_buffers", "buffers"] });
    expect(some.content).toEqual({
      status: "ok",
      records: [
        { msg_id: "a", label: "a" },
        { msg_id: "b", label: "b" },
      ],
      buffer_lens: [2, 2],
      result_buffer_lens: [1, 1],
    });
    expect(texts(some)).toEqual(["\u0001", "\u0002\u0002", "a", "\u0001", "\u0002\u0002", "b"]);
    expect(ask("db_request", { query: { msg_id: "a" }, keys: ["result_buffers"] }).content).toMatchObject({ buffer_lens: null, result_buffer_lens: [1] });
  });

  it("partitions the records by $lt and $gte of a date", () => {
    feed(...run("a", 1), ...run("b", 2), ...run("c", 3));
    const ids = (query: Dict): unknown => (ask("db_request", { query, keys: ["msg_id"] }).content["records"] as Dict[]).map((row) => row["msg_id"]);
    expect(ids({ submitted: { $lt: dateAt(2) } })).toEqual(["a"]);
    expect(ids({ submitted: { $gte: dateAt(2) } })).toEqual(["b", "c"]);
    expect(ids({ label: "a", queue: "mux" })).toEqual(["a"]);
  });

  it("is a KeyError for unknown operators, fields and keys", () => {
    for (const content of [{ query: { label: { $near: 1 } } }, { query: { color: 1 } }, { query: {}, keys: ["color"] }])
      expect(ask("db_request", content)).toMatchObject({ msgType: "db_reply", content: { status: "error", ename: "KeyError" } });
    expect(ask("db_request", { query: [] })).toMatchObject({ msgType: "db_reply", content: { ename: "TypeError" } });
  });
});

describe("purge_request", () => {
  const left = (): readonly string[] => store.history();

  it("drops the listed ones, those of an engine, or all that are finished", () => {
    feed(...run("a", 1), ...run("b", 2), ...run("c", 3), { type: "muxRequest", at: at(), engine: E0, message: request("p", { header: { date: dateAt(4) } }) });
    expect(ask("purge_request", { msg_ids: ["a", "unknown"], engine_ids: [] })).toEqual({ msgType: "purge_reply", content: { status: "ok" }, buffers: [] });
    expect(left()).toEqual(["b", "c", "p"]);
    ask("purge_request", { msg_ids: [], engine_ids: [1] });
    expect(left()).toEqual(["b", "c", "p"]);
    ask("purge_request", { engine_ids: [0] });
    expect(left()).toEqual(["p"]);
    feed(...run("d", 5));
    ask("purge_request", { msg_ids: "all" });
    expect(left()).toEqual(["p"]);
  });

  it("drops nothing when a listed request is pending, and refuses unknown engines", () => {
    feed(...run("a", 1), { type: "muxRequest", at: at(), engine: E0, message: request("p") });
    expect(ask("purge_request", { msg_ids: ["a", "p"] }).content).toEqual(failure("IndexError", "msg pending: 'p'"));
    expect(left()).toHaveLength(2);
    expect(ask("purge_request", { msg_ids: [], engine_ids: [55] }).content).toEqual(failure("IndexError", "No such engine: 55"));
  });
});

describe("resubmit_request", () => {
  it("makes the same request with a new id and date, known before the answer goes out", () => {
    feed(...run("a", 1));
    const answer = ask("resubmit_request", { msg_ids: ["a"] });
    expect(answer).toMatchObject({ msgType: "resubmit_reply", content: { status: "ok", resubmitted: { a: "fresh-0" } } });
    expect(answer.resubmitted).toEqual([
      {
        idents: [],
        header: header("fresh-0", "apply_request", { date: dateAt(100) }),
        parentHeader: {},
        metadata: { label: "a" },
        content: { c: "a" },
        buffers: [Uint8Array.of(1), Uint8Array.of(2, 2)],
      },
    ]);
    expect(store.get("a")?.resubmitted).toBe("fresh-0");
    expect(store.get("fresh-0")).toMatchObject({ queue: "task", client_uuid: "client-1", submitted: dateAt(100), label: "a" });
    expect(ask("result_request", { msg_ids: ["fresh-0"] }).content).toMatchObject({ pending: ["fresh-0"] });
  });

  it("may repeat a request that still runs, and refuses unknown ids and lost buffers", () => {
    feed({ type: "muxRequest", at: at(), engine: E0, message: request("p") });
    expect(ask("resubmit_request", { msg_ids: ["p"] }).content).toMatchObject({ status: "ok" });
    expect(ask("resubmit_request", { msg_ids: ["p", "x"] })).toMatchObject({
      msgType: "resubmit_reply",
      content: failure("KeyError", `"No such msg(s): ['x']"`),
    });
    store.add({ ...(store.get("p") as never as Parameters<TaskStore["add"]>[0]), msg_id: "lost", buffers: null });
    expect(ask("resubmit_request", { msg_ids: ["lost"] }).content).toMatchObject({ ename: "NoData" });
  });
});

describe("every query", () => {
  it("is answered with NoData when no store is kept, but what is pending is known", () => {
    records = new TaskRecords(new NoneStore());
    feed(ENGINE_0, { type: "muxRequest", at: at(), engine: E0, message: request("p") });
    expect(ask("result_request", { msg_ids: ["p"] }).content).toMatchObject({ status: "ok", pending: ["p"] });
    for (const [type, content] of [
      ["result_request", { msg_ids: ["a"] }],
      ["history_request", {}],
      ["db_request", { query: {} }],
      ["purge_request", { msg_ids: "all" }],
      ["resubmit_request", { msg_ids: ["a"] }],
    ] as const) {
      expect(ask(type, content)).toMatchObject({ msgType: type.replace("_request", "_reply"), content: { status: "error", ename: "NoData" } });
    }
  });

  it("is answered with the store's sentence when the store fails, and a bug of ours is not hidden", () => {
    const failing = (error: Error): void => {
      const broken = new NoneStore();
      broken.history = () => {
        throw error;
      };
      records = new TaskRecords(broken);
    };
    failing(new StoreError("cannot read the task store x: the disk is gone"));
    expect(ask("history_request", {}).content).toMatchObject({
      status: "error",
      ename: "StoreError",
      evalue: "cannot read the task store x: the disk is gone",
    });
    failing(new InvariantError("impossible"));
    expect(() => ask("history_request", {})).toThrow(InvariantError);
    failing(new TypeError("a bug"));
    expect(() => ask("history_request", {})).toThrow(TypeError);
  });

  it("is told from other requests", () => {
    expect(["queue_request", "load_request", "result_request", "history_request", "db_request", "purge_request", "resubmit_request"].every(isQuery)).toBe(true);
    expect(isQuery("connection_request")).toBe(false);
    expect(answerQuery(request("q", { msgType: "toString" }), { records, at: at(), freshHeader: (type) => header("x", type) })).toBeUndefined();
  });
});
