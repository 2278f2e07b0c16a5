import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, InvalidArgumentError, StoreError } from "../../../src/base/index.ts";
import { createTaskStore, SqliteStore } from "../../../src/store/index.ts";
import { dateAt, record } from "../../support/records.ts";

const DONE = {
  completed: dateAt(20),
  result_content: { status: "ok" },
  result_metadata: { status: "ok" },
  result_header: { msg_type: "apply_reply" },
} as const;
const now = (): number => Date.parse(dateAt());

describe("the SQLite store's file", () => {
  let directory: string;
  let path: string;
  const open = (more: object = {}): SqliteStore => new SqliteStore({ path, now, ...more });
  const sentence = (): string => {
    try {
      open().close();
    } catch (error) {
      expect(error).toBeInstanceOf(StoreError);
      return (error as Error).message;
    }
    return "opened";
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "tsparallel-store-"));
    path = join(directory, "tasks.db");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("is made with mode 0600, and an existing one is narrowed to it", () => {
    open().close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    chmodSync(path, 0o644);
    open().close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("keeps records over a restart, with their totals", () => {
    const first = open();
    first.add(record("a", { ...DONE, buffers: [new Uint8Array(50)], result_buffers: [new Uint8Array(5000)] }));
    first.add(record("b", { submitted: dateAt(1) }));
    first.close();
    const second = open({ retention: { recordsMax: 2 } });
    expect(second.history()).toEqual(["a", "b"]);
    expect(second.get("a")?.result_buffers?.[0]).toHaveLength(5000);
    second.add(record("c", { ...DONE, submitted: dateAt(2) }));
    second.flush();
    expect(second.history()).toEqual(["b", "c"]);
    second.close();
  });

  it("lets go of what an earlier controller left unfinished when there is too much", () => {
    const first = open();
    for (const id of ["a", "b"]) first.add(record(id));
    first.close();
    const second = open({ retention: { recordsMax: 1 } });
    second.add(record("c", { submitted: dateAt(5) }));
    second.flush();
    expect(second.history()).toEqual(["c"]);
    second.close();
  });

  it("is held by one store at a time; the second is told in one sentence", () => {
    const holder = open();
    expect(sentence()).toBe(`cannot open the task store ${path}: another process has it open; stop that controller, or name another file`);
    holder.close();
    expect(sentence()).toBe("opened");
  });

  it("is refused when it is no database, another program's, newer, a directory, or cannot be made", () => {
    writeFileSync(path, "no database at all ".repeat(100));
    expect(sentence()).toBe(`cannot open the task store ${path}: the file is not a database; move it away, or name another file`);
    rmSync(path);
    const other = new Database(path);
    other.exec("CREATE TABLE photos (id INTEGER); INSERT INTO photos VALUES (1)");
    other.close();
    const before = readFileSync(path);
    expect(sentence()).toBe(`${path} is a database of another program; name another file for the task store`);
    expect(readFileSync(path).equals(before)).toBe(true);
    rmSync(path);
    open().close();
    const newer = new Database(path);
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    expect(sentence()).toBe(`${path} was written by a newer version of this program (format 99, known is 1); use that version, or move the file away`);
    path = join(directory, "missing", "tasks.db");
    expect(sentence()).toBe(`cannot open the task store ${path}: its directory does not exist; create it, or name another file`);
    mkdirSync(path, { recursive: true });
    expect(sentence()).toBe(`cannot open the task store ${path}: it is a directory; name a file`);
  });

  it("is refused in one sentence when its pages are damaged", () => {
    const first = open();
    for (let i = 0; i < 500; i += 1) first.add(record(`r${i}`, DONE));
    first.close();
    const content = readFileSync(path);
    content.fill(0xa5, 100, 8192);
    writeFileSync(path, content);
    expect(sentence()).toMatch(
      /^cannot open the task store .*: the file is (damaged; move it away to start with an empty one|not a database; move it away, or name another file)$/,
    );
  });

  it("is written in batches: by count, by bytes, at a flush, before a search, and at the end", () => {
    const store = open({ batchRecordsMax: 3, batchBytesMax: 1000 });
    const logBytes = (): number => statSync(`${path}-wal`).size;
    const empty = logBytes();
    store.add(record("a"));
    store.add(record("b"));
    expect(logBytes()).toBe(empty);
    store.add(record("c"));
    const afterCount = logBytes();
    expect(afterCount).toBeGreaterThan(empty);
    store.add(record("d", { buffers: [new Uint8Array(1000)] }));
    const afterBytes = logBytes();
    expect(afterBytes).toBeGreaterThan(afterCount);
    store.add(record("e"));
    expect(logBytes()).toBe(afterBytes);
    store.flush();
    expect(logBytes()).toBeGreaterThan(afterBytes);
    store.add(record("f"));
    expect(store.history()).toHaveLength(6);
    store.add(record("g"));
    store.close();
    const again = open();
    expect(again.history()).toHaveLength(7);
    again.close();
  });

  it("writes many rows by one statement and still merges those that are there already", () => {
    const store = open();
    store.update("r3", { execute_input: "early" });
    store.flush();
    for (let i = 0; i < 20; i += 1) store.add(record(`r${i}`, { buffers: [new Uint8Array(i * 200)] }));
    store.flush();
    expect(store.history()).toHaveLength(20);
    expect(store.get("r3")).toMatchObject({ execute_input: "early", queue: "task" });
    for (let i = 0; i < 20; i += 1) expect(store.get(`r${i}`)?.buffers?.[0]).toHaveLength(i * 200);
    store.close();
  });

  it("shows NUL in output as a symbol, and survives lone surrogates", () => {
    const store = open();
    store.add(record("a", { stdout: "x\u0000y", label: "\ud800" }));
    store.appendText("b", "stderr", "\udc00");
    store.flush();
    store.appendText("a", "stdout", "\u0000z");
    store.flush();
    expect(store.get("a")).toMatchObject({ stdout: "x\u2400y\u2400z", label: "\ud800" });
    expect(store.get("b")?.stderr).toHaveLength(1);
    store.close();
  });

  describe("that cannot be written", () => {
    /** Makes every write of the record `bad` fail until it has some output. */
    beforeEach(() => {
      open().close();
      const database = new Database(path);
      database.exec(
        "CREATE TRIGGER bad BEFORE INSERT ON tasks WHEN NEW.msg_id = 'bad' AND NEW.stdout IS NULL BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END",
      );
      database.close();
    });

    it("says so at each flush and search, keeps what waits, and writes it when it can", () => {
      const store = open();
      store.add(record("bad"));
      store.add(record("good"));
      expect(() => store.flush()).toThrow(`cannot write the task store ${path}: the disk is gone`);
      expect(() => store.history()).toThrow(StoreError);
      expect(store.get("bad")).toMatchObject({ msg_id: "bad" });
      store.appendText("bad", "stdout", "x");
      expect(store.history()).toEqual(["bad", "good"]);
      store.close();
    });

    it("takes changes without complaint, gives up what is too much, and tells how many once it can be written", () => {
      const store = open({ batchRecordsMax: 2 });
      store.add(record("bad"));
      for (let i = 0; i < 7; i += 1) store.add(record(`r${i}`));
      store.add(record("after"));
      expect(() => store.flush()).toThrow(`the task store ${path} can be written again; 8 records were given up meanwhile`);
      expect(store.history()).toEqual(["after"]);
      expect(() => store.flush()).not.toThrow();
      store.close();
    });

    it("is closed all the same", () => {
      const store = open();
      store.add(record("bad"));
      expect(() => store.close()).toThrow(StoreError);
      expect(() => store.close()).not.toThrow();
      expect(sentence()).toBe("opened");
    });
  });

  it("refuses every call after the end", () => {
    const store = open();
    store.close();
    expect(() => store.get("a")).toThrow(`the task store ${path} is closed`);
    expect(() => store.history()).toThrow(StoreError);
    expect(() => store.flush()).not.toThrow();
  });

  it("keeps its totals right through every kind of change", () => {
    const store = open({ retention: { bytesMax: 40_000 } });
    for (let round = 0; round < 200; round += 1) {
      store.add(record(`r${round}`, { submitted: dateAt(round), buffers: [new Uint8Array(500)] }));
      store.flush();
      store.update(`r${round}`, { ...DONE, result_buffers: [new Uint8Array(500 + (round % 5) * 300)] });
      store.appendText(`r${round}`, "stdout", "x".repeat(100));
      if (round % 10 === 0) store.flush();
      if (round % 17 === 0) store.drop([`r${round}`]);
    }
    store.close();
    const database = new Database(path);
    const [records, bytes] = database.prepare("SELECT records, bytes FROM totals").raw().get([]) as [number, number];
    expect(database.prepare("SELECT count(*), sum(bytes) FROM tasks").raw().get([])).toEqual([records, bytes]);
    const orphans = database.prepare("SELECT count(*) FROM buffers WHERE seq NOT IN (SELECT seq FROM tasks)").raw().get([]);
    expect(orphans).toEqual([0]);
    expect(bytes).toBeLessThanOrEqual(40_000);
    expect(records).toBeGreaterThan(10);
    database.close();
  });

  it("answers searches by the indexed fields through an index", () => {
    open().close();
    const database = new Database(path);
    for (const [where, index] of [
      ["msg_id = 'a'", "tasks_msg_id"],
      ["submitted > 5", "tasks_submitted"],
      ["completed > 5", "tasks_completed"],
      ["engine_uuid = 'e'", "tasks_engine"],
      ["client_uuid = 'e'", "tasks_client"],
      ["queue = 'mux'", "tasks_queue"],
      ["label = '\"a\"'", "tasks_label"],
      ["cull_at IS NOT NULL ORDER BY cull_at", "tasks_cull"],
      ["cull_at IS NULL", "tasks_open"],
    ]) {
      const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT seq, bytes FROM tasks WHERE ${where}`).all([]) as { readonly detail: string }[];
      expect(plan.map((step) => step.detail).join("; ")).toContain(index);
    }
    database.close();
  });
});

describe("choosing a store", () => {
  it("makes the store of the kind named, with its bounds", () => {
    const memory = createTaskStore({ kind: "memory", retention: { recordsMax: 1 } });
    memory.add(record("a", { ...DONE, submitted: dateAt(1) }));
    memory.add(record("b", { ...DONE, submitted: dateAt(2) }));
    expect(memory.name).toBe("memory");
    expect(createTaskStore({ kind: "none" }).name).toBe("none");
  });

  it("refuses unknown kinds and impossible bounds by name", () => {
    expect(() => createTaskStore({ kind: "mongo" } as never)).toThrow(InvalidArgumentError);
    expect(() => createTaskStore({ kind: "memory", retention: { recordsMax: 0 } })).toThrow(ConfigError);
    expect(() => createTaskStore({ kind: "memory", retention: { ageMsMax: Number.NaN } })).toThrow(/ageMsMax/);
  });
});
