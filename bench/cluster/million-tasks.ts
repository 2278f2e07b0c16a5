// The client's half of the "million" measure: submits tasks one a message, keeps none of the results, and tells its own
// resident memory at the end. Arguments: profile directory, count.

import { performance } from "node:perf_hooks";
import { Client } from "tsparallel";
import { residentMb } from "../resident.ts";

const [profileDir = "", countText = "0"] = process.argv.slice(2);
const count = Number(countText);
const rc = await Client.connect({ profileDir });
const view = rc.loadBalancedView();

function* numbers(): Generator<number> {
  for (let i = 0; i < count; i += 1) yield 1;
}

const began = performance.now();
let sum = 0;
for await (const one of view.imap((x: number) => x, numbers(), { maxOutstanding: 1000, chunkSize: 1 })) sum += one;
console.log(JSON.stringify({ clientMb: residentMb(process.pid), seconds: (performance.now() - began) / 1000, sum }));
await rc.close();
