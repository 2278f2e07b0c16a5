// Encryption between Python's programs and ours: Python's engine and client on our controller, ours on Python's.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Client, ConfigError } from "tsparallel";
import { newCurveKeyPair, ZeromqTransport } from "../../src/net/index.ts";
import type { ClientConnectionInfo, EngineConnectionInfo } from "../../src/wire/index.ts";
import { EngineProcess } from "../support/engine-process.ts";
import { MixedCluster, PYTHON } from "../support/python.ts";
import { openDoors } from "../support/stranger.ts";
import { until } from "../support/until.ts";

const PYTHONS = { language: "python" } as const;
const OURS = { language: "typescript" } as const;
const FOR_EVER_MS = 600_000;
/** ipyparallel has no short flag for it; our controller reads its spelling too. */
const ENCRYPTED = ["--IPController.enable_curve=True"];

describe.skipIf(PYTHON === undefined).each(["typescript", "python"] as const)("an encrypting controller in %s", (controller) => {
  let cluster: MixedCluster;
  let rc: Client;
  let client: ClientConnectionInfo;
  let engine: EngineConnectionInfo;

  beforeAll(async () => {
    cluster = await MixedCluster.start({ controller, pythons: 1, ours: 1, controllerArgs: ENCRYPTED });
    rc = await cluster.connect();
    const read = (role: string): unknown => JSON.parse(readFileSync(join(cluster.profileDir, "security", `ipcontroller-${role}.json`), "utf8"));
    client = read("client") as ClientConnectionInfo;
    engine = read("engine") as EngineConnectionInfo;
  });
  afterAll(() => cluster.stop());

  it("has our client work on engines of both", async () => {
    expect([client.curve_serverkey?.length, client.key, engine.curve_serverkey]).toEqual([40, "", client.curve_serverkey]);
    expect(await rc.directView(PYTHONS).call("math.sqrt", 4)).toEqual([2]);
    expect(await rc.directView(OURS).apply((x: number) => x + 1, 4)).toEqual([5]);
    expect(await rc.loadBalancedView(PYTHONS).call("math.sqrt", 9)).toBe(3);
    expect(await rc.broadcastView({ targets: OURS }).apply((x: number) => 2 * x, 4)).toEqual([8]);
    const all = rc.directView("all");
    await all.push({ shared: [1, "zwei", new Float64Array([3, 4])] });
    expect(await all.pull("shared")).toEqual(Array(2).fill([1, "zwei", new Float64Array([3, 4])]));
    const printed = rc.directView(PYTHONS).execute("print('hello')");
    await printed;
    expect(printed.stdout).toEqual(["hello\n"]);
    expect(Object.keys(await rc.queueStatus())).toEqual(["0", "1", "unassigned"]);
  });

  it("has Python's client work on engines of both", async () => {
    const [python] = rc.directView(PYTHONS).targets;
    const [ours] = rc.directView(OURS).targets;
    const script = `ar = rc[${ours}].execute("console.log('printed'); 6 * 7", silent=False, block=True)
rc[${ours}].push({"n": 5}, block=True)
tell([rc[${python}].apply_sync(lambda x: 2 * x, 4), ar.stdout, ar.execute_result["data"]["text/plain"], rc[${ours}].pull("n", block=True),
  rc.load_balanced_view(targets=[${python}]).map_sync(lambda x: x * x, range(3)), sorted(k for k in rc.queue_status() if k != "unassigned")])`;
    expect(await cluster.python(script)).toEqual([8, "printed\n", "42", 5, [0, 1, 4], [0, 1]]);
  });

  it("gives nothing to who has not its key, and says so at once", async () => {
    const strangers = new ZeromqTransport({ serverKey: newCurveKeyPair().publicKey });
    onTestFinished(() => strangers.close());
    const doors = openDoors(strangers, client, engine, "somebody");
    const child = new EngineProcess({ info: { ...engine, curve_serverkey: newCurveKeyPair().publicKey }, args: [`--timeout=${FOR_EVER_MS / 1000}`] });
    onTestFinished(() => child.kill());
    await expect(Client.connect({ connectionInfo: { ...client, curve_serverkey: null }, timeoutMs: FOR_EVER_MS })).rejects.toThrow(ConfigError);
    await until(() => doors.every((door) => door.refusals.length > 0));
    expect((await child.exited).code).toBe(255);
    expect(child.output).toContain("refuses the curve_serverkey");
    expect(doors.flatMap((door) => door.heard)).toEqual([]);
    expect(rc.ids).toEqual([0, 1]);
  });
});
