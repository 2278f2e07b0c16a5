// `npm run bench`: sets the clone up when needed, then runs the benchmarks. Arguments: names of measures, `--quick`, `--list`.

import { ensureSetup, entry, run } from "./bootstrap.mjs";

async function main() {
  await ensureSetup();
  await run(process.execPath, ["--import", "tsx", "bench/run.ts", ...process.argv.slice(2)]);
}

entry(main);
