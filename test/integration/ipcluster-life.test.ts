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
    if (first !== undefined) process.kill(first.pid, "SIGKILL");
    await until(async () => / +1 +local +1\n$/.test((await sandbox.run("list")).stdout), { everyMs: 200 });
    const list = JSON.parse((await sandbox.run("list", "-o", "json")).stdout) as { readonly restarts: number; readonly engines_running: number }[];
    expect(list[0]).toMatchObject({ restarts: 1, engines_running: 1 });
    expect(engines()[0]?.pid).not.toBe(first?.pid);
    const logDir = join(sandbox.profileDir(), "log");
    const log = readdirSync(logDir).find((name) => /^ipcluster-\d+\.log$/.test(name)) ?? "";
    expect(readFileSync(join(logDir, log), "utf8")).toContain('the engine is started again restart="1 of 5 within 600 s" after="1 s"');
  });

  it("shows what controller and engines wrote, each line behind its source, of those that ended too", async () => {
    // The engine that was started again may not have said anything yet.
    await until(async () => /^engine \d +\|/m.test((await sandbox.run("logs", "--tail=3")).stdout), { everyMs: 200 });
    const { stdout, code } = await sandbox.run("logs", "--tail=3");
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    const sources = new Set(lines.map((line) => line.split(" | ")[0]?.trimEnd()));
    expect([...sources]).toEqual(["ipcluster", "controller", expect.stringMatching(/^engine \d$/), expect.stringMatching(/^engine \d{9,}-0$/)]);
    expect(lines.filter((line) => line.startsWith("ipcluster")).length).toBeLessThanOrEqual(3);
    const controller = await sandbox.run("logs", "--controller");
    expect(controller.stdout).toMatch(/^controller \| \d{4}-.*engine left/m);
    expect(
      new Set(
        controller.stdout
          .trimEnd()
          .split("\n")
          .map((line) => line.slice(0, 13)),
      ),
    ).toEqual(new Set(["controller | "]));
    const [, id = ""] = [...sources][2]?.split(" ") ?? [];
    expect((await sandbox.run("logs", "--engine", id)).stdout).toMatch(new RegExp(`^engine ${id} \\| `));
    expect(await sandbox.run("logs", "--engine", "99")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no log of an engine 99; there are those of engine \d/) as string,
    });
    expect(await sandbox.run("logs", "--cluster-id=nobody")).toMatchObject({
      code: 12,
      stderr: 'ipcluster: the cluster "nobody" of profile "default" does not run, and no logs of it are here\n',
    });
  });

  it("follows logs as they grow, those of new engines too, until Ctrl-C", async () => {
    const following = sandbox.start("logs", "--follow", "--tail=1");
    await following.until(() => following.stdout !== "", "showing what there is");
    const added = sandbox.start("engines", "-n", "1");
    const named = (): Set<string> => new Set([...following.stdout.matchAll(/^engine \d+(?= +\|)/gm)].map(([name]) => name));
    await following.until(() => named().size === 2, "showing the new engine's");
    following.child.kill("SIGINT");
    expect(await following.ended).toMatchObject({ code: 0, stderr: "" });
    added.child.kill("SIGINT");
    await added.ended;
  });

  it("takes no bounds that cannot be", async () => {
    expect(await sandbox.run("start", "--cluster-id=x", "--adapt=3:2")).toMatchObject({
      code: 1,
      stderr: 'ipcluster: adapt.range (--adapt) is "3:2", and must be the fewest and the most engines: 1:8\n',
    });
  });
});
