// Makes one file of each program and each thread out of the compiled modules in `dist`; see `src/programs`. They are
// CommonJS: beside the many files it is Node's ES module loader, and its reader of CommonJS packages, that costs time and
// memory at every start. Dependencies stay outside: their native parts and their licences are theirs.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const DIST = join(ROOT, "dist");
const OUT = join(DIST, "bundle");

const command = (name) => `import { main } from "./cli/program.js"; import { ${name}Program } from "./cli/${name}.js"; void main(${name}Program());`;

/** What each bundle runs. */
const ENTRIES = {
  ipcluster: `import { ipcluster } from "./cli/ipcluster.js"; void ipcluster();`,
  bakapara: `import { bakapara } from "./cli/bakapara.js"; void bakapara();`,
  ipcontroller: command("ipcontroller"),
  tsparallel: command("tsparallel"),
  ipengine: command("ipengine"),
  "engine-side": `import "./engine/side/side-main.js";`,
  "kernel-side": `import "./kernel/side/kernel-side-main.js";`,
  "hub-worker": `import "./controller/hub-worker.js";`,
};

const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
/** Small, plain JavaScript, and part of every start. */
const INSIDE = new Set(["commander"]);

/** Every module keeps its own address: it finds files, and tells its own stack frames, by where it lies in `dist`. */
const keepAddresses = {
  name: "keep-addresses",
  setup(bundler) {
    bundler.onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (relative(DIST, path).startsWith("..")) return undefined;
      const address = `new URL(${JSON.stringify(`../${relative(DIST, path).replaceAll("\\", "/")}`)}, bundleUrl).href`;
      return { contents: readFileSync(path, "utf8").replaceAll("import.meta.url", address), loader: "js" };
    });
  },
};

const modifiedMs = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** Newest of the compiler's notes and of what makes bundles. */
function sourcesMs() {
  const notes = readdirSync(DIST).map((entry) => (entry.endsWith(".tsbuildinfo") ? join(DIST, entry) : join(DIST, entry, "tsconfig.tsbuildinfo")));
  return Math.max(...[...notes, fileURLToPath(import.meta.url), join(ROOT, "package.json"), join(ROOT, "package-lock.json")].map(modifiedMs));
}

async function bundle(name, contents, madeAt) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: DIST, sourcefile: `${name}.js` },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    banner: { js: `const bundleUrl = require("node:url").pathToFileURL(__filename);` },
    external: Object.keys(dependencies).filter((dependency) => !INSIDE.has(dependency)),
    plugins: [keepAddresses],
    // Of our own modules the two threads' are imported for their effect.
    ignoreAnnotations: true,
    logLevel: "warning",
  });
  // Another build may be at work, and programs may be starting.
  const temporary = join(OUT, `${name}.${process.pid}.tmp`);
  writeFileSync(temporary, outputFiles[0].contents);
  // What is compiled while this runs must count as newer.
  utimesSync(temporary, madeAt, madeAt);
  renameSync(temporary, join(OUT, `${name}.cjs`));
}

/** A bundle that is no longer made must not be run. */
function removeOthers() {
  if (!existsSync(OUT)) return;
  for (const file of readdirSync(OUT)) if (file.endsWith(".cjs") && !(file.slice(0, -4) in ENTRIES)) rmSync(join(OUT, file));
}

/** Makes the bundles that are older than what they are made of. */
export async function bundleAll() {
  const newestMs = sourcesMs();
  const stale = Object.entries(ENTRIES).filter(([name]) => modifiedMs(join(OUT, `${name}.cjs`)) <= newestMs);
  removeOthers();
  if (stale.length === 0) return;
  const madeAt = new Date();
  mkdirSync(OUT, { recursive: true });
  await Promise.all(stale.map(([name, contents]) => bundle(name, contents, madeAt)));
}
