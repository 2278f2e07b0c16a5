// A user's script may lie where this package is not installed: beside nothing but its data, with the commands installed for the whole
// machine. Its `import "tsparallel"` then finds the copy that runs it. One that is installed where the script lies comes first.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ownModule } from "../execution/index.ts";

/** What users import. */
const ENTRANCES = ["tsparallel", "tsparallel/bakapara", "tsparallel/engine", "tsparallel/config"] as const;

/** How a script is helped to find this package; empty where it finds one itself. */
export interface OwnPackage {
  /** For node, which loads JavaScript itself. */
  readonly nodeArgs: readonly string[];
  /** For jiti, which loads TypeScript and resolves its imports. */
  readonly env: Readonly<Record<string, string>>;
}

/** What the script `file` needs. */
export function ownPackage(file: string): OwnPackage {
  if (isInstalledFor(file)) return { nodeArgs: [], env: {} };
  const urls = Object.fromEntries(ENTRANCES.map((name) => [name, ownModule(name) ?? ""]));
  const paths = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, fileURLToPath(url)]));
  return { nodeArgs: [`--import=${moduleOf(registration(urls))}`], env: { JITI_ALIAS: JSON.stringify(paths) } };
}

function isInstalledFor(file: string): boolean {
  try {
    createRequire(resolve(file)).resolve("tsparallel");
    return true;
  } catch {
    // Nowhere above the script.
    return false;
  }
}

const moduleOf = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

const registration = (urls: Readonly<Record<string, string>>): string =>
  `import { register } from "node:module"; register(${JSON.stringify(moduleOf(resolver(urls)))});`;

const resolver = (urls: Readonly<Record<string, string>>): string =>
  `const own = new Map(Object.entries(${JSON.stringify(urls)}));
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    const url = own.get(specifier);
    if (url === undefined || error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    return { url, format: "module", shortCircuit: true };
  }
}`;
