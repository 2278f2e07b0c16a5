// Cluster files as Python's own `ipcluster list` reads them: of a local cluster whose number of engines changed, which another process of
// ours takes up after that, and of clusters whose engines are on other hosts or jobs of a batch system.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "tsparallel";
import { processesWith, RunningCommand, Sandbox } from "../support/ipcluster.ts";
import { PYTHON } from "../support/python.ts";

const IPCLUSTER = PYTHON === undefined ? "" : join(dirname(PYTHON), "ipcluster");

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

interface PythonListing {
  readonly cluster: { readonly cluster_id: string; readonly profile_dir: string };
  readonly controller?: { readonly class: string; readonly state?: { readonly pid?: number } };
  readonly engines: { readonly class: string; readonly sets: Record<string, { readonly n?: number }> };
}

/** What Python's command says of the clusters that it holds to run. */
async function pythonLists(): Promise<PythonListing[]> {
  const child = spawn(IPCLUSTER, ["list", "-o", "json"], { env: sandbox.env, cwd: sandbox.dir, stdio: ["ignore", "pipe", "pipe"] });
  const { code, stdout, stderr } = await new RunningCommand(child).ended;
  if (code !== 0) throw new Error(`Python's ipcluster list ended with status ${code}: ${stderr}`);
  return JSON.parse(stdout) as PythonListing[];
}

const enginesOf = ({ engines }: PythonListing): number => Object.values(engines.sets).reduce((sum, set) => sum + (set.n ?? 0), 0);

describe.skipIf(PYTHON === undefined || !existsSync(IPCLUSTER))("Python's ipcluster list", () => {
  it("tells of a cluster after each change of its engines, and another process goes on with it", async () => {
    await using cluster = await Cluster.start({ ipythonDir: sandbox.dir, clusterId: "", n: 1 });
    await cluster.scale(2);
    const first = (await pythonLists())[0];
    expect(first).toMatchObject({ cluster: { cluster_id: "", profile_dir: cluster.profileDir }, controller: { state: { pid: cluster.controllerPid } } });
    expect(first === undefined ? 0 : enginesOf(first)).toBe(2);
    await cluster.restart();
    // Python has written the file anew, with what it knows.
    const found = await Cluster.fromFile(cluster.file);
    expect(new Set(found.enginePids)).toEqual(new Set(cluster.enginePids));
    expect(await found.scale(1)).toBe(-1);
    expect((await pythonLists()).map(enginesOf)).toEqual([1]);
    const again = await Cluster.fromFile(cluster.file);
    await again.stop();
    expect(await cluster.closed).toMatchObject({ reason: "shutdown" });
    expect(await pythonLists()).toEqual([]);
    expect(processesWith(sandbox.dir)).toEqual([]);
  });

  it.each<[string, object]>([
    [
      "ssh",
      {
        pid: -1,
        n: 1,
        engines: {
          0: { state: "running", pid: -1, n: 1, hostname: "away.example", user: "me", output_file: "", uuid: "u-0", remote_pid: 4711, started: "1", host: 0 },
        },
        hosts: [
          {
            target: { host: "away.example", user: "me", port: 0, ssh: [], sshArgs: [], node: "", connectMs: 1000 },
            agent: { pid: 1, started: "1" },
            contactMs: 1000,
          },
        ],
      },
    ],
    ["slurm", { job_id: "17", n: 4, shape: "tasks", output_base: "/nowhere/ipengine-1", batch_file_name: "/nowhere/ipengine-1.sbatch", ident: "0011-22" }],
    ["mpi", { pid: 999_999, started: "1", output_file: "", n: 2, ident: "0011-22", log_base: "/nowhere/ipengine-1" }],
  ])("reads the file of a cluster whose engines were started by %s", async (launcher, engines) => {
    await using cluster = await Cluster.start({ ipythonDir: sandbox.dir, clusterId: launcher, n: 0 });
    const file = JSON.parse(readFileSync(cluster.file, "utf8")) as PythonListing;
    const common = { cluster_id: launcher, profile_dir: cluster.profileDir, state: "running" };
    const copy = cluster.file.replace("cluster-", "launched-");
    const changed = { ...file, engines: { class: launcher, sets: { 1795288504: { ...common, ...engines, launcher } } } };
    mkdirSync(dirname(copy), { recursive: true });
    for (const path of [copy, cluster.file]) writeFileSync(path, JSON.stringify(changed));
    const listed = (await pythonLists()).find((one) => one.cluster.cluster_id === launcher);
    expect(listed).toMatchObject({ engines: { class: launcher }, controller: { state: { pid: cluster.controllerPid } } });
    // What Python wrote or left, our own command still reads the set with all that its launcher needs.
    const ours = JSON.parse((await sandbox.run("list", "-o", "json")).stdout) as { readonly running: boolean; readonly engines: { readonly sets: object } }[];
    expect(ours[0]).toMatchObject({ running: true, engines: { sets: { 1795288504: { ...engines, launcher } } } });
    for (const path of [copy, cluster.file]) writeFileSync(path, JSON.stringify(file));
  });
});
