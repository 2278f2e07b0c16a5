// `npm run example -- NAME [options]`: sets the clone up when needed, then runs an example in the foreground.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ensureSetup, entry, ROOT, run } from "./bootstrap.mjs";

/** `examples/NAME/NAME.ts`. */
const program = (name) => join("examples", name, `${name}.ts`);

async function main() {
  const [name = "", ...options] = process.argv.slice(2);
  const names = readdirSync(join(ROOT, "examples")).filter((one) => existsSync(join(ROOT, program(one))));
  if (!names.includes(name))
    throw new Error(`${name === "" ? "name an example" : `there is no example ${name}`}: ${names.map((one) => `npm run example -- ${one}`).join(", ")}`);
  await ensureSetup();
  const { code } = await run(process.execPath, ["--import", "tsx", program(name), ...options], { allowFailure: true });
  process.exitCode = code;
}

// Ctrl-C reaches the example too, as a member of the same foreground group; it stops its cluster, and only then this ends.
process.on("SIGINT", () => {});
entry(main);
