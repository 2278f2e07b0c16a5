// The task stores: a task's whole life (added, given to an engine, finished) per second, within and beyond the bound on
// records, and reading afterwards. Retention is small enough in the second run that each task pushes an old one out.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { isoMicros, millis } from "../../src/base/index.ts";
import { emptyTaskRecord, type TaskStore } from "../../src/core/index.ts";
import { MemoryStore, SqliteStore } from "../../src/store/index.ts";
import type { BenchRow } from "./types.ts";

const SESSION = "4756806b-b88609ed74c1ce5bc445954a";
const ENGINE = "9f6ab1c2-0d1e2f3a4b5c6d7e8f901234";
const REQUEST_BUFFERS = [new Uint8Array(150), new Uint8Array(80), new Uint8Array(30)];
const RESULT_BUFFERS = [new Uint8Array(40)];
const READS = 1000;

/** Measures; `tasks` default 100,000. */
export async function run(options: { readonly tasks?: number } = {}): Promise<BenchRow[]> {
  const tasks = options.tasks ?? 100_000;
  const directory = mkdtempSync(join(tmpdir(), "tsparallel-bench-"));
  try {
    return [
      ...measure("memory", new MemoryStore({ retention: { recordsMax: tasks } }), tasks),
      ...measure("sqlite", new SqliteStore({ path: join(directory, "all.db") }), tasks),
      ...measure("sqlite, culling", new SqliteStore({ path: join(directory, "culled.db"), retention: { recordsMax: Math.ceil(tasks / 10) } }), tasks),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function measure(name: string, store: TaskStore, tasks: number): BenchRow[] {
  const rssBefore = process.memoryUsage().rss;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  for (let index = 0; index < tasks; index += 1) live(store, index);
  store.flush();
  const seconds = (performance.now() - start) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const grownMb = (process.memoryUsage().rss - rssBefore) / 1e6;
  const kept = store.history();
  const step = Math.max(1, Math.floor(kept.length / READS));
  const readStart = performance.now();
  let found = 0;
  for (let index = 0; index < kept.length; index += step) found += store.get(kept[index] as string)?.result_buffers?.length ?? 0;
  const readMicros = ((performance.now() - readStart) * 1000) / Math.ceil(kept.length / step);
  store.close();
  return [
    { name: `store ${name}: finished tasks`, value: tasks / seconds, unit: "tasks/s", check: `${kept.length} kept` },
    { name: `store ${name}: CPU of a task`, value: (cpu.user + cpu.system) / tasks, unit: "µs", check: `${tasks} tasks` },
    { name: `store ${name}: memory grown`, value: grownMb, unit: "MB", check: `${tasks} tasks` },
    { name: `store ${name}: read by id`, value: readMicros, unit: "µs", check: `${found} results read` },
  ];
}

/** One task from submission to result, as the Hub tells the store. */
function live(store: TaskStore, index: number): void {
  const id = `${SESSION}_21361_${index}`;
  const date = isoMicros(millis(Date.now()));
  const header = { msg_id: id, msg_type: "apply_request", username: "u", session: SESSION, date, version: "5.3" };
  const metadata = { targets: [], retries: 0, timeout: 0, after: [], follow: [], label: null };
  store.add({ ...emptyTaskRecord(id), header, metadata, content: {}, buffers: REQUEST_BUFFERS, submitted: date, client_uuid: SESSION, queue: "task" });
  store.update(id, { engine_uuid: ENGINE });
  store.update(id, {
    result_header: { ...header, msg_id: `${id}_reply`, msg_type: "apply_reply", session: ENGINE },
    result_metadata: {
      started: date,
      dependencies_met: true,
      engine: ENGINE,
      is_broadcast: false,
      is_coalescing: false,
      original_msg_id: "",
      label: null,
      status: "ok",
    },
    result_content: { status: "ok" },
    result_buffers: RESULT_BUFFERS,
    started: date,
    completed: date,
    received: date,
    engine_uuid: ENGINE,
  });
}
