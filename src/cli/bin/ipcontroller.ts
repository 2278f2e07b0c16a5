#!/usr/bin/env node
// Starts `ipcontroller`.
import { runProgram } from "../../programs/index.ts";

await runProgram("ipcontroller", async () => {
  const [{ main }, { ipcontrollerProgram }] = await Promise.all([import("../program.ts"), import("../ipcontroller.ts")]);
  await main(ipcontrollerProgram());
});
