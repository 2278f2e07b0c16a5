// The kernelspec: how Jupyter's programs find this kernel and start it. One directory with `kernel.json` and logos, under
// one of Jupyter's data directories, which are found by Jupyter's own rules.

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, VERSION } from "../base/index.ts";
import { fileFailure, makeDirectory } from "../config/index.ts";
import { isDict, type Dict } from "../wire/index.ts";
import { LOGO_FILES } from "./logos.ts";

/** Name under which Jupyter knows the kernel. */
export const KERNEL_NAME = "typescript";

/** Variable that keeps the kernel from writing to the user's history when it is `none`: in runs that nobody types. */
export const HISTORY_VARIABLE = "TSPARALLEL_KERNEL_HISTORY";

/** What the directories depend on. */
export interface JupyterPlaces {
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/** Where to install. */
export type KernelspecTarget = { readonly type: "user" } | { readonly type: "prefix"; readonly prefix: string } | { readonly type: "environment" };

/** The user's data directory: `$JUPYTER_DATA_DIR`, else the platform's place. */
export function jupyterDataDir({ env, platform, home }: JupyterPlaces): string {
  const given = env["JUPYTER_DATA_DIR"] ?? "";
  if (given !== "") return given;
  if (platform === "darwin") return join(home, "Library", "Jupyter");
  if (platform === "win32") return (env["APPDATA"] ?? "") === "" ? join(home, ".jupyter", "data") : join(env["APPDATA"] as string, "jupyter");
  const xdg = env["XDG_DATA_HOME"] ?? "";
  return join(xdg === "" ? join(home, ".local", "share") : xdg, "jupyter");
}

/**
 * The kernelspec's directory.
 *
 * @throws ConfigError when no Python environment is active and one is meant
 */
export function kernelspecDir(target: KernelspecTarget, places: JupyterPlaces): string {
  if (target.type === "user") return join(jupyterDataDir(places), "kernels", KERNEL_NAME);
  const prefix = target.type === "prefix" ? target.prefix : environmentPrefix(places.env);
  return join(prefix, "share", "jupyter", "kernels", KERNEL_NAME);
}

function environmentPrefix(env: NodeJS.ProcessEnv): string {
  const prefix = [env["VIRTUAL_ENV"], env["CONDA_PREFIX"]].find((path) => path !== undefined && path !== "");
  if (prefix === undefined)
    throw new ConfigError("no Python environment is active (VIRTUAL_ENV, CONDA_PREFIX); activate one, or give its directory with --prefix");
  return prefix;
}

/** Content of `kernel.json`. */
export function kernelspec(node: string, script: string): Dict {
  return {
    // Without the option, interrupting a cell at a bad moment may end the kernel.
    argv: [node, "--no-force-async-hooks-checks", script, "kernel", "start", "-f", "{connection_file}"],
    display_name: "TypeScript (tsparallel)",
    language: "typescript",
    interrupt_mode: "message",
    metadata: { debugger: false, tsparallel: VERSION },
  };
}

/**
 * Writes the kernelspec.
 *
 * @param replaces also takes the place of another program's kernelspec of that name
 * @throws ConfigError when the directory cannot be written, or holds another program's kernelspec
 */
export async function installKernelspec(dir: string, spec: Dict, replaces: boolean): Promise<void> {
  const found = await readSpec(dir);
  if (found !== undefined && !isOurs(found) && !replaces) throw new ConfigError(`${dir} holds another program's kernelspec; give --force to replace it`);
  try {
    await makeDirectory(dir);
    await writeFile(join(dir, "kernel.json"), `${JSON.stringify(spec, null, 2)}\n`);
    for (const [name, content] of Object.entries(LOGO_FILES)) await writeFile(join(dir, name), content);
  } catch (cause) {
    throw new ConfigError(`cannot write the kernelspec to ${dir}: ${fileFailure(cause)}; choose another place with --user or --prefix DIR`, { cause });
  }
}

/**
 * Removes the kernelspec.
 *
 * @throws ConfigError when there is none, or another program's, or it cannot be removed
 */
export async function uninstallKernelspec(dir: string): Promise<void> {
  const found = await readSpec(dir);
  if (found === undefined) throw new ConfigError(`there is no kernelspec in ${dir}; \`jupyter kernelspec list\` says where there are some`);
  if (!isOurs(found)) throw new ConfigError(`the kernelspec in ${dir} is another program's; remove it with \`jupyter kernelspec remove ${KERNEL_NAME}\``);
  try {
    await rm(dir, { recursive: true });
  } catch (cause) {
    throw new ConfigError(`cannot remove ${dir}: ${fileFailure(cause)}`, { cause });
  }
}

const isOurs = (spec: Dict): boolean => isDict(spec["metadata"]) && typeof spec["metadata"]["tsparallel"] === "string";

async function readSpec(dir: string): Promise<Dict | undefined> {
  let text: string;
  try {
    text = await readFile(join(dir, "kernel.json"), "utf8");
  } catch {
    return undefined; // None, or out of reach: writing will tell which.
  }
  try {
    const spec: unknown = JSON.parse(text);
    return isDict(spec) ? spec : {};
  } catch {
    return {}; // A broken one is nobody's of ours.
  }
}
