// The compiler of TypeScript, where there is one: found from the user's folder or beside this package, and run on files of a temporary
// directory that looks to it like the user's folder. Its command works alike in all versions, in-process interfaces do not.

import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, parse, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { NotSupportedError, TimeoutError } from "../../base/index.ts";
import { ownModule } from "../../execution/index.ts";
import { readReport, type CompilerReport } from "./diagnostics.ts";

/** A compiler that was found. */
export interface Compiler {
  /** File that Node runs. */
  readonly script: string;
  readonly version: string;
  /** Folder of the `@types` packages that describe Node. */
  readonly typeRoot: string;
}

const WAIT_MS = 120_000;
const OUTPUT_CHARS_MAX = 4 * 1024 * 1024;

/**
 * Finds the compiler and Node's types, from `folder` or else from this package.
 *
 * @param own a file of this package, or its URL
 * @throws NotSupportedError that says what is missing and how to install it
 */
export async function findCompiler(folder: string, own: string = ownModule("tsparallel") ?? ""): Promise<Compiler> {
  const places = [join(folder, "ipp-cell-typecheck.cjs"), own];
  const manifest = findPackage("typescript", places);
  const types = findPackage("@types/node", places);
  if (manifest === undefined || types === undefined) {
    const missing = [...(manifest === undefined ? ["typescript"] : []), ...(types === undefined ? ["@types/node"] : [])];
    throw new NotSupportedError(
      `checking types needs ${missing.join(" and ")}, which cannot be found from ${folder}; install with \`npm install --save-dev ${missing.join(" ")}\` there`,
    );
  }
  const { version, bin } = JSON.parse(await readFile(manifest, "utf8")) as { readonly version: string; readonly bin: { readonly tsc: string } };
  return { script: join(dirname(manifest), bin.tsc), version, typeRoot: dirname(dirname(types)) };
}

function findPackage(name: string, places: readonly string[]): string | undefined {
  for (const from of places) {
    try {
      return createRequire(from).resolve(`${name}/package.json`);
    } catch {
      // Not from there; the caller tells when it is nowhere.
    }
  }
  return undefined;
}

/** What is to be checked, and where. */
export interface CheckRequest {
  /** The user's folder, from which modules are found. */
  readonly folder: string;
  readonly files: ReadonlyMap<string, string>;
  /** Ends the check. */
  readonly signal: AbortSignal;
}

/**
 * Checks a program.
 *
 * @throws TimeoutError after two minutes; the signal's reason; NotSupportedError when the compiler cannot do it
 */
export async function check(compiler: Compiler, { folder, files, signal }: CheckRequest): Promise<CompilerReport> {
  const root = await mkdtemp(join(tmpdir(), "tsparallel-typecheck-"));
  const clear = (): void => rmSync(root, { recursive: true, force: true });
  process.once("exit", clear);
  try {
    const mirror = await mirrorFolder(root, folder);
    for (const [name, text] of files) await writeFile(join(mirror, name), text);
    await writeFile(join(mirror, "tsconfig.json"), JSON.stringify(configOf(compiler, { root, folder, files: [...files.keys()] })));
    const output = await run([compiler.script, "--project", "tsconfig.json", "--pretty", "false"], mirror, signal);
    const report = readReport(output);
    const [trouble] = report.diagnostics.length === 0 ? report.troubles : [];
    if (trouble !== undefined) throw new NotSupportedError(`typescript ${compiler.version} cannot check cells: ${trouble}; version 5.0 or newer can`);
    return report;
  } finally {
    process.removeListener("exit", clear);
    await rm(root, { recursive: true, force: true });
  }
}

/** Makes the user's path below `root`, with links to what modules are found by: the user's own folder stays as it is. */
async function mirrorFolder(root: string, folder: string): Promise<string> {
  const parts = relative(parse(folder).root, folder)
    .split(sep)
    .filter((part) => part !== "");
  const mirror = join(root, ...parts);
  await mkdir(mirror, { recursive: true });
  for (let depth = 0; depth <= parts.length; depth += 1) {
    const [real, copy] = [join(parse(folder).root, ...parts.slice(0, depth)), join(root, ...parts.slice(0, depth))];
    if (existsSync(join(real, "node_modules"))) await symlink(join(real, "node_modules"), join(copy, "node_modules"), "junction");
  }
  return mirror;
}

/** Options of the compiler: what a cell may do when it runs, and TypeScript's usual strictness. */
function configOf({ typeRoot }: Compiler, places: { readonly root: string; readonly folder: string; readonly files: readonly string[] }): object {
  const own = (specifier: string): string[] => {
    const url = ownModule(specifier);
    return url === undefined ? [] : [fileURLToPath(url).replace(/\.js$/, ".d.ts")];
  };
  const entrances = ["tsparallel", "tsparallel/engine", "tsparallel/config", "tsparallel/bakapara"];
  return {
    compilerOptions: {
      noEmit: true,
      strict: true,
      target: "esnext",
      lib: ["esnext"],
      module: "esnext",
      moduleResolution: "bundler",
      moduleDetection: "force",
      allowImportingTsExtensions: true,
      allowJs: true,
      resolveJsonModule: true,
      esModuleInterop: true,
      skipLibCheck: true,
      allowUnusedLabels: true,
      allowUnreachableCode: true,
      typeRoots: [typeRoot],
      types: ["node"],
      rootDirs: [places.root, parse(places.folder).root],
      paths: Object.fromEntries(entrances.map((specifier) => [specifier, own(specifier)])),
    },
    files: places.files,
  };
}

async function run(args: readonly string[], cwd: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  // A group of its own: the compiler's command may start another process, and both are to end.
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"], detached: process.platform !== "win32" });
  let output = "";
  const take = (chunk: Buffer): void => {
    if (output.length < OUTPUT_CHARS_MAX) output += chunk.toString();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const kill = (): void => {
    try {
      process.kill(process.platform === "win32" ? (child.pid ?? 0) : -(child.pid ?? 0), "SIGKILL");
    } catch {
      child.kill("SIGKILL"); // The group is gone already; the child itself perhaps not.
    }
  };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
  limit.addEventListener("abort", kill, { once: true });
  process.once("exit", kill);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", () => resolve());
    });
  } finally {
    limit.removeEventListener("abort", kill);
    process.removeListener("exit", kill);
  }
  signal.throwIfAborted();
  if (limit.aborted) throw new TimeoutError(`checking types took longer than ${WAIT_MS / 1000} s; restart the kernel to begin with fewer cells`);
  return output;
}
