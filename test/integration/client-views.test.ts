// Each row of the API that views offer, against a real controller and real engines.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  CompositeError,
  Dependency,
  ImpossibleDependency,
  InvalidDependency,
  Reference,
  RemoteError,
  SerializationError,
  TaskAborted,
  TaskTimeout,
  TimeoutError,
  type Client,
  type DirectView,
  type LoadBalancedView,
} from "tsparallel";
import { Gate, passed } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { TestCluster } from "../support/with-cluster.ts";

const ENGINES = 4;
let cluster: TestCluster;
let client: Client;
let dview: DirectView;
let lview: LoadBalancedView;

beforeAll(async () => {
  cluster = await TestCluster.start({ engines: ENGINES });
  client = await cluster.connect();
  await client.waitForEngines(ENGINES, { timeoutMs: 60_000 });
  dview = client.directView();
  lview = client.loadBalancedView();
});

afterAll(async () => {
  await cluster?.stop();
});

const square = (x: number): number => x * x;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
/** Compares bytes: the runner's own comparison takes seconds for a million numbers. */
const isSame = (a: Float64Array, b: Float64Array): boolean =>
  a instanceof Float64Array && Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

describe("engines", () => {
  it("have ids from 0 on, and tell who they are", () => {
    expect([client.ids, client.length]).toEqual([range(ENGINES), ENGINES]);
    expect([...client.engines.values()].map((engine) => engine.properties["host"])).toEqual(range(ENGINES).map(() => hostname()));
  });

  it("are chosen by number, from the end, by list, by slice", async () => {
    const pids = (await dview.apply(() => process.pid)) as number[];
    expect(new Set(pids).size).toBe(ENGINES);
    expect(await client.directView(1).apply(() => process.pid)).toBe(pids[1]);
    expect(await client.at(-1).apply(() => process.pid)).toBe(pids[3]);
    expect(await client.directView([2, 0]).apply(() => process.pid)).toEqual([pids[2], pids[0]]);
    expect(await client.slice(0, undefined, 2).apply(() => process.pid)).toEqual([pids[0], pids[2]]);
    expect(await client.directView("all").apply(() => process.pid)).toEqual(pids);
  });
});

describe("a direct view", () => {
  it("maps like the serial loop", async () => {
    expect(await dview.map(square, range(50))).toEqual(range(50).map(square));
    expect(await dview.map((x: number, y: number) => x + y, range(3), range(5))).toEqual([0, 2, 4]);
  });

  it("sends functions with what they close over", async () => {
    const base = 100;
    const add = (x: number): number => x + base;
    expect(await client.directView(0).apply((x: number) => add(x) * 2, 1)).toBe(202);
    const makeAdder = (n: number) => (x: number) => x + n;
    expect(await dview.apply(makeAdder(5), 1)).toEqual([6, 6, 6, 6]);
  });

  it("pushes, pulls, sets and gets globals", async () => {
    await dview.push({ a: 5, nested: {} });
    await dview.push({ "nested.b": 7 });
    expect(await dview.pull("a")).toEqual([5, 5, 5, 5]);
    expect(await client.directView(0).pull(["a", "nested.b"])).toEqual([5, 7]);
    await dview.set("list", ["foo", "bar"]);
    expect(await dview.get("list")).toEqual(range(ENGINES).map(() => ["foo", "bar"]));
    await client.directView(1).update({ a: 6 });
    expect(await dview.get("a")).toEqual([5, 6, 5, 5]);
  });

  it("fails with the engine's ReferenceError for a name that is nowhere, and works once it was pushed", async () => {
    const view = client.directView(2);
    const error = await view
      .pull("nowhere")
      .get()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ ename: "ReferenceError", engineInfo: { engineId: 2, method: "apply", host: hostname() } });
    await view.push({ nowhere: 5 });
    expect(await view.pull("nowhere")).toBe(5);
  });

  it("scatters and gathers, by block and round robin, lists and typed arrays", async () => {
    await dview.scatter("s", range(16));
    expect(await dview.get("s")).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 10, 11],
      [12, 13, 14, 15],
    ]);
    expect(await dview.gather("s")).toEqual(range(16));
    await dview.scatter("r", range(6), { dist: "roundRobin" });
    expect(await dview.get("r")).toEqual([[0, 4], [1, 5], [2], [3]]);
    expect(await dview.gather("r", { dist: "roundRobin" })).toEqual(range(6));
    await dview.scatter("one", range(ENGINES), { flatten: true });
    expect(await dview.get("one")).toEqual(range(ENGINES));
    const big = Float64Array.from({ length: 100_000 }, (_, i) => i / 3);
    await dview.scatter("f", big);
    expect(isSame(await dview.gather<Float64Array>("f"), big)).toBe(true);
  });

  it("executes code, and its output comes back by engine", async () => {
    const [reply] = await client.directView([3]).execute("console.log('hello'); console.error('oops'); 6 * 7", { silent: false });
    expect(reply).toMatchObject({ engineId: 3, stdout: "hello\n", stderr: "oops\n" });
    expect(reply?.result?.data["text/plain"]).toBe("42");
    await dview.execute("const executed: number = 1 + 1");
    expect(await dview.pull("executed")).toEqual([2, 2, 2, 2]);
    const failing = await client
      .directView(0)
      .execute("throw new RangeError('no')")
      .get()
      .catch((reason: unknown) => reason);
    expect(failing).toMatchObject({ ename: "RangeError", evalue: "no", engineInfo: { engineId: 0, method: "execute" } });
  });

  it("shows what cells put out, in groups: what they printed, displayed, and gave", async () => {
    const cells = client
      .directView([1, 0])
      .execute("import { display } from 'tsparallel/engine'; console.log('said'); console.error('warned'); display({ seen: 1 }); 6 * 7", { silent: false });
    const show = async (groupBy: "engine" | "type" | "order"): Promise<string[]> => {
      const shown: string[] = [];
      await cells.displayOutputs({ groupBy, sink: { write: (text) => shown.push(text.trimEnd().replace(/:\d+\]: /, "]: ")) } });
      return shown;
    };
    const of = (id: number): string[] => [`[stdout:${id}] said`, `[stderr:${id}] warned`, `[output:${id}] { seen: 1 }`, `Out[${id}]: 42`];
    expect(await show("engine")).toEqual([...of(0), ...of(1)]);
    expect(await show("order")).toEqual([...of(1), ...of(0)]);
    expect(await show("type")).toEqual(of(1).flatMap((text, i) => [text, of(0)[i]]));
    expect((await cells).map(({ stdout, stderr, outputs, result }) => [stdout, stderr, outputs.length, result?.data["text/plain"]])).toEqual([
      ["said\n", "warned\n", 1, "42"],
      ["said\n", "warned\n", 1, "42"],
    ]);
  });

  it("runs a file", async () => {
    const dir = await mkdtemp(join(tmpdir(), "tsparallel-run-"));
    try {
      await writeFile(join(dir, "code.ts"), "globalThis.fromFile = [1, 2].map((x: number) => x * 10);");
      await client.directView(0).run(join(dir, "code.ts"));
    } finally {
      await rm(dir, { recursive: true });
    }
    expect(await client.directView(0).pull("fromFile")).toEqual([10, 20]);
  });

  it("takes References to what lives on the engine", async () => {
    await dview.push({ A: [1, 2, 3] });
    const dot = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
    expect(await dview.apply(dot, new Reference<number[]>("A"), [1, 1, 1])).toEqual([6, 6, 6, 6]);
    await dview.execute("function twice(x) { return x * 2 }");
    expect(await client.directView(0).apply(new Reference<(x: number) => number>("twice"), 21)).toBe(42);
  });

  it("gives one error for each engine that fails", async () => {
    const error = await dview
      .apply(() => {
        throw new TypeError("bad");
      })
      .get()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CompositeError);
    expect((error as CompositeError).errors.map((each) => (each as RemoteError).engineInfo?.engineId)).toEqual(range(ENGINES));
  });

  it("offers remote and parallel functions", async () => {
    const host = dview.remote(() => process.pid);
    expect(new Set(await host()).size).toBe(ENGINES);
    const doubled = dview.parallel((part: number[]) => part.map((x) => x * 2));
    expect(await doubled(range(10))).toEqual(range(10).map((x) => x * 2));
    expect(await dview.parallel(square).map(range(9))).toEqual(range(9).map(square));
  });

  it("carries large arrays there and back, and says when they may be changed", async () => {
    const big = Float64Array.from({ length: 1_000_000 }, (_, i) => i);
    const pushing = client.directView(0).push({ big });
    await pushing.waitOnSend({ timeoutMs: 60_000 });
    expect(pushing.sent).toBe(true);
    await pushing;
    expect(isSame(await client.directView(0).pull<Float64Array>("big"), big)).toBe(true);
  });
});

describe("a load-balanced view", () => {
  it("applies and maps, in chunks and one by one", async () => {
    expect(await lview.apply(square, 9)).toBe(81);
    expect(await lview.map(square, range(1000))).toEqual(range(1000).map(square));
    expect(await lview.with({ chunkSize: 7 }).map(square, range(50))).toEqual(range(50).map(square));
    expect(await lview.map(async (x: number) => Promise.resolve(x + 1), [1, 2])).toEqual([2, 3]);
  });

  it("gives items as they come, in order and as completed", async () => {
    const items = async (ordered: boolean): Promise<number[]> => {
      using gate = new Gate();
      const { path } = gate;
      const result = lview.with({ ordered, chunkSize: 1 }).map(async (x: number) => (x === 0 ? passed(path).then(() => x) : x), range(4));
      await until(() => client.outstanding.size === 1);
      gate.open();
      const all: number[] = [];
      for await (const item of result) all.push(item);
      return all;
    };
    const unordered = await items(false);
    expect([unordered.at(-1), unordered.toSorted((a, b) => a - b)]).toEqual([0, range(4)]);
    expect(await items(true)).toEqual(range(4));
  });

  it("maps lazily over an endless source until told to stop", async () => {
    const source = function* (): Generator<number> {
      for (let i = 0; ; i += 1) yield i;
    };
    const items: number[] = [];
    for await (const item of lview.imap(square, source(), { maxOutstanding: 8 })) {
      items.push(item);
      if (items.length === 100) break;
    }
    expect(items).toEqual(range(100).map(square));
  });

  it("maps lazily over an endless asynchronous source, a bounded number ahead of its reader, until it is cancelled", async () => {
    let taken = 0;
    async function* source(): AsyncGenerator<number> {
      for (;;) yield await Promise.resolve((taken += 1));
    }
    const items = lview.imap(square, source(), { maxOutstanding: 5 });
    for (const x of [1, 2, 3]) expect(await items.next()).toEqual({ done: false, value: x * x });
    await until(() => client.outstanding.size === 0);
    expect(taken).toBe(8);
    await items.cancel();
    expect(await items.next()).toEqual({ done: true, value: undefined });
    expect(taken).toBe(8);
  });

  it("has many tasks under way at once, and all come back", async () => {
    const results = range(2000).map((i) => lview.apply(square, i));
    expect(await Promise.all(results)).toEqual(range(2000).map(square));
    expect(client.outstanding.size).toBe(0);
  });

  it("runs on its targets only", async () => {
    const pid = await client.directView(2).apply(() => process.pid);
    const pids = await client
      .loadBalancedView(2)
      .with({ chunkSize: 1 })
      .map(() => process.pid, range(8));
    expect(new Set(pids)).toEqual(new Set([pid]));
  });

  it("waits for what a task comes after, and runs beside what it follows", async () => {
    const first = lview.with({ targets: 1 }).apply(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return Date.now();
    });
    const after = lview.with({ after: first }).apply(() => Date.now());
    const beside = lview.with({ follow: new Dependency(first) }).apply(() => process.pid);
    const [ended, began, pid] = [await first, await after, await beside];
    expect(began).toBeGreaterThanOrEqual(ended);
    expect(pid).toBe(await client.directView(1).apply(() => process.pid));
  });

  it("names impossible, invalid and late tasks", async () => {
    const failing = lview.apply(() => {
      throw new Error("no");
    });
    await failing.wait();
    await expect(lview.with({ after: failing }).apply(square, 1).get()).rejects.toBeInstanceOf(ImpossibleDependency);
    await expect(lview.with({ after: "nosuch" }).apply(square, 1).get()).rejects.toBeInstanceOf(InvalidDependency);
    using gate = new Gate();
    const blocker = lview.with({ targets: 0 }).apply(passed, gate.path);
    await expect(lview.with({ targets: 0, timeoutMs: 100 }).apply(square, 1).get()).rejects.toBeInstanceOf(TaskTimeout);
    gate.open();
    await blocker;
  });

  it("tries a failed task again elsewhere", async () => {
    const [bad] = client.ids as [number];
    await dview.execute("globalThis.attempts = 0");
    const badPid = await client.directView(bad).apply(() => process.pid);
    const results = await lview.with({ retries: ENGINES, chunkSize: 1 }).map(
      (forbidden: number) => {
        if (process.pid === forbidden) throw new Error("not here");
        return process.pid;
      },
      range(12).map(() => badPid),
    );
    expect(results).not.toContain(badPid);
  });

  it("keeps what an aborted task was from running", async () => {
    const view = lview.with({ targets: 3 });
    using gate = new Gate();
    const running = view.apply(passed, gate.path);
    const queued = client.directView(3).apply(() => "never");
    await until(async () => (await client.queueStatus([3]))[3]?.tasks === 1);
    await queued.abort();
    gate.open();
    await expect(queued.get()).rejects.toBeInstanceOf(TaskAborted);
    await running;
  });

  it("refuses at the call what cannot travel", () => {
    const secret = Symbol("secret");
    expect(() => lview.apply(() => String(secret))).toThrow(SerializationError);
    expect(() => lview.map((x: unknown) => x, [secret])).toThrow(SerializationError);
  });

  it("gives up waiting, not the task", async () => {
    using gate = new Gate();
    const result = lview.apply(async (path: string) => passed(path).then(() => 1), gate.path);
    await expect(result.get({ timeoutMs: 20 })).rejects.toBeInstanceOf(TimeoutError);
    expect(await result.wait(1)).toBe(false);
    gate.open();
    expect(await result).toBe(1);
  });

  it("collects what tasks print, and their times", async () => {
    const result = lview.with({ label: "loud" }).apply(async () => {
      process.stdout.write("working\n");
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    await result;
    expect(await result.waitForOutput()).toBe(true);
    expect(result.stdout).toBe("working\n");
    expect(result.serialTime).toBeGreaterThanOrEqual(0.045);
    expect(result.wallTime).toBeGreaterThanOrEqual(result.serialTime);
    expect(result.metadata).toMatchObject({ status: "ok", label: "loud", stdout: "working\n" });
  });
});

describe("a broadcast view", () => {
  it.each([false, true])("sends once and gives a value for each engine (coalescing: %s)", async (coalescing) => {
    const view = client.broadcastView({ coalescing });
    await view.push({ b: 3 });
    expect(await view.pull("b")).toEqual([3, 3, 3, 3]);
    const pids = await dview.apply(() => process.pid);
    const result = view.apply(() => process.pid);
    await result;
    expect(Object.values(result.getDict())).toEqual(pids);
  });

  it("executes on each, with output", async () => {
    const replies = await client.broadcastView().execute("console.log('x')");
    expect(replies.map((reply) => reply.stdout)).toEqual(range(ENGINES).map(() => "x\n"));
  });
});

describe("progress", () => {
  it("is shown until all is done", async () => {
    const lines: string[] = [];
    const result = lview.with({ chunkSize: 1 }).map(() => new Promise<void>((resolve) => setTimeout(resolve, 60)), range(12));
    await result.waitInteractive({ intervalMs: 20, stream: { write: (text: string) => lines.push(text) } });
    expect(lines.at(-1)).toBe("done\n");
    expect(lines.at(-2)).toMatch(/^12\/12 tasks finished after \d+ s\n$/);
    expect(lines[0]).toMatch(/^\d+\/12 tasks finished after \d+ s\n$/);
  });
});
