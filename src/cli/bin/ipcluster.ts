#!/usr/bin/env node
// Starts `ipcluster`.
import { ipcluster } from "../ipcluster.ts";

await ipcluster();
