// What `ipcluster` shows and keeps up of a cluster in the background.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Sandbox } from "../support/ipcluster.ts";
import { until } from "../support/until.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = new Sandbox();
  const { code, stderr } = await sandbox.run("start", "--daemonize", "--restart=on-failure", "--adapt=1:2");
  if (code !== 0) throw new Error(stderr);
});
afterAll(async () => {
  await sandbox.run("stop");
  sandbox.dispose();
});

interface EngineEntry {
  readonly pid: number;
}

function engines(): EngineEntry[] {
  const file = JSON.parse(readFileSync(join(sandbox.profileDir(), "security", "cluster-.json"), "utf8")) as {
    readonly engines: { readonly sets: Record<string, { readonly engines: Record<string, EngineEntry> }> };
  };
  return Object.values(file.engines.sets).flatMap((set) => Object.values(set.engines));
}

describe("a cluster in the background", () => {
  it("has as many engines as the lower bound of --adapt, and starts a dead one again, which list tells", async () => {
    expect(engines()).toHaveLength(1);
    const [first] = engines();
    process.kill(first?.pid ?? 0, "SIGKILL");
    await until(async () => / +1 +local +1\n$/.test((await sandbox.run("list")).stdout), { timeoutMs: 20_000, everyMs: 200 });
    const list = JSON.parse((await sandbox.run("list", "-o", "json")).stdout) as { readonly restarts: number; readonly engines_running: number }[];
    expect(list[0]).toMatchObject({ restarts: 1, engines_running: 1 });
    expect(engines()[0]?.pid).not.toBe(first?.pid);
    const logDir = join(sandbox.profileDir(), "log");
    const log = readdirSync(logDir).find((name) => /^ipcluster-\d+\.log$/.test(name)) ?? "";
    expect(readFileSync(join(logDir, log), "utf8")).toContain('the engine is started again restart="1 of 5 within 600 s" after="1 s"');
  });

  it("takes no bounds that cannot be", async () => {
    expect(await sandbox.run("start", "--cluster-id=x", "--adapt=3:2")).toMatchObject({
      code: 1,
      stderr: 'ipcluster: adapt.range (--adapt) is "3:2", and must be the fewest and the most engines: 1:8\n',
    });
  });
});
