import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import { findLauncher, getLauncher, launcherNames, readEngineSetState, readProcessState } from "../../../src/launch/index.ts";

describe("a launcher", () => {
  it.each(["local", "Local", "ipyparallel.cluster.launcher.LocalEngineSetLauncher", "ipyparallel.cluster.launcher:LocalControllerLauncher"])(
    "is found as %s",
    (name) => {
      expect(findLauncher(name)?.name).toBe("local");
    },
  );

  it("that is not there is refused, naming those that are", () => {
    expect(launcherNames()).toEqual(["local"]);
    expect(() => getLauncher("slurm", "engines")).toThrow(new ConfigError('no launcher "slurm" for engines; available: local'));
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
