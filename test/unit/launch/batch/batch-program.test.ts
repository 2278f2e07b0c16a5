// The scripts of jobs that run a program with a cluster of its own inside, for every system that has such jobs.

import { describe, expect, it } from "vitest";
import { resolveProfile } from "../../../../src/config/index.ts";
import { previewProgram } from "../../../../src/launch/batch/batch-program.ts";
import { GRID_ENGINE } from "../../../../src/launch/batch/gridengine.ts";
import { HTCONDOR } from "../../../../src/launch/batch/htcondor.ts";
import { LSF } from "../../../../src/launch/batch/lsf.ts";
import { PBS } from "../../../../src/launch/batch/pbs.ts";
import { SLURM } from "../../../../src/launch/batch/slurm.ts";
import { stepEnvironment } from "../../../../src/launch/mpi-launcher.ts";
import type { ProgramRequest } from "../../../../src/launch/launcher.ts";
import { SILENT } from "../../../../src/log/index.ts";

function request(change: Partial<ProgramRequest> = {}): ProgramRequest {
  return {
    place: { profile: resolveProfile({ profileDir: "/home/me/.ipython/profile_lab" }), clusterId: "" },
    options: { queue: "long", account: "physics", timeLimit: "90m", lines: ["module load nodejs"] },
    n: 4,
    program: ["tsparallel", "notebook", "run", "/w/my fit.ipynb"],
    name: "my_fit",
    directory: "/w",
    logger: SILENT,
    signal: undefined,
    ...change,
  };
}

const SYSTEMS = [
  [
    SLURM,
    {
      head: ["#SBATCH --job-name=my_fit", "#SBATCH --ntasks=4", "#SBATCH --partition=long", "#SBATCH --account=physics", "#SBATCH --time=01:30:00"],
      output: "#SBATCH --output=/w/my_fit-%j.log",
      id: "SLURM_JOB_ID",
      inner: "srun",
    },
  ],
  [
    PBS,
    {
      head: ["#PBS -N my_fit", "#PBS -l select=4", "#PBS -q long", "#PBS -A physics", "#PBS -l walltime=01:30:00"],
      output: 'exec >/w/my_fit-"$PBS_JOBID".log 2>&1',
      id: "PBS_JOBID",
      inner: "mpi",
    },
  ],
  [
    GRID_ENGINE,
    {
      head: ["#$ -N my_fit", "#$ -q long", "#$ -A physics", "#$ -l h_rt=01:30:00", "#$ -pe mpi 4"],
      output: "#$ -o /w/my_fit-$JOB_ID.log",
      id: "JOB_ID",
      inner: "mpi",
    },
  ],
  [
    LSF,
    {
      head: ['#BSUB -J "my_fit"', "#BSUB -n 4", "#BSUB -q long", "#BSUB -P physics", "#BSUB -W 1:30"],
      output: "#BSUB -o /w/my_fit-%J.log",
      id: "LSB_JOBID",
      inner: "mpi",
    },
  ],
] as const;

const PLACES = "#$ -pe mpi 4";

describe("a program's job", () => {
  it.each(SYSTEMS)("of $name has places for all engines, the options given, and ends with the program", async (system, { head, output, id, inner }) => {
    const lines = ["module load nodejs", ...(system === GRID_ENGINE ? [PLACES] : [])];
    const script = await previewProgram(system, request({ options: { ...request().options, lines } }));
    expect(script.split("\n")).toEqual(expect.arrayContaining([...head, output, "module load nodejs"]));
    expect(script).toMatch(new RegExp(`^exec \\S+ \\S+ run --engines=${inner} -n=4 --profile-dir=/home/me/.ipython/profile_lab `, "m"));
    expect(script.endsWith(` --cluster-id=job-"$${id}" -- tsparallel notebook run '/w/my fit.ipynb'\n`)).toBe(true);
  });

  it.each(SYSTEMS)("of $name has places for Python's engines too, and says which Python runs them", async (system, { inner }) => {
    const options = system === GRID_ENGINE ? { lines: [PLACES] } : {};
    const script = await previewProgram(system, request({ options, n: 0, python: { n: 4, executable: "/opt/my python/bin/python" } }));
    const count = { slurm: "--ntasks=4\n", pbs: "select=4\n", sge: "-pe mpi 4\n", lsf: "-n 4\n" }[system.name as "slurm" | "pbs" | "sge" | "lsf"];
    expect(script).toContain(count);
    expect(script).toContain(` run --engines=${inner} -n=0 --python-engines=4 '--python=/opt/my python/bin/python' --profile-dir=`);
    const both = await previewProgram(system, request({ options, n: 3, python: { n: 1, executable: undefined } }));
    expect(both).toContain(count);
    expect(both).toContain(` -n=3 --python-engines=1 --profile-dir=`);
  });

  it("has a name that every system takes; its output file is called as the program is", async () => {
    const script = await previewProgram(GRID_ENGINE, request({ options: {}, n: 1, name: "01-fit" }));
    expect(script).toContain("#$ -N job-01-fit\n");
    expect(script).toContain("#$ -o /w/01-fit-$JOB_ID.log\n");
  });

  it("is refused where a job cannot start a cluster of its own", async () => {
    await expect(previewProgram(HTCONDOR, request({ options: {} }))).rejects.toThrow(/^HTCondor jobs that start a cluster of their own are not supported/);
  });
});

describe("a step inside an allocation of Slurm", () => {
  it("shares the processors when it leaves some of the allocation to others", () => {
    expect(stepEnvironment(4, { SLURM_NTASKS: "4" })).toEqual({});
    expect(stepEnvironment(3, { SLURM_NTASKS: "4" })).toEqual({ SLURM_OVERLAP: "1" });
    expect(stepEnvironment(3, {})).toEqual({});
  });
});
