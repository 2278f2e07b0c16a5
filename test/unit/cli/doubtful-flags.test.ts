import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClusterPlan } from "../../../src/cluster/index.ts";
import { resolveProfile } from "../../../src/config/index.ts";
import { newProfileRemark, refuseIdlePython } from "../../../src/cli/doubtful-flags.ts";

describe("a new profile", () => {
  let ipythonDir: string;
  beforeAll(() => {
    ipythonDir = mkdtempSync(join(tmpdir(), "tsparallel-test-"));
    mkdirSync(join(ipythonDir, "profile_mezcal"));
  });
  afterAll(() => rmSync(ipythonDir, { recursive: true }));
  const remark = (choice: object): Promise<string | undefined> => newProfileRemark(resolveProfile({ ipythonDir, env: {}, ...choice }), { ipythonDir });

  it("whose name is nearly another's is remarked on", async () => {
    expect(await remark({ profile: "mezcl" })).toBe('there was no profile "mezcl", and it is made now; did you mean "mezcal"?');
  });

  it("with a name of its own is not, nor one that is there, the default one, and a directory", async () => {
    for (const choice of [{ profile: "tequila" }, { profile: "mezcal" }, {}, { profileDir: join(ipythonDir, "mezca") }])
      expect(await remark(choice)).toBeUndefined();
  });
});

describe("--python", () => {
  const profile = resolveProfile({ profileDir: "/nowhere" });
  const plan = (n: number): ClusterPlan => ({ values: { "python.n": n } }) as Partial<ClusterPlan> as ClusterPlan;

  it("without Python engines is refused", () => {
    const given = { "python.executable": "/opt/python" };
    expect(() => refuseIdlePython({ profile, given }, plan(0))).toThrow("--python names the Python of Python engines, and there are to be none; say how many");
    expect(() => refuseIdlePython({ profile, given }, plan(2))).not.toThrow();
    expect(() => refuseIdlePython({ profile, given: {} }, plan(0))).not.toThrow();
  });
});
