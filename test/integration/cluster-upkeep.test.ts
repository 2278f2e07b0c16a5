// A cluster that looks after itself: as many engines as the work needs, and dead ones started again, within a limit.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, type Client, type LogFields, type Logger, type LogLevel } from "tsparallel";
import { Sandbox } from "../support/ipcluster.ts";
import { until } from "../support/until.ts";

const lines: { readonly level: LogLevel; readonly message: string; readonly fields: LogFields }[] = [];
const write =
  (level: LogLevel) =>
  (message: string, fields: LogFields = {}): void =>
    void lines.push({ level, message, fields });
const logger: Logger = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error"), child: () => logger };
const logged = (message: string): LogFields[] => lines.filter((line) => line.message === message).map(({ fields }) => fields);

let sandbox: Sandbox;
let cluster: Cluster;
let rc: Client;
beforeAll(async () => {
  sandbox = new Sandbox();
  const engine = { restart: "on-failure", restartMax: 2, restartDelayMs: 50 } as const;
  cluster = await Cluster.start({ ipythonDir: sandbox.dir, clusterId: "", n: 1, engine, logger });
  rc = await cluster.connect();
});
afterAll(async () => {
  await cluster.stop();
  sandbox.dispose();
});

describe("an engine that dies", () => {
  const kill = async (): Promise<void> => {
    await until(() => cluster.enginePids.length === 1);
    for (const pid of cluster.enginePids) process.kill(pid, "SIGKILL");
  };
  const restarts = (): unknown => (JSON.parse(readFileSync(cluster.file, "utf8")) as { restarts?: number }).restarts;

  it("is started again, and tasks that wait run there", async () => {
    const [first] = cluster.enginePids;
    const left = new Promise((resolve) => rc.on("engineLeft", resolve));
    await kill();
    await left;
    expect(await rc.loadBalancedView().apply(() => process.pid)).not.toBe(first);
    await until(() => restarts() === 1);
    expect(cluster.engineCount).toBe(1);
    expect(logged("the engine is started again")).toEqual([{ restart: "1 of 2 within 600 s", after: "0.05 s" }]);
  });

  it("is left when its end was wanted", async () => {
    await cluster.restart();
    await cluster.scale(0);
    await cluster.scale(1);
    expect(logged("the engine is started again")).toHaveLength(1);
  });

  it("is left when the limit is reached, which is said in a line", async () => {
    await kill();
    await until(() => restarts() === 2);
    await kill();
    await until(() => logged("the engine is not started again: the limit of restarts is reached").length === 1);
    expect(lines.findLast(({ level }) => level === "error")).toMatchObject({ fields: { restarts: 2, within: "600 s" } });
    expect(cluster.engineCount).toBe(0);
    await until(() => rc.length === 0); // from now on nothing is sent to it
  });
});

describe("adapt", () => {
  it("adds engines while tasks wait, and removes them when they have been idle, until it is stopped", async () => {
    const changes: { readonly engines: number; readonly why: string }[] = [];
    const onChange = (change: (typeof changes)[number]): void => void changes.push(change);
    const pace = { tasksPerEngine: 1, addAfterMs: 50, removeAfterMs: 700, intervalMs: 50 };
    await using adaptation = cluster.adapt({ min: 0, max: 2, ...pace, onChange });
    expect(() => cluster.adapt({ min: 0, max: 1 })).toThrow("is adapted already");
    const results = rc.loadBalancedView().map((x: number) => new Promise<number>((resolve) => setTimeout(() => resolve(x * 2), 100)), [1, 2, 3, 4, 5, 6]);
    expect(await results).toEqual([2, 4, 6, 8, 10, 12]);
    await until(() => cluster.engineCount === 0);
    await until(() => changes.at(-1)?.engines === 0);
    expect(changes[0]).toEqual({ engines: 2, why: "add" });
    await adaptation.stop();
    const waiting = rc.loadBalancedView().apply(() => "who comes");
    await cluster.scale(1);
    expect(await waiting).toBe("who comes");
  });

  it("tells what it cannot do, and tries again after waits that grow", async () => {
    await using bare = await Cluster.start({ private: true, n: 0, engine: { command: ["/no/such/engine"] } });
    const waits: number[] = [];
    const errors: Error[] = [];
    await using adaptation = bare.adapt({
      min: 1,
      max: 2,
      intervalMs: 10,
      retryMs: 20,
      onError: (error, retryAfterMs) => {
        errors.push(error);
        waits.push(Math.round(retryAfterMs));
      },
    });
    await until(() => errors.length >= 3);
    await adaptation.stop();
    expect(waits.slice(0, 3)).toEqual([20, 40, 80]);
    expect(errors[0]).toMatchObject({ code: "ERR_LAUNCH" });
    expect(bare.engineCount).toBe(0);
  });
});
