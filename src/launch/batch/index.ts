// Launchers for batch systems: each is a description of the system, and one launcher for all of them.

import type { Launcher } from "../launcher.ts";
import { batchLauncher } from "./batch-launcher.ts";
import type { BatchSystem } from "./batch-system.ts";
import { GRID_ENGINE } from "./gridengine.ts";
import { HTCONDOR } from "./htcondor.ts";
import { LSF } from "./lsf.ts";
import { PBS } from "./pbs.ts";
import { SLURM } from "./slurm.ts";
import { WINDOWS_HPC } from "./winhpc.ts";

/** The systems, as users write them. */
type BatchSystemName = "slurm" | "pbs" | "sge" | "lsf" | "htcondor" | "winhpc";

const SYSTEMS: Readonly<Record<BatchSystemName, BatchSystem>> = { slurm: SLURM, pbs: PBS, sge: GRID_ENGINE, lsf: LSF, htcondor: HTCONDOR, winhpc: WINDOWS_HPC };

/** The launcher for a batch system. */
export function batchSystemLauncher(name: BatchSystemName): Launcher {
  return batchLauncher(SYSTEMS[name]);
}
