// The client's way to the Hub, to engines' control channel, and out of trouble, against a real cluster.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Client, ConfigError, ControllerUnreachableError, EngineError, NoEnginesRegistered, RemoteError, TimeoutError } from "tsparallel";
import { until } from "../support/until.ts";
import { withCluster } from "../support/with-cluster.ts";

describe("the Hub", () => {
  it("knows queues, results and history, for other clients too; and forgets what is purged", async () => {
    await withCluster({ engines: 2 }, async (client, cluster) => {
      const lview = client.loadBalancedView();
      await lview.with({ label: "A" }).map((x: number) => x + 1, [1, 2, 3, 4]);
      const direct = client.directView(0).apply(() => [1, new Float64Array(1000).fill(7)]);
      await direct;
      const status = await client.queueStatus();
      expect(Object.keys(status).sort()).toEqual(["0", "1", "unassigned"]);
      expect((status[0]?.completed ?? 0) + (status[1]?.completed ?? 0)).toBe(5);
      const history = await client.hubHistory();
      expect([history.length, history.at(-1)]).toEqual([5, direct.msgIds[0]]);
      expect(await client.resultStatus(direct)).toEqual({ pending: [], completed: direct.msgIds });

      const other = await cluster.connect();
      const slow = lview.apply(() => new Promise<string>((resolve) => setTimeout(() => resolve("late"), 300)));
      await until(async () => (await other.hubHistory()).length === 6);
      const fetched = other.getResult([...slow.msgIds, ...direct.msgIds]);
      expect(fetched.ready()).toBe(false);
      expect(await fetched).toEqual(["late", [1, new Float64Array(1000).fill(7)]]);
      expect(fetched.metadata[1]).toMatchObject({ engineId: 0, status: "ok" });

      const labelled = await other.dbQuery({ label: "A" }, ["msg_id", "label", "completed"]);
      expect(labelled.map((record) => record.label)).toEqual(["A", "A", "A", "A"]);
      expect(await other.dbQuery({ msg_id: { $in: direct.msgIds } }, "result_buffers")).toMatchObject([
        { msg_id: direct.msgIds[0], result_buffers: expect.any(Array) as unknown },
      ]);

      await client.purgeResults(direct);
      expect(await other.hubHistory()).not.toContain(direct.msgIds[0]);
      await expect(other.getResult(direct).get()).rejects.toBeInstanceOf(RemoteError);
      await client.purgeEverything();
      expect([await other.hubHistory(), client.history]).toEqual([[], []]);
    });
  });

  it("resubmits finished tasks", async () => {
    await withCluster({ engines: 1 }, async (client) => {
      const first = client.loadBalancedView().apply((x: number) => [x, Math.random()] as const, 5);
      const [, before] = await first;
      const again = client.resubmit<readonly [number, number]>(first);
      const [[x, now]] = (await again) as [[number, number]];
      expect(x).toBe(5);
      expect(now).not.toBe(before);
      expect(again.msgIds).not.toEqual(first.msgIds);
      await expect(client.resubmit("nosuch").get()).rejects.toBeInstanceOf(RemoteError);
    });
  });
});

describe("engines", () => {
  it("that come and go are told; one that is killed fails its requests, and its tasks are tried again", async () => {
    // The heart of a killed engine stops; quick heartbeats let the controller see it soon.
    await withCluster({ engines: 1, controllerArgs: ["--ping=250"] }, async (client, cluster) => {
      const events: string[] = [];
      client.on("engineJoined", (engine) => events.push(`+${engine.id}`));
      client.on("engineLeft", (engine) => events.push(`-${engine.id}`));
      cluster.addEngines(1);
      await client.waitForEngines(2, { timeoutMs: 60_000 });
      const pids = await client.directView().apply(() => process.pid);
      const victim = pids[1] as number;
      const direct = client.directView(1).apply(() => new Promise(() => undefined));
      const task = client
        .loadBalancedView()
        .with({ retries: 1 })
        .apply((pid: number) => (process.pid === pid ? new Promise<number>(() => undefined) : process.pid), victim);
      await until(async () => (await client.queueStatus([1]))[1]?.queue === 1);
      process.kill(victim, "SIGKILL");
      await expect(direct.get({ timeoutMs: 60_000 })).rejects.toBeInstanceOf(EngineError);
      expect(await task.get({ timeoutMs: 60_000 })).toBe(pids[0]);
      expect([client.ids, events]).toEqual([[0], ["+1", "-1"]]);
    });
  });

  it("are cleared, signalled while busy, and shut down; the controller after them", async () => {
    await withCluster({ engines: 2 }, async (client, cluster) => {
      await client.directView().push({ leftover: 1 });
      await client.clear();
      await expect(client.directView(0).pull("leftover").get()).rejects.toMatchObject({ ename: "ReferenceError" });
      const spinning = client.directView(0).apply(() => {
        for (;;);
      });
      // An engine that is idle yet ignores the signal, so it is sent until it meets the function.
      await until(async () => {
        await client.sendSignal("SIGINT", [0]);
        return spinning.wait(100);
      });
      await expect(spinning.get({ timeoutMs: 60_000 })).rejects.toMatchObject({ ename: "KeyboardInterrupt" });
      await client.shutdown({ targets: [1] });
      await until(() => client.length === 1);
      await client.shutdown({ hub: true });
      expect(await client.closed).toContain("shut down");
      await until(() => cluster.controller.child.exitCode === 0);
      await until(() => cluster.engines.every((engine) => engine.child.exitCode !== null));
      expect(cluster.engines.map((engine) => engine.child.exitCode)).toEqual([0, 0]);
    });
  });

  it("that are not there are said not to be", async () => {
    await withCluster({ engines: 0 }, async (client) => {
      expect(() => client.directView()).toThrow(NoEnginesRegistered);
      expect(await client.queueStatus()).toEqual({ unassigned: 0 });
      await expect(client.waitForEngines(1, { timeoutMs: 100 })).rejects.toBeInstanceOf(TimeoutError);
    });
  });
});

describe("connecting", () => {
  it("fails with a sentence for each cause", async () => {
    let file = "";
    let text = "";
    await withCluster({ engines: 0 }, async (_, cluster) => {
      file = cluster.clientFile;
      text = await readFile(file, "utf8");
      const wrong = join(cluster.profileDir, "wrong-key.json");
      await writeFile(wrong, JSON.stringify({ ...(JSON.parse(text) as object), key: "another" }));
      const refused = await Client.connect({ file: wrong, timeoutMs: 500 }).catch((reason: unknown) => reason);
      expect(refused).toBeInstanceOf(TimeoutError);
      expect((refused as Error).message).toContain("key");
      const half = join(cluster.profileDir, "half.json");
      await writeFile(half, text.slice(0, 100));
      const connecting = Client.connect({ file: half });
      await writeFile(half, text);
      await (await connecting).close();
    });
    await expect(Client.connect({ file })).rejects.toBeInstanceOf(ConfigError);
    await expect(Client.connect({ connectionInfo: JSON.parse(text) as Record<string, unknown> })).rejects.toBeInstanceOf(ControllerUnreachableError);
  });
});
