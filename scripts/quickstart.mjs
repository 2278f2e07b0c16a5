// `npm run quickstart`: sets the clone up when needed, then runs the example in the foreground.

import { ensureSetup, entry, run } from "./bootstrap.mjs";

async function main() {
  await ensureSetup();
  const { code } = await run(process.execPath, ["--import", "tsx", "examples/quickstart.ts"], { allowFailure: true });
  process.exitCode = code;
}

// Ctrl-C reaches the example too, as a member of the same foreground group; it stops its cluster, and only then this ends.
process.on("SIGINT", () => {});
entry(main);
