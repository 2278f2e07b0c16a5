// Gets a clone ready with nothing but Node and npm: installs what package-lock.json names when it is missing or older
// than the lock file, and compiles what has changed. Plain JavaScript, because it runs before anything is installed.

import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the repository. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const NODE_MAJOR_MIN = 20;
const NODE_MINOR_MIN = 19;

/** Runs a program in the repository; rejects with its exit status when it fails. `options.signal` kills it. */
export function run(command, args, options = {}) {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: options.stdio ?? "inherit",
      env: { ...process.env, ...options.env },
      shell: process.platform === "win32",
      ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: "SIGKILL" }),
    });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    // Killed by `options.signal` it ends like any other: the exit follows.
    child.once("error", (error) => (error.name === "AbortError" ? undefined : reject(error)));
    child.once("exit", (code, signal) => {
      if (code === 0 || options.allowFailure) resolvePromise({ code: code ?? 1, output });
      else reject(Object.assign(new Error(`${command} ${args.join(" ")} ended with ${signal ?? `exit status ${code}`}`), { exitCode: code ?? 1, output }));
    });
  });
}

/** Runs a program of a development dependency by its script file. */
export const runBin = (file, args, options) => run(process.execPath, [join(ROOT, "node_modules", file), ...args], options);

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN)) return;
  console.error(`tsparallel needs Node ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer; this is ${process.versions.node}`);
  process.exit(1);
}

function isInstalled() {
  const installed = join(ROOT, "node_modules", ".package-lock.json");
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(ROOT, "package-lock.json")).mtimeMs;
}

async function install() {
  console.log("installing dependencies (install scripts refused) …");
  const npm = process.env.npm_execpath;
  // Not `npm ci`: it refuses a lock file without the packages of every other platform, which not every registry has.
  const args = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  // npm passes its own settings to scripts as npm_config_*; the nested npm must not inherit this script's.
  if (npm === undefined) await run("npm", args);
  else await run(process.execPath, [npm, ...args]);
}

/** Compiles `src` into `dist` and bundles the programs; incremental, a second without changes. */
export async function build(options = {}) {
  await runBin("typescript/bin/tsc", ["-b"], options);
  // Loaded late: before `install` there is no bundler.
  const { bundleAll } = await import("./bundle.mjs");
  await bundleAll();
}

/** Installs and builds what is missing. */
export async function ensureSetup() {
  refuseOldNode();
  if (!isInstalled()) await install();
  await build();
}

/** Runs an entry point: prints one line for an expected failure and sets the exit status. */
export function entry(main) {
  main().catch((error) => {
    console.error(error.message);
    process.exitCode = error.exitCode ?? 1;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) entry(ensureSetup);
