// A real controller that is killed and started again: what its clients notice, what goes on, what fails.

import { afterAll, beforeAll, expect, it } from "vitest";
import { ControllerLostError, type Client } from "tsparallel";
import { Gate, passed } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { TestCluster } from "../support/with-cluster.ts";

const PING = "--ping=250";

let cluster: TestCluster;
let client: Client;
const told: string[] = [];

const nap = async (ms: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
};

beforeAll(async () => {
  cluster = await TestCluster.start({ engines: 2, controllerArgs: ["--reuse", PING] });
  client = await cluster.connect();
  await client.waitForEngines(2, { timeoutMs: 60_000 });
  client.on("controllerLost", () => told.push("lost"));
  client.on("controllerBack", ({ isSameLife }) => told.push(isSameLife ? "the same is back" : "another is there"));
});

afterAll(async () => {
  await cluster.stop();
});

it("a controller that restores: what engines have goes on, what they finished meanwhile arrives, its queue is lost", async () => {
  const properties = [...client.engines.values()].map((engine) => engine.properties);
  const running = client.directView(0).apply(nap, 2500);
  using gate = new Gate();
  const finishes = client.directView(1).apply(passed, gate.path);
  const task = client.loadBalancedView([1]).apply(nap, 20);
  const queued = client.directView(1).apply(() => "queued at the engine");
  await until(async () => (await client.queueStatus([0, 1]))[0]?.queue === 1);
  await cluster.killController();
  gate.open();
  await until(() => told.length === 1);
  const submittedAway = client.loadBalancedView().apply(() => "sent when it was back");
  cluster.startController(["--restore", PING]);
  expect(await submittedAway).toBe("sent when it was back");
  expect(await Promise.all([running, finishes, queued])).toEqual([2500, undefined, "queued at the engine"]);
  await expect(task).rejects.toBeInstanceOf(ControllerLostError);
  expect(told).toEqual(["lost", "another is there"]);
  const other = await cluster.connect();
  // Sending ahead belongs to the controller that did it; everything else is kept.
  expect([...other.engines.values()].map((engine) => ({ ...engine.properties, prefetch: 1 }))).toEqual(properties);
  expect(client.ids).toEqual([0, 1]);
  expect(await client.directView("all").apply(() => 1)).toEqual([1, 1]);
});

it("what was stored is there after another restart", async () => {
  told.length = 0;
  const before = client.directView(0).apply(() => "kept");
  await before;
  const id = before.msgIds[0] as string;
  await cluster.killController();
  await until(() => told.length === 1);
  cluster.startController(["--restore", PING]);
  await until(() => told.length === 2);
  expect(await client.getResult([id]).get({ timeoutMs: 60_000 })).toEqual(["kept"]);
});

it("a controller at another address is found by its connection file; requests to engines that do not know it fail", async () => {
  told.length = 0;
  const direct = client.directView(0).apply(nap, 60_000);
  await cluster.killController();
  await until(() => told.length === 1);
  cluster.startController([PING]);
  await expect(direct).rejects.toThrow(/the controller was restarted and its engine did not come back/);
  cluster.addEngines(1);
  await client.waitForEngines(1, { timeoutMs: 60_000 });
  expect([told, client.length, await client.directView("all").apply(() => 2)]).toEqual([["lost", "another is there"], 1, [2]]);
});

it("a controller that does not come back: results fail in time with the reason, and the client is closed", async () => {
  const impatient = await cluster.connect({ reconnectMs: 200 });
  await impatient.waitForEngines(1, { timeoutMs: 60_000 });
  const result = impatient.loadBalancedView().apply(nap, 60_000);
  await cluster.killController();
  await expect(result).rejects.toThrow(/went away and did not come back within 0\.2 s/);
  expect(await impatient.closed).toMatch(/went away/);
});
