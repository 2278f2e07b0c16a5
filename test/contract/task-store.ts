// The contract of a TaskStore that keeps records: one suite for every implementation.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InvalidArgumentError, NoData } from "../../src/base/index.ts";
import {
  BYTES_LEFT_OUT_KEY,
  emptyTaskRecord,
  matcher,
  readQuery,
  type Retention,
  type TaskQuery,
  type TaskRecord,
  type TaskStore,
} from "../../src/core/index.ts";
import { dateAt, record } from "../support/records.ts";

/** How to make the store under test. */
export interface StoreMaker {
  readonly name: string;
  open(options: { readonly retention?: Partial<Retention>; readonly now?: () => number }): TaskStore;
  /** After each test. */
  cleanUp(): void;
}

const NOW = (): number => Date.parse(dateAt());
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const plain = (frames: readonly Uint8Array[] | null | undefined): unknown => frames?.map((frame) => [...frame]) ?? null;

const DONE = {
  completed: dateAt(20),
  result_header: { msg_type: "apply_reply" },
  result_metadata: { status: "ok" },
  result_content: { status: "ok" },
} as const;

/** Declares the suite. */
export function describeTaskStore(maker: StoreMaker): void {
  describe(`a ${maker.name} store`, () => {
    let store: TaskStore;
    const reopen = (retention: Partial<Retention>): TaskStore => {
      store.close();
      store = maker.open({ retention, now: NOW });
      return store;
    };
    beforeEach(() => {
      store = maker.open({ now: NOW });
    });
    afterEach(() => {
      store.close();
      maker.cleanUp();
    });
    const idsOf = (query: TaskQuery): readonly unknown[] => store.find(query, ["msg_id"]).map((row) => row.msg_id);

    it("gives back a record as it was added, before and after it is written out", () => {
      const whole = record("a", {
        ...DONE,
        header: { msg_id: "a", msg_type: "apply_request", odd: [1, null, { deep: "é😀" }] },
        metadata: { label: { any: ["thing"] } },
        content: { code: "1\n2" },
        buffers: [bytes(1, 2, 3), bytes(), bytes(4)],
        engine_uuid: "e1",
        label: { any: ["thing"] },
        started: dateAt(3),
        received: dateAt(21),
        resubmitted: "b",
        result_buffers: [bytes(9)],
        execute_input: "x",
        execute_result: { data: { "text/plain": "1" } },
        error: { ename: "E" },
        stdout: "output 😀",
        stderr: "err",
      });
      store.add(whole);
      for (const read of [store.get("a"), (store.flush(), store.get("a"))]) {
        expect({ ...read, buffers: plain(read?.buffers), result_buffers: plain(read?.result_buffers) }).toEqual({
          ...whole,
          buffers: plain(whole.buffers),
          result_buffers: plain(whole.result_buffers),
        });
      }
    });

    it("knows nothing of a record that was never there", () => {
      expect(store.get("nope")).toBeUndefined();
      expect(store.history()).toEqual([]);
      expect(store.find({}, null)).toEqual([]);
    });

    it.each([false, true])("merges output that came before the request (written out between: %s)", (isFlushed) => {
      store.update("a", { execute_input: "1+1" });
      store.appendText("a", "stdout", "early ");
      if (isFlushed) store.flush();
      expect(store.get("a")).toMatchObject({ header: null, submitted: null, stdout: "early ", execute_input: "1+1" });
      expect(store.history()).toEqual([]);
      store.add(record("a", { buffers: [bytes(7)], label: "L" }));
      if (isFlushed) store.flush();
      store.appendText("a", "stdout", "late");
      expect(store.get("a")).toMatchObject({ header: { msg_id: "a" }, submitted: dateAt(), stdout: "early late", execute_input: "1+1", label: "L" });
      expect(plain(store.get("a")?.buffers)).toEqual([[7]]);
      expect(store.history()).toEqual(["a"]);
    });

    it.each([false, true])("sets the fields of an update and leaves the others (written out between: %s)", (isFlushed) => {
      store.add(record("a", { buffers: [bytes(1)], stdout: "s" }));
      if (isFlushed) store.flush();
      store.update("a", { engine_uuid: "e1" });
      if (isFlushed) store.flush();
      store.update("a", { ...DONE, result_buffers: [bytes(5), new Uint8Array(3000)] });
      if (isFlushed) store.flush();
      store.update("a", { result_metadata: { status: "changed" } });
      if (isFlushed) store.flush();
      expect(store.get("a")).toMatchObject({
        ...DONE,
        result_metadata: { status: "changed" },
        engine_uuid: "e1",
        stdout: "s",
        queue: "task",
        client_uuid: "client-1",
      });
      expect(plain(store.get("a")?.buffers)).toEqual([[1]]);
      expect(store.get("a")?.result_buffers?.map((frame) => frame.length)).toEqual([1, 3000]);
    });

    it("does not replace a record that is added a second time", () => {
      store.add(record("a", { ...DONE, label: "first" }));
      store.flush();
      store.add(record("a", { label: "second", engine_uuid: "e9" }));
      store.flush();
      expect(store.get("a")).toMatchObject({ ...DONE, label: "first", engine_uuid: "e9" });
      expect(store.history()).toEqual(["a"]);
    });

    it("keeps an update of a record it does not know as a stub that is not in the history", () => {
      store.update("a", { error: { ename: "E" } });
      store.flush();
      expect({ ...store.get("a") }).toEqual({ ...emptyTaskRecord("a"), error: { ename: "E" } });
      expect(store.history()).toEqual([]);
    });

    it("lists the history by time of submission, whatever the order of arrival", () => {
      store.add(record("late", { submitted: dateAt(30) }));
      store.add(record("early", { submitted: dateAt(10) }));
      store.flush();
      store.add(record("middle", { submitted: dateAt(20) }));
      expect(store.history()).toEqual(["early", "middle", "late"]);
      expect(idsOf({})).toEqual(["early", "middle", "late"]);
    });

    it("gives the fields that were asked for, msg_id always, buffers only when named", () => {
      store.add(record("a", { buffers: [bytes(1), new Uint8Array(5000)], result_buffers: null, label: "L" }));
      expect(store.find({}, ["label"])).toEqual([{ msg_id: "a", label: "L" }]);
      expect(store.find({}, [])).toEqual([{ msg_id: "a" }]);
      const [row] = store.find({}, null);
      expect(row).toHaveProperty("stdout", "");
      expect(row).toHaveProperty("header.msg_id", "a");
      expect(row).not.toHaveProperty("buffers");
      const [withBuffers] = store.find({}, ["buffers", "result_buffers"]);
      expect(Object.keys(withBuffers ?? {}).toSorted()).toEqual(["buffers", "msg_id", "result_buffers"]);
      expect(withBuffers?.buffers?.map((frame) => frame.length)).toEqual([1, 5000]);
      expect(withBuffers?.result_buffers).toBeNull();
    });

    it("refuses unknown operators, fields and keys by name", () => {
      expect(() => store.find({ label: { $near: 1 } }, null)).toThrow(InvalidArgumentError);
      expect(() => store.find({ label: { $near: 1 } }, null)).toThrow(/\$near.*\$glob/);
      expect(() => store.find({ color: 1 }, null)).toThrow(/color.*submitted/);
      expect(() => store.find({}, ["color"])).toThrow(/color.*result_buffers/);
    });

    it("drops records by id and finished records by query", () => {
      for (const id of ["a", "b", "c", "d"])
        store.add(record(id, id === "d" ? {} : { ...DONE, engine_uuid: id === "a" ? "e0" : "e1", buffers: [new Uint8Array(2000)] }));
      expect(store.drop(["a", "nope"])).toBe(1);
      expect(store.get("a")).toBeUndefined();
      expect(store.dropMatching({ engine_uuid: "e1", "header.msg_id": "b" })).toBe(1);
      expect(store.history()).toEqual(["c", "d"]);
      expect(store.dropMatching({})).toBe(1);
      expect(store.history()).toEqual(["d"]);
      expect(store.dropMatching({})).toBe(0);
    });

    it("keeps the newest finished records within the bound, and says of a culled one that it was culled", () => {
      reopen({ recordsMax: 5 });
      for (let i = 0; i < 12; i += 1) store.add(record(`t${i}`, { ...DONE, submitted: dateAt(i) }));
      store.flush();
      expect(store.history()).toEqual(["t7", "t8", "t9", "t10", "t11"]);
      expect(() => store.get("t0")).toThrow(NoData);
      expect(() => store.get("t0")).toThrow(/culled: the store keeps 5 records/);
      expect(store.get("t11")).toBeDefined();
    });

    it("culls by the Hub's clock, though clients' clocks are hours apart", () => {
      const hoursMs = 5 * 3_600_000;
      reopen({ recordsMax: 2 });
      // The one that is culled is the first whose result came, not the one whose client is behind.
      store.add(record("ahead", { ...DONE, submitted: dateAt(hoursMs), received: dateAt(1) }));
      store.add(record("behind", { ...DONE, submitted: dateAt(-hoursMs), received: dateAt(2) }));
      store.add(record("punctual", { submitted: dateAt(3) }));
      store.flush();
      store.update("punctual", { ...DONE, received: dateAt(4) });
      store.flush();
      expect(store.history()).toEqual(["behind", "punctual"]);
      store.add(record("last", { submitted: dateAt(-2 * hoursMs) }));
      store.flush();
      store.update("last", { ...DONE, received: dateAt(5) });
      store.flush();
      expect(store.history()).toEqual(["last", "punctual"]);
    });

    it("never culls a request that still runs", () => {
      reopen({ recordsMax: 2 });
      for (let i = 0; i < 6; i += 1) store.add(record(`t${i}`, { submitted: dateAt(i) }));
      store.flush();
      expect(store.history()).toHaveLength(6);
      for (let i = 0; i < 6; i += 1) store.update(`t${i}`, DONE);
      store.flush();
      expect(store.history()).toEqual(["t4", "t5"]);
    });

    it("culls by size, and counts again what grew and what was dropped", () => {
      reopen({ bytesMax: 100_000 });
      for (let i = 0; i < 10; i += 1) store.add(record(`t${i}`, { ...DONE, submitted: dateAt(i), buffers: [new Uint8Array(8000)] }));
      store.flush();
      expect(store.history()).toHaveLength(10);
      store.update("t9", { result_buffers: [new Uint8Array(30_000)] });
      store.flush();
      expect(store.history()).toEqual(Array.from({ length: 10 }, (_, i) => `t${i}`).slice(-store.history().length));
      expect(store.history().length).toBeLessThan(10);
      expect(store.history().length).toBeGreaterThan(5);
      const before = store.history().length;
      store.drop(["t9"]);
      store.add(record("t10", { ...DONE, submitted: dateAt(10), buffers: [new Uint8Array(20_000)] }));
      store.flush();
      expect(store.history()).toHaveLength(before);
    });

    it("culls by age, 0 for ever", () => {
      const old = { ...DONE, submitted: dateAt(-60_000) };
      reopen({ ageMsMax: 30_000 });
      store.add(record("old", old));
      store.add(record("running", { submitted: old.submitted }));
      store.add(record("new", DONE));
      store.flush();
      expect(store.history()).toEqual(["running", "new"]);
      reopen({ ageMsMax: 0 });
      store.add(record("older", old));
      store.flush();
      expect(store.history()).toContain("older");
    });

    it("leaves out buffers that are too large and notes how many bytes", () => {
      reopen({ recordBufferBytesMax: 100 });
      store.add(record("a", { metadata: { label: "L" }, buffers: [new Uint8Array(60), new Uint8Array(60)] }));
      store.update("a", { ...DONE, result_buffers: [new Uint8Array(101)] });
      store.flush();
      expect(store.get("a")).toMatchObject({
        buffers: null,
        metadata: { label: "L", [BYTES_LEFT_OUT_KEY]: 120 },
        result_buffers: null,
        result_metadata: { status: "ok", [BYTES_LEFT_OUT_KEY]: 101 },
      });
    });

    it.each([false, true])("keeps the beginning of endless output (written out between: %s)", (isFlushed) => {
      reopen({ recordTextCharsMax: 10 });
      store.add(record("a"));
      for (let i = 0; i < 50; i += 1) {
        store.appendText("a", "stdout", "abc");
        if (isFlushed) store.flush();
      }
      expect(store.get("a")?.stdout).toMatch(/^abcabcabca\n\[the store keeps 10 characters of a record's output\]\n$/);
    });

    it("does not change what it gave", () => {
      store.add(record("a"));
      const before = store.get("a");
      store.appendText("a", "stdout", "x");
      expect(before?.stdout).toBe("");
    });

    it("closes twice without complaint", () => {
      store.add(record("a"));
      store.close();
      expect(() => store.close()).not.toThrow();
      store = maker.open({ now: NOW });
    });

    it("finds exactly the records that the matcher accepts, for any query", () => {
      const records = queryRecords();
      for (const one of records) store.add(one);
      store.flush();
      fc.assert(
        fc.property(anyQuery, (query) => {
          const accepts = matcher(readQuery(query));
          const expected = records.filter((one) => accepts(one)).map((one) => one.msg_id);
          expect(new Set(idsOf(query))).toEqual(new Set(expected));
          expect(idsOf(query)).toHaveLength(expected.length);
        }),
        { numRuns: 400 },
      );
    });
  });
}

const TEXTS = ["", "a", "ab", "b", "é", "\u{1f600}", "\uffee", "5", "true", "null", dateAt(3), "2026-01-02T03:04:05.681901+00:00", "2026", "client-1", "e0"];

/** Records that differ in what queries look at. */
function queryRecords(): TaskRecord[] {
  return Array.from({ length: 40 }, (_, i) => {
    const label = [null, 5, 5.5, true, "a", "5", ["a", "b"], { x: 1, y: [2] }, dateAt(3), "é", "\u{1f600}", "\uffee"][i % 12];
    return record(`m${i}`, {
      submitted: i % 7 === 0 ? null : dateAt(i % 6),
      completed: i % 3 === 0 ? dateAt(3) : null,
      engine_uuid: [null, "e0", "", "ab", "\u{1f600}"][i % 5] ?? null,
      client_uuid: TEXTS[i % TEXTS.length] ?? null,
      label: label ?? null,
      stdout: i % 4 === 0 ? "" : (TEXTS[(i * 7) % TEXTS.length] ?? ""),
      header: { msg_id: `m${i}`, msg_type: i % 2 === 0 ? "apply_request" : "execute_request", n: i % 5 },
      error: i % 9 === 0 ? { ename: "E" } : null,
    });
  });
}

const anyValue = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 3, arbitrary: fc.constantFrom(...[0, 1, 2, 3, 4, 5].map((later) => dateAt(later)), "2026-01-02T03:04:05.68Z", "2026-01-02T05:04:05.680901+02:00") },
  fc.constantFrom<unknown>(null, 5, 5.5, 0, true, false, ["a", "b"], { x: 1, y: [2] }, { y: [2], x: 1 }, []),
);
const anyTest = fc.oneof(
  anyValue,
  fc.record({ operator: fc.constantFrom("$lt", "$lte", "$gt", "$gte", "$eq", "$ne"), value: anyValue }).map(({ operator, value }) => ({ [operator]: value })),
  fc
    .record({ operator: fc.constantFrom("$in", "$nin", "$all"), value: fc.array(anyValue, { maxLength: 4 }) })
    .map(({ operator, value }) => ({ [operator]: value })),
  fc.boolean().map((exists) => ({ $exists: exists })),
  fc.constantFrom("*", "a*", "?", "[a-c]", "*1*", "").map((pattern) => ({ $glob: pattern })),
  fc.constantFrom([5, 0], [2, 1], [-3, -1]).map((pair) => ({ $mod: pair })),
);
const anyQuery = fc.dictionary(
  fc.constantFrom(
    "msg_id",
    "submitted",
    "completed",
    "engine_uuid",
    "client_uuid",
    "label",
    "stdout",
    "queue",
    "header.msg_type",
    "header.n",
    "header.none.deeper",
    "error",
    "error.ename",
  ),
  anyTest,
  { maxKeys: 3 },
) as fc.Arbitrary<TaskQuery>;
