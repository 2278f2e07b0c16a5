#!/usr/bin/env node
// Starts `bakapara`.
import { runProgram } from "../../programs/index.ts";

await runProgram("bakapara", async () => (await import("../bakapara.ts")).bakapara());
