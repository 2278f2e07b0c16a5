// Finds and runs the peers that benchmarks compare with. They are never a dependency: what is not installed is named.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BenchContext, Figure } from "./measure.ts";

/** Path of the script that measures ipyparallel. */
export const PEER_SCRIPT: string = fileURLToPath(new URL("./peers/ipyparallel_peer.py", import.meta.url));

/** Set to leave all peers out, as the benchmarks' own test does. */
const isAlone = process.env["TSPARALLEL_BENCH_NO_PEERS"] === "1";

/** A Python that can import ipyparallel: `$TSPARALLEL_BENCH_PYTHON`, or `python3`. */
export function findPython(): string | undefined {
  if (isAlone) return undefined;
  const candidates = [process.env["TSPARALLEL_BENCH_PYTHON"], "python3"].filter((name) => name !== undefined);
  return candidates.find((python) => spawnSync(python, ["-c", "import ipyparallel"], { stdio: "ignore" }).status === 0);
}

/** GNU parallel on the PATH. */
export function findParallel(): string | undefined {
  if (isAlone) return undefined;
  const probe = spawnSync("parallel", ["--version"], { encoding: "utf8" });
  return probe.status === 0 && probe.stdout.startsWith("GNU parallel") ? "parallel" : undefined;
}

/** Runs one measure of ipyparallel; gives `missing` when there is none. */
export function measureIpyparallel({ python }: BenchContext, measure: string, missing = "ipyparallel"): Figure | string {
  if (python === undefined) return missing;
  const run = spawnSync(python, [PEER_SCRIPT, measure], { encoding: "utf8", timeout: 180_000 });
  const line = run.stdout.trim().split("\n").at(-1) ?? "";
  if (run.status !== 0 || !line.startsWith("{")) throw new Error(`ipyparallel could not be measured: ${run.stderr.trim().split("\n").at(-1) ?? "no output"}`);
  const { value, unit } = JSON.parse(line) as Figure;
  return { value, unit };
}
