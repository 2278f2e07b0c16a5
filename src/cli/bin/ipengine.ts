#!/usr/bin/env -S node --no-force-async-hooks-checks
// Starts `ipengine`.
import { main } from "../program.ts";
import { ipengineProgram } from "../ipengine.ts";

await main(ipengineProgram());
