// What the repository's own scripts share: the lock among processes, the closing line.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { closingLine } from "../../../scripts/counts.mjs";
import { LockedError, withLock } from "../../../scripts/file-lock.mjs";

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsparallel-scripts-"));
  lock = join(folder, "deep", "lock");
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

describe("the lock among processes", () => {
  it("lets one in at a time, and is gone afterwards, also after a failure", async () => {
    const inside = await withLock(lock, 0, async () => {
      await expect(withLock(lock, 0, async () => "never")).rejects.toThrow(LockedError);
      return "done";
    });
    expect(inside).toBe("done");
    await expect(withLock(lock, 0, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(existsSync(lock)).toBe(false);
  });

  it("is taken over from a process that is gone", async () => {
    await withLock(lock, 0, async () => undefined);
    const { pid } = spawnSync("true");
    writeFileSync(lock, String(pid));
    expect(await withLock(lock, 0, async () => readFileSync(lock, "utf8"))).toBe(String(process.pid));
  });
});

describe("the closing line", () => {
  it("deserves failure for a failed test, for none at all, and under CI for a skipped one", () => {
    vi.spyOn(console, "log").mockReturnValue();
    vi.stubEnv("CI", "");
    vi.stubEnv("TSPARALLEL_COUNTS_FILE", join(folder, "counts"));
    const statuses = [
      { passed: 2, failed: 0, skipped: 1 },
      { passed: 2, failed: 1, skipped: 0 },
      { passed: 0, failed: 0, skipped: 0 },
    ].map(closingLine);
    expect(statuses).toEqual([0, 1, 1]);
    vi.stubEnv("CI", "true");
    expect(closingLine({ passed: 2, failed: 0, skipped: 1 })).toBe(1);
    expect(closingLine({ passed: 2, failed: 0, skipped: 0 })).toBe(0);
  });

  it("of several commands can be added up", () => {
    vi.spyOn(console, "log").mockReturnValue();
    const file = join(folder, "counts");
    vi.stubEnv("CI", "");
    vi.stubEnv("TSPARALLEL_COUNTS_FILE", file);
    closingLine({ passed: 2, failed: 0, skipped: 1 });
    closingLine({ passed: 40, failed: 3, skipped: 0 });
    const sum = spawnSync(process.execPath, ["scripts/counts.mjs"], { encoding: "utf8", env: { ...process.env, TSPARALLEL_COUNTS_FILE: file } });
    expect(sum.stdout).toBe("42 passed, 3 failed, 1 skipped\n");
  });
});
