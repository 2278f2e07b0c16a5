import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import { findLauncher, launcherName, launcherNames, loadLauncher, readEngineSetState, readProcessState } from "../../../src/launch/index.ts";

describe("a launcher", () => {
  it.each(["local", "Local", "ipyparallel.cluster.launcher.LocalEngineSetLauncher", "ipyparallel.cluster.launcher:LocalControllerLauncher"])(
    "is found as %s",
    async (name) => {
      expect((await findLauncher(name))?.launcher.name).toBe("local");
    },
  );

  it("of ipyparallel's is meant by the same short name", () => {
    const prefixes = { SSH: "ssh", SSHProxy: "sshproxy", MPI: "mpi", Slurm: "slurm", HTCondor: "htcondor", WindowsHPC: "winhpc" };
    for (const [prefix, short] of Object.entries(prefixes)) expect(launcherName(`ipyparallel.cluster.launcher.${prefix}EngineSetLauncher`)).toBe(short);
  });

  it("that is not there is refused, naming those that are", async () => {
    await expect(loadLauncher("slrm", "engines")).rejects.toThrow(
      new ConfigError(`no launcher "slrm" for engines; available: ${launcherNames().join(", ")}, or the path of a module (./my-launcher.ts)`),
    );
  });
});

describe("a launcher of the user's own", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "tsparallel-test-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("is the default export of a module, found from several directories", async () => {
    writeFileSync(join(dir, "mine.ts"), `export default { name: "mine" as string, startEngines() { return Promise.reject(new Error("no")); } };`);
    const { launcher, id } = await loadLauncher("./mine.ts", "engines", ["/nowhere", dir]);
    expect([launcher.name, id]).toEqual(["mine", join(dir, "mine.ts")]);
    await expect(loadLauncher(id, "the controller")).rejects.toThrow(new ConfigError(`the launcher "${id}" does not start the controller`));
  });

  it("that is missing, or is none, is refused with what it should be", async () => {
    await expect(loadLauncher("./gone.ts", "engines", [dir])).rejects.toThrow(`there is no launcher module ${join(dir, "gone.ts")}`);
    writeFileSync(join(dir, "none.mjs"), "export const name = 'x';");
    await expect(loadLauncher("none.mjs", "engines", [dir])).rejects.toThrow("has no launcher as its default export");
  });
});

describe("a launcher's state in a file", () => {
  it("of Python's programs is read, without a start time", () => {
    expect(readProcessState({ cluster_id: "", output_file: "/l", pid: 5, profile_dir: "/p", state: "running" })).toEqual({
      cluster_id: "",
      output_file: "/l",
      pid: 5,
      profile_dir: "/p",
      state: "running",
      started: "",
    });
  });

  it("that is none is told apart", () => {
    for (const value of [null, 1, "x", [], {}, { pid: "5" }, { pid: 1.5 }]) expect(readProcessState(value)).toBeUndefined();
    for (const value of [null, [], {}, { engines: 3 }]) expect(readEngineSetState(value)).toBeUndefined();
  });

  it("of a set leaves out engines that cannot be read", () => {
    const set = readEngineSetState({ engines: { 0: { pid: 5, uuid: "u" }, 1: "x", 2: { pid: null } } });
    expect(set).toMatchObject({ n: 1, engines: { 0: { pid: 5, uuid: "u", n: 1 } } });
  });
});
