#!/usr/bin/env -S node --no-force-async-hooks-checks
// Starts `ipengine`.
import { runProgram } from "../../programs/index.ts";

await runProgram("ipengine", async () => {
  const [{ main }, { ipengineProgram }] = await Promise.all([import("../program.ts"), import("../ipengine.ts")]);
  await main(ipengineProgram());
});
