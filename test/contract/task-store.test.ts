import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NoData } from "../../src/base/index.ts";
import type { TaskStore } from "../../src/core/index.ts";
import { MemoryStore, NoneStore, SqliteStore } from "../../src/store/index.ts";
import { record } from "../support/records.ts";
import { describeTaskStore } from "./task-store.ts";

describeTaskStore({ name: "memory", open: (options) => new MemoryStore(options), cleanUp: () => undefined });

let directory: string | undefined;
describeTaskStore({
  name: "sqlite",
  open: (options) => {
    directory ??= mkdtempSync(join(tmpdir(), "tsparallel-store-"));
    return new SqliteStore({ path: join(directory, "tasks.db"), ...options });
  },
  cleanUp: () => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
    directory = undefined;
  },
});

describe("a store that keeps nothing", () => {
  it("takes every write and answers every query with NoData", () => {
    const store: TaskStore = new NoneStore();
    store.add(record("a"));
    store.update("a", {});
    store.appendText("a", "stdout", "x");
    store.flush();
    for (const query of [() => store.get("a"), () => store.find({}, null), () => store.history(), () => store.drop(["a"]), () => store.dropMatching({})])
      expect(query).toThrow(NoData);
    store.close();
  });
});
