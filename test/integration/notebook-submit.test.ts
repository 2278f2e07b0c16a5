// `tsparallel notebook submit`: the notebooks of examples/ in jobs of a real Slurm, with engines of both kinds; what fails, and what is
// cancelled, leaves the notebook as far as it came, and nothing else.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Sandbox, type CommandEnd, type RunningCommand } from "../support/ipcluster.ts";
import { TSPARALLEL } from "../support/kernel-process.ts";
import { EXAMPLE_NOTEBOOKS, outputsOf, writeNotebook } from "../support/notebooks.ts";
import { PYTHON } from "../support/python.ts";
import { hasBed, TestBed } from "../support/testbed.ts";
import { until } from "../support/until.ts";

/** A cell that waits says so by a file, since what it writes is seen only when its notebook is saved. */
const STARTED = "started";

/** The jobs run at the same time, each with processes of its own, on as few processors as there are. */
const LIMIT_MS = 240_000;

describe.skipIf(!hasBed("slurm"))("a notebook in a Slurm job", { timeout: LIMIT_MS }, () => {
  let bed: TestBed;
  let sandbox: Sandbox;

  beforeAll(() => {
    bed = TestBed.start("slurm");
    sandbox = new Sandbox();
    const python = PYTHON?.includes("/") === true ? [dirname(PYTHON)] : [];
    // As after `source venv/bin/activate`: the kernel python3 is the one of that environment.
    sandbox.env["PATH"] = [join(bed.dir, "bin"), ...python, process.env["PATH"]].join(delimiter);
    sandbox.env["JUPYTER_DATA_DIR"] = join(sandbox.dir, "jupyter");
  });
  afterAll(() => {
    sandbox.dispose();
    bed.stop();
  });

  const start = (...args: readonly string[]): RunningCommand => sandbox.startProgram([TSPARALLEL, "notebook", "submit", "--engines=slurm", ...args]);
  const submit = (...args: readonly string[]): Promise<CommandEnd> => start(...args).ended;
  const inSandbox = (name: string): string => join(sandbox.dir, name);

  it.concurrent("uses all engines on all nodes by %%px and a map, takes parameters, and is what it is on a laptop", async () => {
    // Five engines do not fit on one node of four processors.
    const out = inSandbox("darts.ipynb");
    const { code, stdout, stderr } = await submit("-n", "5", "--param=points=50000", `--output=${out}`, "--wait", join(EXAMPLE_NOTEBOOKS, "darts.ipynb"));
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("[6/6] ok after ");
    expect(outputsOf(out).filter((text) => text !== "")).toEqual([
      "5 engines\n",
      "pi is about 3.1414, of 2,000,000 points\n",
      "5 of 5 engines took part, on node1, node2\n",
    ]);
    expect(readdirSync(sandbox.dir).filter((name) => /^darts-\d+\.log$/.test(name))).toHaveLength(1);
    const again = await submit("-n", "5", "--param=points=50000", `--output=${out}`, "--resume", join(EXAMPLE_NOTEBOOKS, "darts.ipynb"));
    expect([again.code, again.stderr]).toEqual([0, `nothing to do: every cell of ${out} has run well\n`]);
  });

  it.skipIf(PYTHON === undefined).concurrent("of Python's uses Python's engines, which ipp.Client() finds unchanged", async () => {
    const out = inSandbox("darts-python.ipynb");
    const { code, stdout, stderr } = await submit("-n", "2", "--param=points=5000", `--output=${out}`, "--wait", join(EXAMPLE_NOTEBOOKS, "darts-python.ipynb"));
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("starting engines n=2 language=python launcher=srun");
    expect(outputsOf(out).filter((text) => text !== "")).toEqual([
      "2 engines\n",
      "pi is about 3.1453, of 200,000 points\n",
      expect.stringMatching(/^2 of 2 engines took part, on node\d(?:, node\d)?\n$/),
    ]);
  });

  it.concurrent("that fails, or is cancelled, leaves what ran so far, and is resumed by another job", async () => {
    const mended = inSandbox("mended");
    const second = `const { existsSync, writeFileSync } = require("node:fs");
if (!existsSync(${JSON.stringify(mended)})) throw new RangeError("no luck");
writeFileSync(${JSON.stringify(inSandbox(STARTED))}, "");
await new Promise((resolve) => setTimeout(resolve, 600_000));`;
    const path = writeNotebook(inSandbox("fails.ipynb"), "console.log('first')", second);
    const out = inSandbox("fails.out.ipynb");
    const failed = await submit("-n", "1", "--wait", path);
    expect(failed.code, failed.stderr).toBe(1);
    expect(failed.stdout).toMatch(/fails\.ipynb: cell 2 of 2 failed: RangeError: no luck; what ran is in \S+\/fails\.out\.ipynb\n/);
    expect(failed.stderr).toMatch(/tsparallel: Slurm job \d+ ended with exit status 1\n$/);
    expect(outputsOf(out)[0]).toBe("first\n");

    writeFileSync(mended, "");
    const resumed = start("-n", "1", "--resume", "--wait", path);
    await resumed.until(() => existsSync(inSandbox(STARTED)), "running its second cell", { timeoutMs: LIMIT_MS / 2 });
    resumed.child.kill("SIGINT");
    const { code, stdout, stderr } = await resumed.ended;
    expect(code, stdout + stderr).toBe(130);
    const id = /submitted Slurm job (\d+)/.exec(stderr)?.[1] ?? "";
    expect(readFileSync(inSandbox(`fails-${id}.log`), "utf8")).toContain("beginning at cell 2 of 2");
    expect(outputsOf(out)[0]).toBe("first\n");
  });

  it.concurrent("that could not run is refused before it waits in a queue", async () => {
    writeFileSync(inSandbox("broken.ipynb"), '{"cells": [');
    const strange = writeNotebook(inSandbox("strange.ipynb"), "1");
    const cases = [
      [["broken.ipynb"], /tsparallel: broken\.ipynb is not JSON: .*\n$/],
      [["missing.ipynb"], /tsparallel: cannot read missing\.ipynb: .*\n$/],
      [["--start-at=2", strange], /tsparallel: \S+ has 1 code cells; --start-at 2 is behind the last\n$/],
      [["--kernel=cobol", strange], /tsparallel: the notebook does not say what its kernel speaks; say by --engine-language=typescript or python .*\n$/],
      [["--engines=local", strange], /tsparallel: "local" does not run programs as jobs; name a batch system: --engines=slurm, pbs, sge or lsf\n$/],
      [["--engine-language=python", "--python=/nonexistent/python", "--queue=a b", strange], /tsparallel: the queue "a b" is refused: .*\n$/],
    ] as const;
    for (const [args, sentence] of cases) {
      const { code, stderr } = await submit("-n", "1", ...args);
      expect([args, code, stderr]).toEqual([args, 1, expect.stringMatching(sentence)]);
    }
  });

  it("leaves no job, no process and no file of its clusters", async () => {
    await sandbox.nothingRuns();
    await until(() => bed.output("squeue", "--noheader") === "", { everyMs: 100 });
    expect(sandbox.securityFiles()).toEqual([]);
    expect(readdirSync(join(sandbox.profileDir(), "log")).filter((name) => name.endsWith(".sbatch"))).toEqual([]);
    expect(readdirSync(sandbox.dir).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("a script for a notebook's job", () => {
  it.each(["slurm", "pbs", "sge", "lsf"])("is printed for %s", async (engines) => {
    const sandbox = new Sandbox();
    try {
      const path = writeNotebook(join(sandbox.dir, "my fit.ipynb"), "1");
      const { code, stdout } = await sandbox.startProgram([TSPARALLEL, "notebook", "submit", `--engines=${engines}`, "-n", "1", "--dry-run", path]).ended;
      expect(code).toBe(0);
      expect(stdout).toMatch(/^#!\/bin\/sh\n/);
      expect(stdout).toMatch(new RegExp(`^exec .* -n=1 .* notebook run '${path}' '--output=${path.replace(".ipynb", ".out.ipynb")}'$`, "m"));
      expect(stdout).toContain("my_fit");
      expect(existsSync(join(sandbox.dir, "my fit.out.ipynb"))).toBe(false);
    } finally {
      sandbox.dispose();
    }
  });
});
