#!/usr/bin/env node
import { ipcluster } from "../ipcluster.ts";

await ipcluster();
