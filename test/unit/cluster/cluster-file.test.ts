import fc from "fast-check";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import {
  clusterFilePath,
  findClusterFiles,
  isSameRun,
  parseClusterFile,
  readClusterFile,
  updateClusterFile,
  type ClusterFile,
} from "../../../src/cluster/cluster-file.ts";
import { isRunning, lifeOf } from "../../../src/cluster/cluster-life.ts";
import { isLogOf } from "../../../src/cluster/clean-logs.ts";
import { resolveProfile } from "../../../src/config/index.ts";
import { identityOf } from "../../../src/launch/index.ts";

const PATH = "/p/security/cluster-x.json";
const dead = { cluster_id: "x", profile_dir: "/p", state: "running", pid: 2 ** 30, output_file: "/l", started: "1@0" } as const;
const file: ClusterFile = {
  cluster: {
    cluster_id: "x",
    controller_args: ["--nodb"],
    controller_ip: "*",
    controller_location: "",
    delay: 0,
    n: 2,
    profile_dir: "/p",
    class: "ipyparallel.cluster.cluster.Cluster",
  },
  controller: { class: "local", state: dead },
  engines: {
    class: "local",
    sets: { 17: { cluster_id: "x", profile_dir: "/p", state: "running", pid: -1, n: 1, engines: { 0: { ...dead, n: 1, uuid: "u" } } } },
  },
  starter: { pid: 2 ** 30, started: "1@0", is_dedicated: true },
};

function refusal(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

const isNoneOrConfigError = (error: unknown): boolean => error === undefined || error instanceof ConfigError;

describe("a cluster file", () => {
  it("is read as it was written", () => {
    expect(parseClusterFile(JSON.stringify(file), PATH)).toEqual(file);
  });

  it("of Python's programs is read too", () => {
    const python = `{"cluster":{"cluster_id":"","controller_args":[],"controller_ip":"","controller_location":"","delay":1.0,"n":2,"profile_dir":"/p","class":"ipyparallel.cluster.cluster.Cluster"},
      "controller":{"class":"local","state":{"cluster_id":"","output_file":"/o","pid":123,"profile_dir":"/p","state":"running"}},
      "engines":{"class":"local","sets":{"1795229691":{"cluster_id":"","n":2,"pid":-1,"profile_dir":"/p","state":"running",
      "engines":{"0":{"cluster_id":"","n":1,"output_file":"/o","pid":124,"profile_dir":"/p","state":"running"}}}}}}`;
    expect(parseClusterFile(python, "cluster-.json")).toMatchObject({
      controller: { state: { pid: 123 } },
      engines: { sets: { 1795229691: { n: 2, engines: { 0: { pid: 124 } } } } },
    });
  });

  it("of any content is read or refused with a ConfigError, nothing else", () => {
    const read = (text: string): void => {
      expect(refusal(() => parseClusterFile(text, PATH))).toSatisfy(isNoneOrConfigError);
    };
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), read), { numRuns: 300 });
    fc.assert(
      fc.property(fc.constantFrom("cluster", "controller", "engines", "starter"), fc.jsonValue(), (key, value) =>
        read(JSON.stringify({ ...file, [key]: value })),
      ),
      { numRuns: 300 },
    );
    const text = JSON.stringify(file);
    fc.assert(
      fc.property(fc.nat(text.length), fc.string({ maxLength: 3 }), (at, put) => read(text.slice(0, at) + put + text.slice(at + 1))),
      { numRuns: 300 },
    );
  });

  it("tells what lives", async () => {
    expect(await lifeOf(file)).toEqual({ starter: false, controller: false, engines: 0 });
    expect(await isRunning(file)).toBe(false);
    const own = identityOf(process.pid);
    const alive: ClusterFile = { ...file, controller: { class: "local", state: { ...dead, ...own } }, starter: { ...own, is_dedicated: false } };
    expect(await lifeOf(alive)).toEqual({ starter: true, controller: true, engines: 0 });
    expect(await isRunning(alive)).toBe(true);
    // A program that goes on after its controller died does not make the cluster a running one; `ipcluster start` does, it is just stopping it.
    expect(await isRunning({ ...file, starter: { ...own, is_dedicated: false } })).toBe(false);
    expect(await isRunning({ ...file, starter: { ...own, is_dedicated: true } })).toBe(true);
  });

  it("is of the same run when the same process started it", () => {
    expect(isSameRun(file, { ...file, engines: { class: "local", sets: {} } })).toBe(true);
    expect(isSameRun(file, { ...file, starter: { pid: 2 ** 30, started: "2@0", is_dedicated: true } })).toBe(false);
    const { starter: _starter, ...python } = file;
    expect(isSameRun(python, file)).toBe(false);
    expect(isSameRun(python, python)).toBe(true);
  });
});

describe("cluster files in a profile", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "tsparallel-test-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const profile = () => {
    const made = resolveProfile({ profileDir: home, env: {} });
    mkdirSync(made.securityDir);
    return made;
  };

  it("are found, and nothing else", async () => {
    const made = profile();
    for (const name of ["cluster-.json", "cluster-a.json", "cluster-a.json.lock", "ipcontroller-client.json"])
      writeFileSync(join(made.securityDir, name), "{}");
    expect((await findClusterFiles(made)).toSorted()).toEqual([clusterFilePath(made, ""), clusterFilePath(made, "a")]);
  });

  it("lose no change when many are made at once, and leave no lock", async () => {
    const made = profile();
    const path = clusterFilePath(made, "");
    await updateClusterFile(path, () => ({ ...file, cluster: { ...file.cluster, n: 0 } }));
    const add = (): Promise<void> =>
      updateClusterFile(path, (now) => (now === undefined ? undefined : { ...now, cluster: { ...now.cluster, n: (now.cluster.n ?? 0) + 1 } }));
    await Promise.all(Array.from({ length: 20 }, add));
    expect((await readClusterFile(path))?.cluster.n).toBe(20);
    expect(readdirSync(made.securityDir).toSorted()).toEqual(["cluster-.json", "launched-.json"]);
  });

  it("that a Python program has written anew keep what it does not know", async () => {
    const made = profile();
    const path = clusterFilePath(made, "");
    await updateClusterFile(path, () => file);
    const { starter: _starter, ...python } = file;
    const { started: _started, ...state } = dead;
    writeFileSync(path, JSON.stringify({ ...python, controller: { class: "local", state } }));
    expect(await readClusterFile(path)).toEqual(file);
    writeFileSync(path, JSON.stringify({ ...python, controller: { class: "local", state: { ...state, pid: 7 } } }));
    expect((await readClusterFile(path))?.controller?.state["pid"]).toBe(7);
    await updateClusterFile(path, () => undefined);
    expect(readdirSync(made.securityDir)).toEqual([]);
  });

  it("are not held for ever by a process that died with the lock", async () => {
    const made = profile();
    const path = clusterFilePath(made, "");
    writeFileSync(`${path}.lock`, String(2 ** 30));
    await updateClusterFile(path, () => file);
    expect(await readClusterFile(path)).toEqual(file);
  });
});

describe("a log file", () => {
  it.each([
    ["", "ipcontroller-123.log", true],
    ["", "ipengine-1795254484-0.log", true],
    ["", "ipengine-1795254484-1-0.log", true],
    ["", "ipcluster-123.log", true],
    ["", "ipcontroller-x-123.log", false],
    ["x", "ipcontroller-x-123.log", true],
    ["x", "ipengine-x-1795254484-0.log", true],
    ["x", "ipengine-1795254484-0.log", false],
    ["2", "ipcontroller-2-123.log", true],
    ["", "ipcontroller-2-123.log", false],
    ["", "ipengine-2-1795254484-0.log", false],
    ["", "notes.log", false],
    ["", "engines.json", false],
  ])("of the cluster %j: %s is %s", (id, name, expected) => {
    expect(isLogOf(id, name)).toBe(expected);
  });
});
