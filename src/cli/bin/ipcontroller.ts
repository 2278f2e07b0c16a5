#!/usr/bin/env node
import { main } from "../program.ts";
import { ipcontrollerProgram } from "../ipcontroller.ts";

await main(ipcontrollerProgram());
