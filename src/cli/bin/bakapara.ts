#!/usr/bin/env node
import { bakapara } from "../bakapara.ts";

await bakapara();
