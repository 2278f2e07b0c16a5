// Shell jobs per second through the bakapara command, against GNU parallel, both with `true`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Cluster } from "tsparallel";
import { compared, median, type Measure } from "../measure.ts";

const BAKAPARA = fileURLToPath(new URL("../../dist/cli/bin/bakapara.js", import.meta.url));

function ratePerSecond(count: number, run: () => { status: number | null; stderr: string }): number {
  const began = performance.now();
  const { status, stderr } = run();
  if (status !== 0) throw new Error(`jobs failed: ${stderr.trim().split("\n").at(-1) ?? ""}`);
  return (count / (performance.now() - began)) * 1000;
}

/** `cmd: "true"` on 2 engines; both are whole commands, from start to exit. */
export const bakapara: Measure = {
  name: "bakapara",
  title: 'bakapara jobs per second, cmd "true", 2 engines (peer: parallel -j2 true)',
  floor: { atLeast: 1.5 },
  async run(context) {
    const count = context.quick ? 50 : 2000;
    const peerCount = context.quick ? 50 : 1000;
    const folder = mkdtempSync(join(tmpdir(), "tsparallel-bench-"));
    try {
      const jobs = join(folder, "jobs.jsonl");
      writeFileSync(jobs, '{"cmd":"true"}\n'.repeat(count));
      const input = Array.from({ length: peerCount }, (_, i) => `${i}\n`).join("");
      await using cluster = await Cluster.start({ n: 2, private: true });
      const ours: number[] = [];
      const peers: number[] = [];
      // In turns: the machine's speed drifts.
      for (let round = 0; round < (context.quick ? 1 : 3); round += 1) {
        const results = join(folder, `results-${round}.jsonl`);
        const args = [BAKAPARA, "--profile-dir", cluster.profileDir, "-i", jobs, "-o", results, "-l", join(folder, "log")];
        ours.push(ratePerSecond(count, () => spawnSync(process.execPath, args, { encoding: "utf8" })));
        const written = readFileSync(results, "utf8").trim().split("\n").length;
        if (written !== count) throw new Error(`bakapara wrote ${written} results of ${count}`);
        if (context.parallel !== undefined) peers.push(ratePerSecond(peerCount, () => spawnSync("parallel", ["-j2", "true"], { encoding: "utf8", input })));
      }
      const rate = { value: median(ours), unit: "jobs/s" };
      if (peers.length === 0) return compared(rate, "GNU parallel");
      return compared(rate, { value: median(peers), unit: "jobs/s" }, `bare spawn: ${bareSpawnRate(context.quick ? 50 : 1000).toFixed(0)}/s`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Two at a time with xargs, nothing around: what the machine gives at the most. */
function bareSpawnRate(count: number): number {
  const input = Array.from({ length: count }, (_, i) => `${i}\n`).join("");
  return ratePerSecond(count, () => spawnSync("xargs", ["-P2", "-n1", "/bin/bash", "-o", "pipefail", "-c", "true"], { encoding: "utf8", input }));
}
