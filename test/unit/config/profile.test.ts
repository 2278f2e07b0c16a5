import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import {
  createProfile,
  ensureProfile,
  listProfiles,
  loadConfigFile,
  loadProfileConfig,
  OPTION_TABLES,
  resolveClusterId,
  resolveProfile,
  type ConfigName,
} from "../../../src/config/index.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "tsparallel-test-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe("a profile", () => {
  it("lies in the IPython directory, which the environment or an option names", () => {
    expect(resolveProfile({ env: {} }).path).toBe(join(homedir(), ".ipython/profile_default"));
    expect(resolveProfile({ profile: "lab", env: { IPYTHONDIR: "/i" } }).path).toBe("/i/profile_lab");
    expect(resolveProfile({ profile: "lab", ipythonDir: "/j", env: { IPYTHONDIR: "/i" } }).path).toBe("/j/profile_lab");
  });

  it("13.8: is that of IPP_PROFILE_DIR unless it is named, and a directory wins over a name", () => {
    const env = { IPYTHONDIR: "/i", IPP_PROFILE_DIR: "/x/profile_env" };
    expect(resolveProfile({ env })).toMatchObject({ name: "env", path: "/x/profile_env" });
    expect(resolveProfile({ profile: "lab", env }).path).toBe("/i/profile_lab");
    expect(resolveProfile({ profile: "lab", profileDir: "/y/mine", env })).toMatchObject({ name: "/y/mine", path: "/y/mine", securityDir: "/y/mine/security" });
  });

  it.each(["../x", "a/b", "..", "a\0b"])("cannot be called %j", (name) => {
    expect(() => resolveProfile({ profile: name, env: {} })).toThrow(ConfigError);
  });

  it("is created with private directories for keys, also when they were open before", async () => {
    const profile = resolveProfile({ profile: "lab", ipythonDir: home, env: {} });
    await mkdir(profile.securityDir, { recursive: true });
    await chmod(profile.securityDir, 0o755);
    await ensureProfile(profile);
    for (const dir of [profile.securityDir, profile.pidDir]) expect((await stat(dir)).mode & 0o777).toBe(0o700);
    for (const dir of [profile.logDir, profile.dbDir, profile.startupDir]) expect((await stat(dir)).isDirectory()).toBe(true);
  });

  it("that cannot be created is told with path, reason and remedy", async () => {
    await writeFile(join(home, "profile_lab"), "");
    const profile = resolveProfile({ profile: "lab", ipythonDir: home, env: {} });
    await expect(ensureProfile(profile)).rejects.toThrow(
      new ConfigError(
        `cannot create the profile directory ${profile.path}: a file of that name is in the way; choose another with --profile-dir or IPYTHONDIR`,
      ),
    );
  });

  it("is listed by name", async () => {
    await mkdir(join(home, "profile_b"));
    await mkdir(join(home, "profile_a"));
    expect((await listProfiles({ ipythonDir: home, env: {} })).map((profile) => profile.name)).toEqual(["a", "b"]);
    expect(await listProfiles({ ipythonDir: join(home, "none"), env: {} })).toEqual([]);
  });
});

it("a cluster id is the one given, else the environment's, and never leads out of its directory", () => {
  expect(resolveClusterId(undefined, {})).toBe("");
  expect(resolveClusterId(undefined, { IPP_CLUSTER_ID: "x" })).toBe("x");
  expect(resolveClusterId("", { IPP_CLUSTER_ID: "x" })).toBe("");
  expect(() => resolveClusterId("../x", {})).toThrow(ConfigError);
});

describe("a profile's configuration files", () => {
  const make = async (files: { readonly [name: string]: string }) => {
    const profile = resolveProfile({ profile: "lab", ipythonDir: home, env: {} });
    await mkdir(profile.path, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(profile.path, name), text);
    return profile;
  };

  it("are absent in most profiles", async () => {
    expect(await loadConfigFile(await make({}), "ipcluster")).toEqual({ file: undefined, values: {} });
  });

  it.each([
    [
      "ipcluster_config.ts",
      'import { defineConfig } from "tsparallel/config";\nconst n: number = 3;\nexport default defineConfig({ n, controller: { ip: "*" } });',
    ],
    ["ipcluster_config.mjs", 'export default { n: 3, controller: { ip: "*" } };'],
    ["ipcluster_config.js", 'export default { n: 3, controller: { ip: "*" } };'],
    ["ipcluster_config.json", '{ "n": 3, "controller": { "ip": "*" } }'],
  ])("are read as %s", async (name, text) => {
    expect(await loadProfileConfig(await make({ [name]: text }), "ipcluster")).toEqual({ n: 3, "controller.ip": "*" });
  });

  it.each([
    ["ipcluster_config.ts", "export default {\n  n: = 3,\n};", /^cannot load .*ipcluster_config\.ts: Unexpected token in line 2, column \d+$/],
    ["ipcluster_config.ts", 'throw new Error("no licence");', /^cannot load .*: no licence$/],
    ["ipcluster_config.ts", 'import "nowhere-to-be-found"; export default {};', /^cannot load .*nowhere-to-be-found/],
    ["ipcluster_config.mjs", "export const n = 3;", /has no default export; write `export default defineConfig/],
    ["ipcluster_config.json", '{ "n": ', /is not JSON: /],
    ["ipcluster_config.json", '{\n  "n" 4\n}', /is not JSON: .*\bline 2\b/],
    ["ipcluster_config.json", "[]", /must hold an object of options/],
  ])("that are broken are refused in one sentence: %s with %j", async (name, text, message) => {
    const profile = await make({ [name]: text });
    const error = await loadProfileConfig(profile, "ipcluster").catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).message).toMatch(message);
    expect((error as ConfigError).message).not.toContain("\n");
  });

  it("may not be there twice", async () => {
    const profile = await make({ "ipcluster_config.ts": "export default {};", "ipcluster_config.json": "{}" });
    await expect(loadProfileConfig(profile, "ipcluster")).rejects.toThrow("are there at once; keep one of them");
  });

  it("are created with every option commented out, load as they are, and are not overwritten", async () => {
    const profile = await make({ "ipengine_config.ts": "export default { clusterId: 'kept' };" });
    const written = await createProfile(profile, { parallel: true });
    expect(written).toEqual([join(profile.path, "ipcluster_config.ts"), join(profile.path, "ipcontroller_config.ts")]);
    expect(await loadProfileConfig(profile, "ipengine")).toEqual({ clusterId: "kept" });
    for (const name of ["ipcluster", "ipcontroller"] as ConfigName[]) {
      expect(await loadProfileConfig(profile, name)).toEqual({});
      const text = await readFile(join(profile.path, `${name}_config.ts`), "utf8");
      for (const row of OPTION_TABLES[name]) expect(text).toContain(`// ${row.name.replace(/^.*\./, "")}: `);
    }
  });

  it("load with every line of options uncommented", async () => {
    const profile = await make({});
    await createProfile(profile, { parallel: true });
    for (const name of Object.keys(OPTION_TABLES) as ConfigName[]) {
      const path = join(profile.path, `${name}_config.ts`);
      const text = (await readFile(path, "utf8")).replaceAll(/^( *)\/\/ (\w+: .*,)$/gm, "$1$2");
      await writeFile(path, text);
      expect(Object.keys(await loadProfileConfig(profile, name)).length).toBe(OPTION_TABLES[name].length);
    }
  });
});
