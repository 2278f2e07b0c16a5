// What a launcher for a batch system finds again of what a cluster file tells.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { batchLauncher } from "../../../../src/launch/batch/batch-launcher.ts";
import type { JobListing } from "../../../../src/launch/batch/batch-system.ts";
import { SLURM } from "../../../../src/launch/batch/slurm.ts";

describe("a set of engines that a file tells of", () => {
  let folder: string;
  let script: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tsparallel-test-"));
    script = join(folder, "ipengine-1.sbatch");
    writeFileSync(script, "#!/bin/sh\n");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Looks for job 7, of which the system lists this. */
  async function find(listing: JobListing | undefined): Promise<unknown> {
    const status = { command: () => ({ argv: ["true"] }), read: () => listing };
    const state = { cluster_id: "", profile_dir: folder, job_id: "7", n: 1, shape: "tasks", output_base: join(folder, "ipengine-1"), batch_file_name: script };
    return batchLauncher({ ...SLURM, status }).findEngines?.("1", { ...state, state: "running" });
  }

  it("is not found when its job ended or is not known any more, and its script is removed", async () => {
    expect(await find(new Map())).toBeUndefined();
    expect(existsSync(script)).toBe(false);
  });

  it("is found, with its script, while its job waits, and when the system cannot be asked", async () => {
    for (const listing of [undefined, new Map([[-1, { phase: "pending", reason: "Priority" } as const]])]) {
      expect(await find(listing)).toMatchObject({ setId: "1", isRunning: true });
      expect(existsSync(script)).toBe(true);
    }
  });
});
