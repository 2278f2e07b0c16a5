#!/usr/bin/env node
// Starts `bakapara`.
import { bakapara } from "../bakapara.ts";

await bakapara();
