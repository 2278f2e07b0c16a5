#!/usr/bin/env node
// Starts `ipcontroller`.
import { main } from "../program.ts";
import { ipcontrollerProgram } from "../ipcontroller.ts";

await main(ipcontrollerProgram());
