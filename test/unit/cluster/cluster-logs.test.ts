// Which logs are those of a cluster, and what they are called.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findLogs } from "../../../src/cluster/index.ts";
import { ensureProfile, resolveProfile, type ProfileDir } from "../../../src/config/index.ts";

describe("logs of a cluster that is gone", () => {
  let profile: ProfileDir;
  beforeEach(async () => {
    profile = resolveProfile({ profileDir: mkdtempSync(join(tmpdir(), "tsparallel-logs-")) });
    await ensureProfile(profile);
    const names = ["ipcontroller-77.log", "ipcluster-70.log", "ipengine-1795288504-1.log", "ipengine-1795288504-0.log", "ipengine-1795288504.sbatch"];
    for (const name of [...names, "ipcontroller-two-78.log", "ipengine-two-1795288504-0.log", "engines.json"]) writeFileSync(join(profile.logDir, name), "");
  });
  afterEach(() => rmSync(profile.path, { recursive: true }));

  it("are found by its id, in order, engines by the names of their files", async () => {
    const { isKnown, sources } = await findLogs(profile, "");
    expect(isKnown).toBe(false);
    expect(sources.map(({ name }) => name)).toEqual(["ipcluster", "controller", "engine 1795288504-0", "engine 1795288504-1"]);
    expect(sources[2]).toEqual({
      kind: "engine",
      name: "engine 1795288504-0",
      engines: ["1795288504-0"],
      path: join(profile.logDir, "ipengine-1795288504-0.log"),
      place: join(profile.logDir, "ipengine-1795288504-0.log"),
    });
    expect((await findLogs(profile, "two")).sources.map(({ name }) => name)).toEqual(["controller", "engine 1795288504-0"]);
    expect((await findLogs(profile, "three")).sources).toEqual([]);
  });
});
