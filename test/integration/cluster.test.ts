// The Cluster class on real processes: ready means that all engines answer, and nothing outlives stop or the program.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Cluster } from "tsparallel";
import { nothingRunsWith, processesWith, Sandbox } from "../support/ipcluster.ts";
import { until } from "../support/until.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox.dispose());

async function nothingLeft(text = sandbox.dir): Promise<void> {
  await nothingRunsWith(text);
  expect(sandbox.securityFiles()).toEqual([]);
}

describe("a private cluster", () => {
  it("runs functions on its engines, and goes with its files when it is disposed of", async () => {
    let dir = "";
    {
      await using cluster = await Cluster.start({ n: 2, private: true });
      dir = cluster.profileDir;
      const rc = await cluster.connect();
      expect(rc.ids).toEqual([0, 1]);
      expect(await rc.loadBalancedView().map((x: number) => x * x, [1, 2, 3])).toEqual([1, 4, 9]);
      expect(cluster.enginePids.length).toBe(2);
      expect(String(cluster)).toBe("<Cluster: running, 2 engines>");
      expect(processesWith(dir)).toEqual(expect.arrayContaining([cluster.controllerPid, ...cluster.enginePids]));
    }
    await nothingLeft(dir);
    expect(existsSync(dir)).toBe(false);
  });

  it("that cannot be planned leaves no directory", async () => {
    vi.stubEnv("TMPDIR", sandbox.dir);
    try {
      await expect(Cluster.start(2 as unknown as object)).rejects.toThrow("Cluster.start takes an object of options, such as { n: 4 }, and got 2");
      await expect(Cluster.start({ private: true, engines: "nowhere" })).rejects.toMatchObject({ code: "ERR_CONFIG" });
      expect(readdirSync(sandbox.dir)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("refuses calls after its end", async () => {
    const cluster = await Cluster.start({ n: 0, private: true });
    await Promise.all([cluster.stop(), cluster.stop()]);
    expect(String(cluster)).toBe("<Cluster: stopped>");
    expect(await cluster.closed).toEqual({ reason: "stopped", message: "the cluster was stopped" });
    await expect(cluster.connect()).rejects.toMatchObject({ code: "ERR_CLOSED" });
    await expect(cluster.addEngines(1)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });
});

describe("a cluster in a profile", () => {
  const start = (options: Parameters<typeof Cluster.start>[0] = {}): Promise<Cluster> => Cluster.start({ ipythonDir: sandbox.dir, clusterId: "", ...options });

  it("tells the Hub at once of an engine that was killed, and takes new ones", async () => {
    await using cluster = await start({ n: 2 });
    const rc = await cluster.connect();
    process.kill(cluster.enginePids[0] ?? 0, "SIGKILL");
    // Ten missed heartbeats would take 30 s: it is the launcher that tells.
    await until(() => rc.ids.length === 1);
    await cluster.addEngines(1);
    await until(() => rc.ids.length === 2);
    expect(rc.ids).toContain(2);
    const file = JSON.parse(readFileSync(cluster.file, "utf8")) as { engines: { sets: Record<string, { n: number }> } };
    expect(Object.values(file.engines.sets).map((set) => set.n)).toEqual([1, 1]);
    await cluster.stop();
    await nothingLeft();
  });

  it("can be found by another program, which may add engines and leave, or stop it", async () => {
    const cluster = await start({ n: 1 });
    const found = await Cluster.fromFile(cluster.file);
    expect([found.controllerPid, found.clusterId]).toEqual([cluster.controllerPid, ""]);
    await found.addEngines(1);
    expect(found.enginePids.length).toBe(2);
    await found.leave();
    const again = await Cluster.fromFile({ ipythonDir: sandbox.dir });
    expect(again.enginePids).toEqual(cluster.enginePids);
    await again.stop();
    expect(await cluster.closed).toMatchObject({ reason: "shutdown" });
    await nothingLeft();
    await expect(Cluster.fromFile({ ipythonDir: sandbox.dir })).rejects.toMatchObject({ code: "ERR_NOT_RUNNING" });
  });

  it("does not start twice under one id, and leaves the first alone", async () => {
    await using cluster = await start({ n: 0 });
    await expect(start({ n: 0 })).rejects.toMatchObject({ code: "ERR_INVALID_STATE" });
    const rc = await cluster.connect();
    expect(rc.ids).toEqual([]);
  });

  it("gives up a start whose signal aborts, with the signal's reason", async () => {
    const reason = new Error("not wanted any more");
    await expect(start({ n: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const starting = start({ n: 2, signal: abort.signal });
    await until(() => sandbox.securityFiles().includes("ipcontroller-engine.json"));
    abort.abort(reason);
    await expect(starting).rejects.toBe(reason);
    await nothingLeft();
  });

  it("ends, and says why, when its controller dies; results of its clients fail with that", async () => {
    const cluster = await start({ n: 1 });
    const client = await cluster.connect();
    const result = client.directView(0).apply(() => new Promise(() => undefined));
    process.kill(cluster.controllerPid, "SIGKILL");
    await expect(result).rejects.toThrow(/^the controller was ended by SIGKILL/);
    expect(await cluster.closed).toMatchObject({ reason: "failed", message: expect.stringMatching(/^the controller was ended by SIGKILL/) as string });
    await nothingLeft();
  });

  it("refuses options it does not know", async () => {
    await expect(start({ engins: "local" } as never)).rejects.toThrow('unknown option "engins" in the options of Cluster.start; did you mean "engines"?');
  });
});

describe("a program that starts a cluster", () => {
  /** Does what `first` says, starts a cluster, says its directory and does what `last` says. */
  const program = (last: string, first = ""): string => {
    const path = join(sandbox.dir, "program.mjs");
    writeFileSync(
      path,
      `import { Cluster } from ${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)};
       ${first}
       const cluster = await Cluster.start({ n: 1, private: true });
       process.stderr.write("dir " + cluster.profileDir + " end\\n");
       ${last}`,
    );
    return path;
  };

  it.each([
    ["exits without stopping it", "process.exit(3);", undefined],
    ["throws", 'throw new Error("oh");', undefined],
    ["simply ends", "", undefined],
    ["is ended by Ctrl-C", "setInterval(() => {}, 1000);", "SIGINT"],
    ["is ended by SIGTERM", "setInterval(() => {}, 1000);", "SIGTERM"],
  ] as const)("and %s leaves nothing", async (_title, last, signal) => {
    const running = sandbox.startProgram([program(last)]);
    await running.says(" end\n");
    const dir = /dir (.*) end/.exec(running.stderr)?.[1] ?? "none";
    if (signal !== undefined) running.child.kill(signal);
    expect((await running.ended).signal).toBe(signal ?? null);
    await nothingLeft(dir);
    expect(existsSync(dir)).toBe(false);
  });

  const own = `const hold = setInterval(() => {}, 1000);
    process.once("SIGINT", async () => {
      await cluster.stop();
      process.stderr.write("cleaned up\\n");
      process.exitCode = 7;
      clearInterval(hold);
    });`;
  it.each([
    ["from before the start", own.replaceAll("cluster.stop", "globalThis.cluster.stop"), "globalThis.cluster = cluster;"],
    ["from after the start", "", own],
  ])("and has its own handler of Ctrl-C, for one time, %s, runs it to its end and leaves nothing", async (_title, first, last) => {
    const running = sandbox.startProgram([program(`${last} process.stderr.write("waits\\n");`, first)]);
    await running.says("waits\n");
    const dir = /dir (.*) end/.exec(running.stderr)?.[1] ?? "none";
    running.child.kill("SIGINT");
    expect(await running.ended).toMatchObject({ code: 7, signal: null, stderr: expect.stringContaining("cleaned up") as string });
    await nothingLeft(dir);
    expect(existsSync(dir)).toBe(false);
  });

  it("and has its own handler of Ctrl-C that does not end, is ended by the next one and leaves nothing", async () => {
    const last = 'process.once("SIGINT", () => process.stderr.write("not now\\n")); setInterval(() => {}, 1000); process.stderr.write("waits\\n");';
    const running = sandbox.startProgram([program(last)]);
    await running.says("waits\n");
    const dir = /dir (.*) end/.exec(running.stderr)?.[1] ?? "none";
    running.child.kill("SIGINT");
    await running.says("not now\n");
    expect(processesWith(dir).length).toBeGreaterThan(0);
    running.child.kill("SIGINT");
    expect((await running.ended).signal).toBe("SIGINT");
    await nothingLeft(dir);
    expect(existsSync(dir)).toBe(false);
  });

  it("and is killed leaves no process", async () => {
    const running = sandbox.startProgram([program("setInterval(() => {}, 1000);")]);
    await running.says(" end\n");
    const dir = /dir (.*) end/.exec(running.stderr)?.[1] ?? "none";
    running.child.kill("SIGKILL");
    expect((await running.ended).signal).toBe("SIGKILL");
    await nothingLeft(dir);
    rmSync(dir, { recursive: true, force: true }); // nobody was left who could have removed it
  });
});
