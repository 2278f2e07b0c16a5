// The benchmarks run with tiny inputs, so that none rots; their figures mean nothing here.

import { spawnSync } from "node:child_process";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { run as canning } from "../../bench/micro/canning.ts";
import { run as framing } from "../../bench/micro/framing.ts";
import { run as scheduling } from "../../bench/micro/scheduler.ts";
import { run as storing } from "../../bench/micro/store.ts";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const OURS = [
  "tasks",
  "roundtrip",
  "map",
  "submission",
  "short",
  "short-single",
  "bakapara",
  "start",
  "start16",
  "start-ssh",
  "start-slurm",
  "memory",
  "push",
  "broadcast",
  "million",
  "routing",
  "python",
  "kernel-start",
  "kernel-cell",
  "scheduler",
  "capture",
  "recapture",
];

describe("npm run bench", () => {
  it("runs every measure and prints a row for each; peers that are not there are named", { timeout: 600_000 }, () => {
    // No peer is measured here, whether it is installed or not.
    const env = { ...process.env, TSPARALLEL_BENCH_NO_PEERS: "1" };
    const { stdout, stderr, status } = spawnSync(process.execPath, ["--import", "tsx", "bench/run.ts", "--quick"], { cwd: ROOT, env, encoding: "utf8" });
    expect(stdout + stderr).not.toContain("failed:");
    expect(status, stderr).toBe(0);
    expect(stdout.split("\n").filter((line) => line.startsWith("| ")).length).toBe(OURS.length + 1);
    expect(stdout).toContain("ipyparallel: not installed");
  });

  it("refuses a measure it does not have, naming those it has", () => {
    const { stderr, status } = spawnSync(process.execPath, ["--import", "tsx", "bench/run.ts", "taks"], { cwd: ROOT, encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toContain("no measure is called taks; there are: tasks, roundtrip");
  });

  it("checks the results of every micro benchmark", async () => {
    const rows = [
      ...(await scheduling({ tasks: 500 })),
      ...(await framing({ messages: 200 })),
      ...(await storing({ tasks: 200 })),
      ...(await canning({ calls: 50 })),
    ];
    // Memory may as well have shrunk meanwhile.
    expect(rows.filter(({ value, unit, check }) => !(value >= 0 || (["MB", "B"].includes(unit) && value < 0)) || check === "")).toEqual([]);
    expect(rows.length).toBeGreaterThan(10);
  });
});
