#!/usr/bin/env node
import { main } from "../program.ts";
import { tsparallelProgram } from "../tsparallel.ts";

await main(tsparallelProgram());
