// Temporary profiles that killed programs left: which are removed, and which never.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makePrivateProfile, removeAbandonedProfiles } from "../../../src/cluster/private-profile.ts";

interface Owner {
  readonly pid: number;
  readonly started: string;
  readonly host: string;
  readonly namespace: string;
}

describe("a temporary profile", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tsparallel-test-private-"));
    vi.stubEnv("TMPDIR", folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  const left = (name: string, owner: unknown): string => {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(join(path, "owner.json"), typeof owner === "string" ? owner : JSON.stringify(owner));
    return path;
  };
  /** An owner that lives: this process. */
  const living = async (): Promise<Owner> => {
    const { path } = await makePrivateProfile();
    return JSON.parse(readFileSync(join(path, "owner.json"), "utf8")) as Owner;
  };

  it.skipIf(process.platform === "win32")("whose owner's process id belongs to a later process is removed by the next start, with all it holds", async () => {
    const owner = await living();
    expect(owner.pid).toBe(process.pid);
    const path = left("tsparallel-dead01", { ...owner, started: "12345@0ddba11e" });
    mkdirSync(join(path, "db"));
    writeFileSync(join(path, "db", "tasks.db"), "x");
    await makePrivateProfile();
    expect(existsSync(path)).toBe(false);
  });

  it("stays while its owner lives, and when nothing proves the owner's end", async () => {
    const owner = await living();
    const dead = { ...owner, started: "12345@0ddba11e" };
    const kept = [
      left("tsparallel-living", owner),
      left("tsparallel-host01", { ...dead, host: `${owner.host}-2` }), // the directory may be shared with other machines
      left("tsparallel-space1", { ...dead, namespace: "pid:[1]" }), // or with containers
      left("tsparallel-nostar", { ...dead, started: "" }),
      left("tsparallel-broken", '{"pid": 1'),
      left("tsparallel-partly", { pid: owner.pid, started: "1" }),
      left("tsparallel-notes-dead02", dead), // another program's name
      left("elsewhere", dead),
    ];
    symlinkSync(join(folder, "elsewhere"), join(folder, "tsparallel-linked"));
    mkdirSync(join(folder, "tsparallel-empty1"));
    await removeAbandonedProfiles(folder);
    for (const path of kept) expect(existsSync(path), path).toBe(true);
    expect(existsSync(join(folder, "tsparallel-linked"))).toBe(true);
    expect(existsSync(join(folder, "tsparallel-empty1"))).toBe(true);
  });

  it("is nothing that a folder without any, or without permission, could make fail", async () => {
    await expect(removeAbandonedProfiles(join(folder, "nowhere"))).resolves.toBeUndefined();
  });
});
