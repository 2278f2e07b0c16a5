#!/usr/bin/env -S node --no-force-async-hooks-checks
import { main } from "../program.ts";
import { ipengineProgram } from "../ipengine.ts";

await main(ipengineProgram());
