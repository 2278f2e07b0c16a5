// The engines of a running cluster as a number that changes: no task is lost, the others' ids stay, and the cluster file is true.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, type Client } from "tsparallel";
import { ControlLink } from "../../dist/cluster/control-link.js";
import { readConnectionFile } from "../../dist/config/index.js";
import { Gate, passed } from "../support/gate.ts";
import { processesWith, Sandbox } from "../support/ipcluster.ts";
import { until } from "../support/until.ts";

let sandbox: Sandbox;
let cluster: Cluster;
let rc: Client;
beforeAll(async () => {
  sandbox = new Sandbox();
  cluster = await Cluster.start({ ipythonDir: sandbox.dir, clusterId: "", n: 2 });
  rc = await cluster.connect();
});
afterAll(async () => {
  await cluster.stop();
  sandbox.dispose();
});

/** Engines that the cluster file tells of, and how many it says there should be. */
function written(): { readonly n: number; readonly running: number } {
  const file = JSON.parse(readFileSync(cluster.file, "utf8")) as { cluster: { n: number }; engines: { sets: Record<string, { n: number }> } };
  return { n: file.cluster.n, running: Object.values(file.engines.sets).reduce((sum, set) => sum + set.n, 0) };
}

/** Waits until so many engines have a task. */
async function busy(count: number): Promise<void> {
  await until(async () => Object.values(await rc.queueStatus()).filter((engine) => (engine as { readonly tasks?: number }).tasks === 1).length === count);
}

/** How many engines are to go. */
async function drained(): Promise<number> {
  await using control = new ControlLink(await readConnectionFile("client", join(sandbox.profileDir(), "security/ipcontroller-client.json")));
  return [...(await control.work()).engines.values()].filter(({ isDraining }) => isDraining).length;
}

describe("scale", () => {
  it("adds engines, and takes the newest away while tasks run, none of which is lost; other ids stay", async () => {
    await cluster.scale(4);
    await rc.waitForEngines(4);
    expect(written()).toEqual({ n: 4, running: 4 });
    const pids = cluster.enginePids;
    const lview = rc.loadBalancedView();
    const short = lview.map(
      (x: number) => x + 1,
      Array.from({ length: 2000 }, (_, i) => i),
    );
    using gate = new Gate();
    const long = Array.from({ length: 8 }, (_, i) => lview.apply(async (j: number, path: string) => passed(path).then(() => j), i, gate.path));
    // What was sent ahead to engines that are held up comes back.
    await until(async () => (await rc.queueStatus()).unassigned === 4);
    const scaling = cluster.scale(2);
    // Who goes is decided while every engine has work: the gate opens after that.
    await until(async () => (await drained()) === 2);
    gate.open();
    await scaling;
    expect(cluster.enginePids).toEqual(pids.slice(0, 2));
    expect(await short).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
    expect(await Promise.all(long)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await until(() => rc.length === 2);
    expect(rc.ids).toEqual([0, 1]);
    expect(written()).toEqual({ n: 2, running: 2 });
  });

  it("waits for what an engine has, no longer than it is told to: then the task runs elsewhere, without a retry", async () => {
    const lview = rc.loadBalancedView();
    const [pid = 0] = cluster.enginePids;
    // It ends on the older engine only.
    using gate = new Gate();
    const results = [0, 1].map(() =>
      lview.apply(
        async (ends: number, path: string) => {
          await passed(path);
          return process.pid === ends ? ends : new Promise<number>(() => undefined);
        },
        pid,
        gate.path,
      ),
    );
    await busy(2);
    await cluster.scale(1, { drainTimeoutMs: 300 });
    gate.open();
    expect(await Promise.all(results)).toEqual([pid, pid]);
    expect(cluster.enginePids).toEqual([pid]);
  });

  it("that is given up leaves the engines as they were, and they take tasks again", async () => {
    await cluster.scale(2);
    await rc.waitForEngines(2);
    using gate = new Gate();
    const results = [0, 1].map(() => rc.loadBalancedView().apply(async (path: string) => passed(path).then(() => process.pid), gate.path));
    await busy(2);
    const reason = new Error("changed my mind");
    await expect(cluster.scale(0, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ name: "TimeoutError" });
    await expect(cluster.scale(0, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    gate.open();
    expect(new Set(await Promise.all(results))).toEqual(new Set(cluster.enginePids));
    expect(await rc.loadBalancedView().map((x: number) => x, [1, 2, 3])).toEqual([1, 2, 3]);
  });

  it("to none lets tasks wait for the next engine", async () => {
    await cluster.scale(0);
    expect(cluster.engineCount).toBe(0);
    const waiting = rc.loadBalancedView().apply(() => "later");
    await until(async () => (await rc.queueStatus()).unassigned === 1);
    await cluster.scale(2);
    expect(await waiting).toBe("later");
    await expect(cluster.scale(-1)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(cluster.scale(1, { drainTimeoutMs: Number.NaN })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    expect(() => cluster.adapt({ min: 0, max: 1, intervalMs: 0 })).toThrow("intervalMs is 0, and must be");
  });

  it("by another process works on the same engines, and this one notices", async () => {
    const found = await Cluster.fromFile(cluster.file);
    await found.scale(1);
    await until(() => cluster.engineCount === 1);
    expect(written()).toEqual({ n: 1, running: 1 });
    await found.scale(2);
    expect(found.engineCount).toBe(2);
    // Counts and ends those of the other process too.
    await cluster.scale(1);
    await until(() => found.engineCount === 1);
    expect(written()).toEqual({ n: 1, running: 1 });
    await found.leave();
    await cluster.scale(2);
    await until(() => rc.length === 2);
  });
});

describe("restart and signal", () => {
  it("a signal for one engine interrupts it alone", async () => {
    const [first, second] = rc.ids;
    using gate = new Gate();
    const [one, other] = [first, second].map((id) => rc.directView(id ?? 0).apply(async (path: string) => passed(path).then(() => "done"), gate.path));
    await until(async () => Object.values(await rc.queueStatus()).filter((engine) => (engine as { readonly queue?: number }).queue === 1).length === 2);
    // A signal that comes before the function runs interrupts nothing.
    await until(async () => (await cluster.signal("SIGINT", [first ?? 0]), one?.ready() === true), { everyMs: 100 });
    await expect(one).rejects.toThrow(/KeyboardInterrupt|interrupt/i);
    expect(other?.ready()).toBe(false);
    gate.open();
    expect(await other).toBe("done");
    await expect(cluster.signal("SIGINT", [999])).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("there is no engine 999") as string,
    });
  });

  it("restart starts as many again, all or those named, and busy ones too", async () => {
    const before = cluster.enginePids;
    const ids = rc.ids;
    const lost = rc.directView(ids[0] ?? 0).apply(() => new Promise(() => undefined));
    await cluster.restart([ids[0] ?? 0]);
    await expect(lost).rejects.toMatchObject({ name: "EngineError" });
    await until(() => rc.length === 2 && !rc.ids.includes(ids[0] ?? 0));
    expect(rc.ids).toContain(ids[1]);
    expect(cluster.enginePids.filter((pid) => before.includes(pid))).toHaveLength(1);
    await cluster.restart();
    expect(cluster.enginePids.filter((pid) => before.includes(pid))).toEqual([]);
    expect(cluster.enginePids).toHaveLength(2);
    expect(written()).toEqual({ n: 2, running: 2 });
    await until(() => rc.length === 2);
    expect(await rc.directView().apply(() => 1)).toEqual([1, 1]);
  });
});

describe("stop", () => {
  it("leaves nothing of a cluster whose engines came and went", async () => {
    await cluster.stop();
    expect(sandbox.securityFiles()).toEqual([]);
    expect(processesWith(sandbox.dir)).toEqual([]);
  });
});
