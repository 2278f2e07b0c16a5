// The launcher for MPI with a real mpiexec.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "tsparallel";
import { Sandbox } from "../support/ipcluster.ts";
import { HAS_MPI, MPI_ENV } from "../support/mpi.ts";
import { until } from "../support/until.ts";

describe.skipIf(!HAS_MPI)("engines started by mpiexec", () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
    Object.assign(sandbox.env, MPI_ENV);
  });
  afterEach(() => sandbox.dispose());

  const nothingLeft = async (): Promise<void> => {
    await sandbox.nothingRuns();
    expect(sandbox.securityFiles()).toEqual([]);
  };

  it("answer, know their ranks, and end with the cluster, also when the terminal that started it died", async () => {
    const starter = sandbox.start("start", "-n", "3", "--engines=mpi", "--stop-timeout=3000");
    await starter.says("connect with");
    const cluster = await Cluster.fromFile(join(sandbox.profileDir(), "security", "cluster-.json"));
    const rc = await cluster.connect();
    const facts = await rc.directView().apply(() => [process.env["OMPI_COMM_WORLD_RANK"] ?? process.env["PMI_RANK"], process.env["IPP_CONNECTION_INFO"]]);
    expect(new Set(facts.map(([rank]) => rank))).toEqual(new Set(["0", "1", "2"]));
    expect(facts.every(([, keys]) => keys === undefined)).toBe(true);
    // mpiexec keeps SIGINT for itself, so the controller hands it on.
    const spinning = rc.directView().apply(() => {
      for (;;);
    });
    const signalled = until(async () => (await cluster.signal("SIGINT"), spinning.ready()), { everyMs: 200 });
    await expect(spinning).rejects.toThrow(/interrupted/);
    await signalled;
    await rc.close();
    starter.child.kill("SIGKILL");
    await starter.ended;
    expect((await sandbox.run("stop")).code).toBe(0);
    await nothingLeft();
  });

  it("that mpiexec does not start are told by its own sentence", async () => {
    delete sandbox.env["OMPI_MCA_rmaps_base_oversubscribe"];
    const { code, stderr } = await sandbox.run("start", "-n", "500", "--engines=mpi");
    expect(code).toBe(1);
    expect(stderr).toMatch(/ipcluster: engine 1 of 500 ended with exit status \d+ before it was ready: There are not enough slots available .*\(log: .*\)\n$/);
    await nothingLeft();
  });
});
