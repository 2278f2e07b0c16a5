// Start-up time and memory: idle, and after a million tasks.

import { spawnSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Cluster } from "tsparallel";
import { compared, median, type Measure } from "../measure.ts";
import { measureIpyparallel } from "../peers.ts";
import { descendants, residentMb } from "../resident.ts";

const IPCLUSTER = fileURLToPath(new URL("../../dist/cli/bin/ipcluster.js", import.meta.url));
const MILLION = fileURLToPath(new URL("./million-tasks.ts", import.meta.url));

/** The command a user types, until it returns having said "ready". */
export const start: Measure = {
  name: "start",
  title: "ipcluster start -n 4 to ready (peer: to the first result)",
  floor: { atMost: 1 / 3 },
  run(context) {
    const folder = mkdtempSync(join(tmpdir(), "tsparallel-bench-"));
    try {
      const env = { ...process.env, IPYTHONDIR: folder };
      const times: number[] = [];
      for (let i = 0; i < (context.quick ? 1 : 3); i += 1) {
        const began = performance.now();
        const up = spawnSync(process.execPath, [IPCLUSTER, "start", "-n", "4", "--daemonize"], { env, encoding: "utf8" });
        times.push((performance.now() - began) / 1000);
        spawnSync(process.execPath, [IPCLUSTER, "stop"], { env });
        if (up.status !== 0) throw new Error(up.stderr);
      }
      const ours = { value: median(times), unit: "s" };
      return Promise.resolve(compared(ours, measureIpyparallel(context, "start"), "and less than 2 s"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Controller and 4 engines doing nothing. */
export const memory: Measure = {
  name: "memory",
  title: "idle resident memory of a controller and 4 engines",
  floor: { atMost: 0.5 },
  async run(context) {
    await using cluster = await Cluster.start({ n: 4, private: true });
    const pids = [cluster.controllerPid, ...cluster.enginePids].flatMap((pid) => [pid, ...descendants(pid)]);
    await new Promise((resolve) => setTimeout(resolve, context.quick ? 100 : 2000));
    const each = pids.map(residentMb);
    const ours = { value: each.reduce((sum, mb) => sum + mb, 0), unit: "MB" };
    const notes = `ours, each: ${each.map((mb) => mb.toFixed(0)).join(" ")}`;
    return compared(ours, measureIpyparallel(context, "memory"), notes);
  },
};

/** A million tasks, one a message, store on; the larger of controller and client counts. */
export const million: Measure = {
  name: "million",
  title: "resident memory after 1,000,000 finished tasks, store on (controller, client; the larger)",
  floor: { atMost: 300 },
  async run(context) {
    await using cluster = await Cluster.start({ n: 2, private: true });
    const count = context.quick ? 2000 : 1_000_000;
    const client = spawn(process.execPath, ["--import", "tsx", MILLION, cluster.profileDir, String(count)], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    client.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => client.once("exit", resolve));
    if (code !== 0) throw new Error("the client failed");
    const report = JSON.parse(output) as { clientMb: number; seconds: number; sum: number };
    if (report.sum !== count) throw new Error(`${report.sum} of ${count} tasks came back`);
    const controllerMb = residentMb(cluster.controllerPid);
    const notes = `controller ${controllerMb.toFixed(0)} MB, client ${report.clientMb.toFixed(0)} MB, ${(count / report.seconds).toFixed(0)} tasks/s`;
    const ours = { value: Math.max(controllerMb, report.clientMb), unit: "MB" };
    return { ours, ratio: ours.value, notes };
  },
};
