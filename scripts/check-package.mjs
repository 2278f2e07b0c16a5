// Packs the package, installs the tarball into an empty project with install scripts refused, and checks what a user
// gets: every bin answers, and typed imports compile and run.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureSetup, entry, run, runBin } from "./bootstrap.mjs";

const PROGRAM = `import { Client, RemoteError, type LoadBalancedView } from "tsparallel";
import { Bakapara } from "tsparallel/bakapara";
import { currentTask } from "tsparallel/engine";
import { defineConfig } from "tsparallel/config";

export async function squares(view: LoadBalancedView): Promise<number[]> {
  return view.map((x: number) => x * x, [1, 2, 3]);
}
export default defineConfig({ n: 2 });
console.log([Client, RemoteError, Bakapara, currentTask].map((thing) => typeof thing).join(" "));
`;

const OPTIONS = {
  compilerOptions: { module: "nodenext", target: "es2023", strict: true, skipLibCheck: false, types: ["node"], outDir: "out" },
  files: ["program.ts"],
};

/** npm tells scripts its own folder and settings through the environment; a nested npm must not take them for its own. */
function cleanEnvironment() {
  return Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => name.toLowerCase() === "npm_config_local_prefix")
      .map((name) => [name, ""]),
  );
}

async function npm(args, cwd) {
  return run("npm", [...args, "--prefix", cwd, "--no-audit", "--no-fund", "--loglevel=error"], { stdio: "pipe", env: cleanEnvironment() });
}

async function main() {
  await ensureSetup();
  await runBin("publint/src/cli.js", ["--strict"]);
  const folder = mkdtempSync(join(tmpdir(), "tsparallel-package-"));
  try {
    await run("npm", ["pack", "--pack-destination", folder, "--loglevel=error", "--ignore-scripts"], { stdio: "pipe" });
    const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
    writeFileSync(join(folder, "program.ts"), PROGRAM);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(OPTIONS));
    await npm(["install", "--ignore-scripts", join(folder, tarball), `@types/node@${typesVersion()}`], folder);
    for (const bin of ["ipcluster", "ipcontroller", "ipengine", "bakapara", "tsparallel"]) {
      const { output } = await run(join(folder, "node_modules", ".bin", bin), ["--version"], { stdio: "pipe" });
      console.log(`${bin} --version: ${output.trim()}`);
    }
    await runBin("typescript/bin/tsc", ["-p", folder]);
    const { output } = await run(process.execPath, [join(folder, "out", "program.js")], { stdio: "pipe" });
    if (output.trim() !== "function function function function") throw new Error(`the installed package exports something else: ${output}`);
    console.log("installed from the tarball: bins answer, imports are typed and run");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function typesVersion() {
  return "20";
}

entry(main);
