#!/usr/bin/env node
// Starts `tsparallel`.
import { runProgram } from "../../programs/index.ts";

await runProgram("tsparallel", async () => {
  const [{ main }, { tsparallelProgram }] = await Promise.all([import("../program.ts"), import("../tsparallel.ts")]);
  await main(tsparallelProgram());
});
