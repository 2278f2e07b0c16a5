// The launchers for PBS, LSF, HTCondor and Windows HPC. None of these systems can be had here: what answers is a stand-in that reads
// scripts, runs jobs and words its answers as their documents say.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, type Client } from "tsparallel";
import { Sandbox } from "../support/ipcluster.ts";
import { TSPARALLEL } from "../support/kernel-process.ts";
import { HAS_MPI, MPI_ENV, rankProgram } from "../support/mpi.ts";
import { EXAMPLE_NOTEBOOKS, outputsOf } from "../support/notebooks.ts";
import { PYTHON } from "../support/python.ts";
import { TestBed } from "../support/testbed.ts";
import { until } from "../support/until.ts";

const SYSTEMS = [
  {
    name: "pbs",
    number: "PBS_ARRAY_INDEX",
    numbers: ["1", "2"],
    pending: "Insufficient amount of resource: ncpus (R: 1 A: 0 T: 0)",
    full: { "batch.queue": "full" },
  },
  {
    name: "lsf",
    number: "LSB_JOBINDEX",
    numbers: ["1", "2"],
    pending: "Job's requirements for reserving resource (slots) not satisfied;",
    full: { "batch.queue": "full" },
  },
  { name: "htcondor", number: "", numbers: [], pending: "idle: no machine has taken it yet", full: { "batch.lines": ["requirements = false"] } },
  { name: "winhpc", number: "CCP_TASKID", numbers: ["1", "2"], pending: "Not enough resources", full: { "batch.queue": "full" } },
] as const;

const [PBS, LSF, HTCONDOR, WINHPC] = SYSTEMS;
const AT_ONCE = [PBS, LSF, HTCONDOR];

/** Many at the same time, each with processes of its own, on as few processors as there are. */
const LIMIT_MS = 240_000;

describe("engines through stand-ins for batch systems", { timeout: LIMIT_MS }, () => {
  let bed: TestBed;
  let sandbox: Sandbox;
  let home: Cluster;
  let rc: Client;

  beforeAll(async () => {
    bed = TestBed.start("stand-ins");
    process.env["PATH"] = bed.path;
    sandbox = new Sandbox();
    home = await Cluster.start({ n: 0, ipythonDir: sandbox.dir, clusterId: "" });
    rc = await home.connect();
  });
  afterAll(async () => {
    await home.stop();
    bed.stop();
    sandbox.dispose();
  });

  const enter = (given: Record<string, unknown>): Promise<Cluster> => Cluster.fromFile(home.file, { given: { "batch.scheduler": "HEAD", ...given } });
  const scripts = (): string[] => readdirSync(join(home.profileDir, "log")).filter((name) => /\.(?:pbs|lsf|condor|xml)$/.test(name));
  const openJobs = (family: string): number => {
    const jobs = join(bed.dir, "jobs");
    mkdirSync(jobs, { recursive: true });
    const own = readdirSync(jobs).filter((id) => readFileSync(join(jobs, id, "job.json"), "utf8").includes(`"family":"${family}"`));
    const tasks = own.flatMap((id) => readdirSync(join(jobs, id)).flatMap((name) => (/^task-\d+\.json$/.test(name) ? [join(jobs, id, name)] : [])));
    return tasks.filter((path) => !readFileSync(path, "utf8").includes('"ended"')).length;
  };

  it.each(SYSTEMS)("of $name answer, numbered by its tasks, and are cancelled", async ({ name, number, numbers }) => {
    const cluster = await enter({ engines: name, "batch.timeLimit": "10m" });
    await cluster.addEngines(2);
    // The client hears of them by itself, perhaps a moment later.
    await until(() => rc.ids.length === 2);
    const facts = await rc.directView().apply((variable: string) => [process.env[variable], process.env["IPP_CONNECTION_INFO"]], number);
    expect(facts.map(([task]) => task ?? "").toSorted()).toEqual(number === "" ? ["", ""] : numbers);
    expect(facts.every(([, keys]) => keys === undefined)).toBe(true);
    await cluster.leave();
    expect(openJobs(name)).toBe(0);
    expect(scripts()).toEqual([]);
    await until(() => rc.ids.length === 0);
  });

  const waitsInQueue = async ({ name, pending, full }: (typeof SYSTEMS)[number]): Promise<void> => {
    const cluster = await enter({ engines: name, ...full, "batch.queueTimeoutMs": 700 });
    await expect(cluster.addEngines(1)).rejects.toThrow(`waited 0.7 s in the queue: ${pending}`);
    await cluster.leave();
  };
  const startsAndStops = async ({ name }: (typeof SYSTEMS)[number]): Promise<void> => {
    const launchers = [`--engines=${name}`, `--controller=${name}`, "--scheduler=HEAD"];
    const started = await sandbox.run("start", ...launchers, "-n", "1", "--daemonize", `--cluster-id=${name}`);
    expect(started.stderr).toMatch(/ready: 1 engine answered after .*; stop it with: ipcluster stop --cluster-id=/);
    expect(started.code).toBe(0);
    const stopped = await sandbox.run("stop", `--cluster-id=${name}`);
    expect(stopped).toMatchObject({ code: 0 });
  };
  const isRefused = async (name: string, given: Record<string, unknown>, sentence: string): Promise<void> => {
    const cluster = await enter({ engines: name, ...given });
    await expect(cluster.addEngines(1)).rejects.toThrow(sentence);
    await cluster.leave();
  };

  // oxlint-disable-next-line vitest/expect-expect
  it.concurrent.each(AT_ONCE)("of $name that wait in the queue are told with its reason, and taken back", waitsInQueue);
  // oxlint-disable-next-line vitest/expect-expect
  it.concurrent.each(AT_ONCE)("of $name are started by the command, beside a controller that is a job too, and stopped by it", startsAndStops);

  // oxlint-disable-next-line vitest/expect-expect
  it.concurrent.each([
    ["pbs", { "batch.queue": "nowhere" }, "PBS refused the job: qsub: Unknown queue"],
    ["lsf", { "batch.queue": "nowhere" }, "LSF refused the job: nowhere: No such queue. Job not submitted."],
    ["htcondor", { "batch.lines": ["nonsense"] }, "HTCondor refused the job: ERROR: Parse error in expression: nonsense"],
  ])("of %s for a queue that is not there, or with a line it does not take, are refused in its words", isRefused);

  it.skipIf(!HAS_MPI).concurrent.each(["pbs", "lsf"])(
    "of %s serve a program inside one job, which keeps its output and ends with its exit status",
    async (name) => {
      const { code, stdout, stderr } = await sandbox.run("submit", `--engines=${name}`, "-n", "2", "--wait", rankProgram(sandbox));
      expect(stdout).toContain("ranks 0,1\n");
      expect(stderr).toMatch(/ipcluster: (?:PBS|LSF) job \S+ ended with exit status 3\n$/);
      expect(code).toBe(3);
    },
  );

  /** What the notebook's last cell wrote, in a job with two engines. */
  const lastOutput = async (name: string, notebook: string, env: NodeJS.ProcessEnv): Promise<string | undefined> => {
    const out = join(sandbox.dir, notebook);
    const words = ["notebook", "submit", `--engines=${name}`, "-n", "2", "--param=points=1000", "-o", out, "--wait", join(EXAMPLE_NOTEBOOKS, notebook)];
    const { code, stdout, stderr } = await sandbox.startProgram([TSPARALLEL, ...words], { ...sandbox.env, ...MPI_ENV, ...env }).ended;
    expect(code, stdout + stderr).toBe(0);
    return outputsOf(out).at(-1);
  };

  it.skipIf(!HAS_MPI).concurrent("of LSF serve a notebook inside one job, whose results it leaves in a file", async () => {
    expect(await lastOutput("lsf", "darts.ipynb", {})).toMatch(/^2 of 2 engines took part, on /);
  });

  it.skipIf(!HAS_MPI || PYTHON === undefined).concurrent("of PBS serve a notebook of Python's, being Python's own", async () => {
    // As after `source venv/bin/activate`: the kernel python3 is the one of that environment.
    const env = { PATH: [dirname(PYTHON ?? ""), process.env["PATH"]].join(delimiter) };
    expect(await lastOutput("pbs", "darts-python.ipynb", env)).toMatch(/^2 of 2 engines took part, on /);
  });

  // Its descriptions have their places in the profile, so one job is submitted at a time.
  // oxlint-disable-next-line vitest/expect-expect
  it("of Windows HPC that wait, that a command starts and stops, or that are refused, are told in its words", async () => {
    await waitsInQueue(WINHPC);
    await startsAndStops(WINHPC);
    await isRefused("winhpc", { "batch.queue": "nowhere" }, 'Windows HPC refused the job: The job template "nowhere" does not exist.');
  });

  it("leave no job, and no script but for the description of Windows HPC, which may be used by hand", () => {
    expect(SYSTEMS.map(({ name }) => openJobs(name))).toEqual([0, 0, 0, 0]);
    expect(scripts()).toEqual([]);
    const xml = readFileSync(join(home.profileDir, "ipengineset_job.xml"), "utf8");
    expect(xml).toMatch(/^<\?xml version="1.0" encoding="utf-8"\?>\n<Job xmlns="http:\/\/schemas.microsoft.com\/HPCS2008\/scheduler\/" /);
  });
});
