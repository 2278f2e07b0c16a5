// `npm run test:interop`: sets the clone up when needed, then runs ipyparallel's own tests against its controller and ours.
// `--help` names the options.

import { ensureSetup, entry, run } from "./bootstrap.mjs";

async function main() {
  await ensureSetup();
  const { code } = await run(process.execPath, ["--import", "tsx", "scripts/interop/main.ts", ...process.argv.slice(2)], { allowFailure: true });
  process.exitCode = code;
}

// Ctrl-C reaches the runner too, as a member of the same foreground group; it stops what it started, and only then this ends.
process.on("SIGINT", () => {});
entry(main);
