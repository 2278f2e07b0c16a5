#!/usr/bin/env node
// Starts `ipcluster`.
import { runProgram } from "../../programs/index.ts";

await runProgram("ipcluster", async () => (await import("../ipcluster.ts")).ipcluster());
