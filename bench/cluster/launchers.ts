// How long clusters of other sizes and places take to be ready, and to be gone: 16 engines here, 48 on three hosts over ssh, and engines in a
// job of Slurm. Hosts and Slurm are the test beds of test/testbeds; where these cannot be made they are named as missing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Sandbox, type CommandEnd } from "../../test/support/ipcluster.ts";
import { HAS_SSH_HOSTS, SshHosts } from "../../test/support/ssh-hosts.ts";
import { hasBed, TestBed } from "../../test/support/testbed.ts";
import { median, type BenchContext, type Measure, type Outcome } from "../measure.ts";

const SSH_HOSTS = 3;

/** What `ipcluster` says and how long it takes. */
interface Run {
  readonly end: CommandEnd;
  readonly seconds: number;
}

async function timed(run: () => Promise<CommandEnd>): Promise<Run> {
  const began = performance.now();
  const end = await run();
  if (end.code !== 0) throw new Error(end.stderr);
  return { end, seconds: (performance.now() - began) / 1000 };
}

/** Starts and stops again and again; the middle one of the times until ready counts. */
async function startsAndStops(
  { quick }: BenchContext,
  ipcluster: (verb: "start" | "stop") => Promise<CommandEnd>,
  readyS: (run: Run) => number = ({ seconds }) => seconds,
): Promise<Outcome> {
  const ready: number[] = [];
  const gone: number[] = [];
  for (let i = 0; i < (quick ? 1 : 3); i += 1) {
    ready.push(readyS(await timed(() => ipcluster("start"))));
    gone.push((await timed(() => ipcluster("stop"))).seconds);
  }
  const ours = { value: median(ready), unit: "s" };
  return { ours, ratio: ours.value, notes: `stopped within ${median(gone).toFixed(2)} s; slowest start ${Math.max(...ready).toFixed(2)} s` };
}

const missing = (what: string): Outcome => ({ ours: { value: Number.NaN, unit: "s" }, missing: what, ratio: undefined });

/** Seconds that so many bare Nodes take, started at once: what a start costs at least, on this machine and at this moment. */
async function bareNodes(n: number): Promise<number> {
  const began = performance.now();
  const ends = Array.from({ length: n }, () => once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit"));
  await Promise.all(ends);
  return (performance.now() - began) / 1000;
}

/** On this machine. */
export const start16: Measure = {
  name: "start16",
  title: "ipcluster start -n 16 to ready",
  floor: { atMost: 3 },
  async run(context) {
    const sandbox = new Sandbox();
    const n = context.quick ? 2 : 16;
    try {
      const outcome = await startsAndStops(context, (verb) => (verb === "start" ? sandbox.run("start", "-n", String(n), "--daemonize") : sandbox.run("stop")));
      return { ...outcome, notes: `${outcome.notes}; ${n} bare Nodes: ${(await bareNodes(n)).toFixed(2)} s` };
    } finally {
      sandbox.dispose();
    }
  },
};

/** On three hosts, each with an ssh server of its own, all of them on this machine. */
export const startSsh: Measure = {
  name: "start-ssh",
  title: "48 engines on 3 hosts over ssh to ready",
  floor: { atMost: 15 },
  async run(context) {
    if (!HAS_SSH_HOSTS) return missing("hosts with ssh servers (test/testbeds/ssh-hosts.sh)");
    const hosts = SshHosts.start(SSH_HOSTS);
    try {
      const each = context.quick ? 1 : 16;
      const engines = Array.from({ length: SSH_HOSTS }, (_, at) => `node${at + 1}: ${each}`).join(", ");
      await hosts.configure("bench", `export default { engines: "ssh", controller: { ip: "*" }, ssh: { engines: { ${engines} } } };\n`);
      return await startsAndStops(context, (verb) => hosts.run(verb, "--profile=bench", ...(verb === "start" ? ["--daemonize"] : [])));
    } finally {
      hosts.stop();
    }
  },
};

/** In a job of Slurm: from the moment when its controller gives the job its nodes. */
export const startSlurm: Measure = {
  name: "start-slurm",
  title: "8 engines as a Slurm job, from the job's start to ready",
  floor: { atMost: 3 },
  async run(context) {
    if (!hasBed("slurm")) return missing("Slurm (test/testbeds/slurm.sh)");
    const bed = TestBed.start("slurm");
    const sandbox = new Sandbox();
    sandbox.env["PATH"] = bed.path;
    const n = context.quick ? "1" : "8";
    try {
      return await startsAndStops(
        context,
        (verb) => (verb === "start" ? sandbox.run("start", "-n", n, "--engines=slurm", "--daemonize") : sandbox.run("stop")),
        ({ end }) => (stampOf(end.stderr, /^(\S+ \S+) ipcluster: ready: /m) - allocatedAt(bed)) / 1000,
      );
    } finally {
      sandbox.dispose();
      bed.stop();
    }
  },
};

/** When Slurm gave the newest job its nodes. */
function allocatedAt(bed: TestBed): number {
  const lines = readFileSync(join(bed.dir, "log", "slurmctld.log"), "utf8").split("\n");
  return stampOf(lines.findLast((line) => /(?:Allocate|Started) JobId=/.test(line)) ?? "", /^\[(\S+)\]/);
}

function stampOf(text: string, pattern: RegExp): number {
  const stamp = pattern.exec(text)?.[1];
  if (stamp === undefined) throw new Error(`no time in: ${text}`);
  return Date.parse(stamp.replace(" ", "T").replace(",", "."));
}
