#!/usr/bin/env node
// Starts `tsparallel`.
import { main } from "../program.ts";
import { tsparallelProgram } from "../tsparallel.ts";

await main(tsparallelProgram());
