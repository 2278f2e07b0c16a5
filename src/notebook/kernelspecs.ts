// Finding kernels as Jupyter finds them: directories with a `kernel.json` under its data directories, the first of a name
// counts. This package's own kernel is there even if it was never installed.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { ConfigError } from "../base/index.ts";
import { resolveIpythonDir } from "../config/index.ts";
import { HISTORY_VARIABLE, jupyterDataDir, type JupyterPlaces } from "../kernel/index.ts";
import { isDict, type Dict } from "../wire/index.ts";

/** How a kernel is started and spoken with. */
export interface KernelSpec {
  readonly name: string;
  readonly displayName: string;
  /** As Jupyter names it: `python`, `typescript`. */
  readonly language: string;
  /** The command, with `{connection_file}` in it. */
  readonly argv: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly interruptMode: "signal" | "message";
  /** The directory of its `kernel.json`; `undefined` for a kernel that was not installed. */
  readonly resourceDir: string | undefined;
  /** Where the environment begins that it was installed in, if that can be told. */
  readonly prefix: string | undefined;
}

/** Directories in which kernels are looked for, first come first served. */
export function kernelDirs(places: JupyterPlaces): string[] {
  const { env, home, platform } = places;
  const given = (env["JUPYTER_PATH"] ?? "").split(delimiter).filter((path) => path !== "");
  const user = [jupyterDataDir(places), join(env["PYTHONUSERBASE"] ?? join(home, ".local"), "share", "jupyter")];
  const environments = prefixes(env).map((prefix) => join(prefix, "share", "jupyter"));
  const system = platform === "win32" ? [] : ["/usr/local/share/jupyter", "/usr/share/jupyter"];
  const kernels = [...given, ...environments, ...user, ...system].map((path) => join(path, "kernels"));
  return [...new Set([...kernels, join(resolveIpythonDir({ env }), "kernels")])];
}

/** Python environments: the active one, then those whose programs are on PATH. */
function prefixes(env: NodeJS.ProcessEnv): string[] {
  const active = [env["VIRTUAL_ENV"], env["CONDA_PREFIX"]].filter((path) => path !== undefined && path !== "");
  const onPath = (env["PATH"] ?? "").split(delimiter).filter((path) => ["jupyter", "python3", "python"].some((name) => isFile(join(path, name))));
  return [...active.map(String), ...onPath.map((path) => dirname(path))];
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** All kernels that can be found, by name. A kernel.json that cannot be read is left out. */
export function listKernels(places: JupyterPlaces, own: KernelSpec): ReadonlyMap<string, KernelSpec> {
  const found = new Map<string, KernelSpec>();
  for (const dir of kernelDirs(places)) {
    for (const entry of entriesOf(dir)) {
      const name = entry.toLowerCase();
      const spec = found.has(name) ? undefined : readSpec(name, join(dir, entry));
      if (spec !== undefined) found.set(name, spec);
    }
  }
  if (!found.has(own.name)) found.set(own.name, own);
  return found;
}

/**
 * Finds a kernel.
 *
 * @throws ConfigError that names those there are
 */
export function findKernel(name: string, kernels: ReadonlyMap<string, KernelSpec>): KernelSpec {
  const spec = kernels.get(name.toLowerCase());
  if (spec !== undefined) return spec;
  throw new ConfigError(`there is no Jupyter kernel "${name}"; ${shownKernels(kernels)}`);
}

/** The kernels that there are, in a sentence's second half. */
export function shownKernels(kernels: ReadonlyMap<string, KernelSpec>): string {
  const names = [...kernels.values()].map(({ name, displayName }) => `${name} (${displayName})`).toSorted();
  return `choose one with --kernel: ${names.join(", ")}`;
}

function entriesOf(dir: string): string[] {
  try {
    return readdirSync(dir).toSorted();
  } catch {
    return []; // Most of the places where kernels may be are not there.
  }
}

function readSpec(name: string, dir: string): KernelSpec | undefined {
  let spec: unknown;
  try {
    spec = JSON.parse(readFileSync(join(dir, "kernel.json"), "utf8"));
  } catch {
    return undefined; // No kernel, or a broken one: it is not offered.
  }
  return isDict(spec) ? kernelSpecOf(name, spec, dir) : undefined;
}

/** Reads the content of a kernel.json; `undefined` when it starts nothing. */
export function kernelSpecOf(name: string, spec: Dict, resourceDir?: string): KernelSpec | undefined {
  const { argv, display_name: displayName, language, env, interrupt_mode: mode } = spec;
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((word): word is string => typeof word === "string")) return undefined;
  const texts = isDict(env) ? Object.entries(env).filter((entry): entry is [string, string] => typeof entry[1] === "string") : [];
  return {
    name,
    displayName: typeof displayName === "string" && displayName !== "" ? displayName : name,
    language: typeof language === "string" ? language : "",
    argv,
    env: Object.fromEntries(texts),
    interruptMode: mode === "message" ? "message" : "signal",
    resourceDir,
    prefix: resourceDir === undefined ? undefined : prefixOf(resourceDir),
  };
}

/** `/venv` of `/venv/share/jupyter/kernels/python3`. */
function prefixOf(resourceDir: string): string | undefined {
  const jupyter = dirname(dirname(resourceDir));
  return jupyter.endsWith(join("share", "jupyter")) ? dirname(dirname(jupyter)) : undefined;
}

/** The command that starts a kernel. */
export function kernelCommand(spec: KernelSpec, connectionFile: string): string[] {
  const values: { readonly [name: string]: string } = {
    connection_file: connectionFile,
    resource_dir: spec.resourceDir ?? "",
    prefix: spec.prefix ?? "",
  };
  const [program = "", ...args] = spec.argv.map((word) => word.replaceAll(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole));
  // Python's own kernelspec names no path: it means the Python beside it. Many runs at a time would quarrel about one history file.
  const history = args.some((word) => word.startsWith("ipykernel")) ? ["--HistoryManager.hist_file=:memory:"] : [];
  return [pythonBeside(program, spec.prefix), ...args, ...history];
}

function pythonBeside(program: string, prefix: string | undefined): string {
  if (prefix === undefined || !/^python(?:3(?:\.\d+)?)?$/.test(program)) return program;
  const path = join(prefix, "bin", program);
  return isFile(path) ? path : program;
}

/** The program that runs a kernel. */
export function kernelProgram(spec: KernelSpec): string {
  return kernelCommand(spec, "")[0] ?? "";
}

/** The environment a kernel is started with; `${NAME}` in its own variables means those of `env`. Our own kernel leaves the user's history alone. */
export function kernelEnvironment(spec: KernelSpec, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(spec.env).map(([name, value]) => [name, value.replaceAll(/\$\{(\w+)\}/g, (_, key: string) => env[key] ?? "")]);
  return { ...env, [HISTORY_VARIABLE]: "none", ...Object.fromEntries(own) };
}
