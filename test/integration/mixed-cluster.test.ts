// Engines of both languages on our controller: told apart by property, chosen by views, refused where they do not fit.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, InvalidArgumentError, NoEnginesRegistered, NotSupportedError, pythonFunction, Reference, TaskAborted, type Client } from "tsparallel";
import { MixedCluster, PYTHON } from "../support/python.ts";

const PYTHONS = { language: "python" } as const;
const OURS = { language: "typescript" } as const;
const double = (x: number): number => 2 * x;
const sqrt = pythonFunction<[number], number>("math.sqrt");

describe.skipIf(PYTHON === undefined)("a cluster of both languages", () => {
  let cluster: MixedCluster;
  let rc: Client;

  beforeAll(async () => {
    cluster = await MixedCluster.start({ controller: "typescript", pythons: 1, ours: 1 });
    rc = await cluster.connect();
  });

  afterAll(async () => {
    await cluster.stop();
  });

  it("views choose engines by what they run", async () => {
    expect(await rc.directView(PYTHONS).call(sqrt, 4)).toEqual([2]);
    expect(await rc.directView(OURS).apply(double, 4)).toEqual([8]);
    expect(await rc.loadBalancedView(PYTHONS).map(sqrt, [1, 4])).toEqual([1, 2]);
    expect(await rc.loadBalancedView().with({ targets: OURS }).map(double, [1, 4])).toEqual([2, 8]);
    expect(await rc.broadcastView({ targets: OURS }).apply(double, 1)).toEqual([2]);
    expect(() => rc.directView({ language: "cobol" }).targets).toThrow(NoEnginesRegistered);
    expect(() => rc.directView({ language: "cobol" }).targets).toThrow(/no engine has language "cobol"; there are 0: "(python|typescript)"; 1: /);
  });

  it("all of them are pushed to, pulled from, and run code", async () => {
    const all = rc.directView("all");
    await all.push({ shared: { list: [1, 2, 3] } });
    expect(await all.pull("shared")).toEqual([{ list: [1, 2, 3] }, { list: [1, 2, 3] }]);
    expect((await all.execute("shared2 = 1")).length).toBe(2);
    expect(await rc.broadcastView().pull("shared")).toEqual([{ list: [1, 2, 3] }, { list: [1, 2, 3] }]);
  });

  it("a function of the wrong language is refused at the call, naming engines and remedy", () => {
    for (const call of [
      () => rc.directView("all").apply(double, 1),
      () => rc.loadBalancedView().map(double, [1]),
      () => rc.broadcastView().apply(double, 1),
      () => rc.loadBalancedView().imap(double, [1]),
      () => rc.directView("all").call("math.sqrt", 1),
      () => rc.loadBalancedView().call("math.sqrt", 1),
      () => rc.loadBalancedView().apply(new Reference<() => void>("f")),
    ]) {
      expect(call).toThrow(InvalidArgumentError);
    }
    expect(() => rc.directView(PYTHONS).apply(double, 1)).toThrow(/TypeScript function double cannot run here: engine \d runs Python/);
    expect(() => rc.loadBalancedView(OURS).call("math.sqrt", 1)).toThrow(/Python function math.sqrt cannot run here: engine \d runs TypeScript/);
  });

  it("a Python client's task that meets an engine of ours fails with a sentence, and never hangs", async () => {
    const [id] = rc.directView(OURS).targets;
    const script = `view = rc.load_balanced_view(targets=[${id}])
try:
    view.apply_async(lambda: 1).get(timeout=20)
except ipp.RemoteError as error:
    tell(error.evalue)`;
    expect(await cluster.python(script)).toMatch(
      /this engine runs TypeScript and JavaScript and cannot run the Python function __main__.<lambda>; send it to a Python engine/,
    );
  });

  it("what waits at a Python engine can be cancelled, and what may be running there is refused and runs on", async () => {
    const id = rc.directView(PYTHONS).targets[0] as number;
    const view = rc.directView(id);
    const [running, queued] = [view.call("time.sleep", 2), view.call("time.sleep", 60)];
    expect([...(await queued.cancel()).values()]).toEqual(["aborted"]);
    await expect(running.cancel()).rejects.toThrow(NotSupportedError);
    await expect(queued).rejects.toThrow(TaskAborted);
    await running.wait({ timeoutMs: 60_000 });
    expect(running.ready()).toBe(true);
  });

  it("an engine that joins is of its kind from the first moment", async () => {
    const joined = new Promise<string>((resolve) => {
      const stop = rc.on("engineJoined", ({ properties }) => {
        stop();
        resolve(String(properties["language"]));
      });
    });
    cluster.addEngines(1, "python");
    expect(await joined).toBe("python");
  });
});

describe.skipIf(PYTHON === undefined)("an engine whose language the controller does not tell", () => {
  it("fails a TypeScript function with a sentence when it turns out to be Python's", async () => {
    const cluster = await MixedCluster.start({ controller: "python" });
    try {
      const rc = await cluster.connect();
      // At this moment nobody has asked it yet.
      const outcome = new Promise<unknown>((resolve) => {
        rc.on("engineJoined", ({ id }) => void rc.directView(id).apply(double, 1).get({ timeoutMs: 60_000 }).catch(resolve));
      });
      cluster.addEngines(1, "python");
      expect(await outcome).toMatchObject({
        evalue: expect.stringMatching(/^engine 0 runs Python and cannot read a TypeScript function; choose other engines/) as string,
      });
    } finally {
      await cluster.stop();
    }
  });
});

describe.skipIf(PYTHON === undefined)("a cluster with Python engines in its configuration", () => {
  it("starts them besides the others, adds more, and stops them all", async () => {
    const profileDir = await mkdtemp(join(tmpdir(), "tsparallel-mixed-"));
    try {
      const cluster = await Cluster.start({ profileDir, n: 1, python: { n: 1, command: [PYTHON as string, "-m", "ipyparallel.engine"] } });
      try {
        const rc = await cluster.connect();
        expect([rc.directView(OURS).length, rc.directView(PYTHONS).length]).toEqual([1, 1]);
        await cluster.addEngines(1, { language: "python" });
        await rc.waitForEngines(3, { timeoutMs: 60_000 });
        expect(await rc.directView(PYTHONS).call("math.sqrt", 4)).toEqual([2, 2]);
      } finally {
        await cluster.stop();
      }
    } finally {
      await rm(profileDir, { recursive: true, force: true });
    }
  });

  it("says which Python cannot be started", async () => {
    await expect(Cluster.start({ private: true, n: 0, python: { n: 1, command: ["no-such-python"] } })).rejects.toThrow(/no-such-python/);
  });
});
