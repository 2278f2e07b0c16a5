// Programs that batch jobs run with engines started by mpiexec.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Sandbox } from "./ipcluster.ts";

/** Whether there is an mpiexec here. */
export const HAS_MPI: boolean = spawnSync("mpiexec", ["--version"]).status === 0;

/** Open MPI wants to be asked twice to run as root, and once to start more engines than there are cores. */
export const MPI_ENV: Readonly<Record<string, string>> = {
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  OMPI_MCA_rmaps_base_oversubscribe: "1",
};

/** A program that prints the ranks of its cluster's engines, as `ranks 0,1`, and ends with status 3. */
export function rankProgram(sandbox: Sandbox): string {
  Object.assign(sandbox.env, MPI_ENV);
  const path = join(sandbox.dir, "ranks.mjs");
  const library = fileURLToPath(new URL("../../dist/index.js", import.meta.url));
  writeFileSync(
    path,
    `import { Client } from ${JSON.stringify(library)};
const rc = await Client.connect();
const ranks = await rc.directView().apply(() => process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK);
console.log("ranks", ranks.sort().join());
await rc.close();
process.exitCode = 3;
`,
  );
  return path;
}
