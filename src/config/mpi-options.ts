// Options of the launchers that start all engines by one command: `mpi` (mpiexec) and `srun` (inside an allocation of Slurm).

/** Rows of the sections `mpi` and `srun`. */
export const MPI_ROWS = [
  {
    name: "mpi.command",
    type: "list",
    default: ["mpiexec"],
    traits: ["MPILauncher.mpi_cmd", "MPIEngineSetLauncher.mpi_cmd"],
    doc: "command that starts the engines, followed by `-n` and their number",
  },
  {
    name: "mpi.args",
    type: "list",
    default: [],
    flag: "--mpi-arg <argument>",
    traits: ["MPILauncher.mpi_args", "MPIEngineSetLauncher.mpi_args"],
    doc: "further arguments for mpiexec: `--hostfile`, `hosts`; the flag may be repeated",
  },
  {
    name: "srun.args",
    type: "list",
    default: [],
    doc: "further arguments for srun",
  },
] as const;
