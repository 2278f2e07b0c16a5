// Launchers for batch systems: each is a description of the system, and one launcher for all of them.

import type { Launcher } from "../launcher.ts";
import { batchLauncher } from "./batch-launcher.ts";
import { GRID_ENGINE } from "./gridengine.ts";
import { SLURM } from "./slurm.ts";

/** Grid Engine. */
export const GRID_ENGINE_LAUNCHER: Launcher = batchLauncher(GRID_ENGINE);

/** Slurm. */
export const SLURM_LAUNCHER: Launcher = batchLauncher(SLURM);
