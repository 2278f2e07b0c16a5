// Reads a profile's configuration file: `<program>_config.ts`, `.js`, `.mjs` or `.json`. Code files are loaded by jiti,
// which understands TypeScript on every Node and finds `tsparallel/config` wherever the profile lies.

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../base/index.ts";
import { fileFailure } from "./file-failure.ts";
import type { ProfileDir } from "./profile.ts";
import { checkValue, type OptionTable } from "./schema.ts";
import { didYouMean } from "./suggest.ts";
import { OPTION_TABLES, type ConfigName } from "./tables.ts";

const EXTENSIONS = [".ts", ".mjs", ".js", ".json"] as const;

/** Values by full option name (`controller.ip`). */
export type ConfigValues = Record<string, unknown>;

/** A configuration file's values, and which file it was. */
export interface LoadedConfig {
  /** Absent when the profile has no such file. */
  readonly file: string | undefined;
  readonly values: ConfigValues;
}

/**
 * The options that a profile sets for a program, by full name; `{}` when it has no file.
 *
 * @throws ConfigError when the file cannot be loaded, names an unknown option or has a wrong value
 */
export async function loadProfileConfig(profile: ProfileDir, name: ConfigName): Promise<ConfigValues> {
  return (await loadConfigFile(profile, name)).values;
}

/** As `loadProfileConfig`, with the file's path. */
export async function loadConfigFile(profile: ProfileDir, name: ConfigName): Promise<LoadedConfig> {
  const file = await findConfigFile(profile, name);
  if (file === undefined) return { file, values: {} };
  const content = file.endsWith(".json") ? await loadJson(file) : await loadModule(file);
  return { file, values: readConfig(OPTION_TABLES[name], content, file) };
}

/** The one file there is. Two at once are refused: nobody could tell which of them counts. */
async function findConfigFile(profile: ProfileDir, name: ConfigName): Promise<string | undefined> {
  const paths = EXTENSIONS.map((extension) => join(profile.path, `${name}_config${extension}`));
  const present = await Promise.all(paths.map(isFile));
  const found = paths.filter((_, index) => present[index]);
  if (found.length > 1) throw new ConfigError(`${found.join(" and ")} are there at once; keep one of them`);
  return found[0];
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    // Absent or unreachable: there is no file to read here; a profile that cannot be read is told where it is created.
    return false;
  }
}

async function loadJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new ConfigError(`cannot read ${file}: ${fileFailure(cause)}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${file} is not JSON: ${jsonFault(cause, text)}`, { cause });
  }
}

async function loadModule(file: string): Promise<unknown> {
  const content = await importModule(file);
  if (content === undefined) throw new ConfigError(`${file} has no default export; write \`export default defineConfig({ … })\``);
  return content;
}

/**
 * The default export of a user's TypeScript or JavaScript module; `undefined` when it has none.
 *
 * @throws ConfigError when it cannot be loaded
 */
export async function importModule(file: string): Promise<unknown> {
  // Loaded here and not at the top: most profiles have no such file, and jiti costs more than a program's whole start.
  const { createJiti } = await import("jiti");
  const own = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./public.ts" : "./public.js", import.meta.url));
  const jiti = createJiti(import.meta.url, { fsCache: false, moduleCache: false, alias: { "tsparallel/config": own } });
  let content: unknown;
  try {
    content = await jiti.import(file);
  } catch (cause) {
    throw new ConfigError(`cannot load ${file}: ${moduleFault(cause, file)}`, { cause });
  }
  return typeof content === "object" && content !== null && "default" in content ? content.default : undefined;
}

/**
 * Checks the content of a configuration file against a table and flattens its sections.
 *
 * @throws ConfigError for an unknown option, with a suggestion, or a value that does not fit
 */
export function readConfig(table: OptionTable, content: unknown, file: string): ConfigValues {
  if (!isPlainObject(content)) throw new ConfigError(`${file} must hold an object of options`);
  const rows = new Map(table.map((row) => [row.name, row]));
  const sections = new Set(table.flatMap((row) => (row.name.includes(".") ? [row.name.slice(0, row.name.indexOf("."))] : [])));
  const values: ConfigValues = {};
  const take = (name: string, value: unknown): void => {
    if (value === undefined) return;
    const row = rows.get(name);
    if (row === undefined) throw new ConfigError(`unknown option "${name}" in ${file}${didYouMean(name, [...rows.keys(), ...sections])}`);
    values[name] = checkValue(row, value, `option "${name}" in ${file}`);
  };
  for (const [name, value] of Object.entries(content)) {
    if (!sections.has(name)) take(name, value);
    else if (!isPlainObject(value)) throw new ConfigError(`option "${name}" in ${file} must be an object of options`);
    else for (const [inner, innerValue] of Object.entries(value)) take(`${name}.${inner}`, innerValue);
  }
  return values;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with a module, and in which of its lines when it is its syntax: jiti's message says so in a line of its own. */
function moduleFault(cause: unknown, file: string): string {
  const place = cause instanceof Error ? cause.message.split("\n", 2)[1]?.trim() : undefined;
  const [, line, column] = (place?.startsWith(`${file}:`) === true && /^(\d+):(\d+)$/.exec(place.slice(file.length + 1))) || [];
  const fault = firstLine(cause);
  return line === undefined ? fault : `${fault.replace(/^ParseError: /, "")} in line ${line}, column ${column}`;
}

/** Node 20 tells the position only, later ones the line too. */
function jsonFault(cause: unknown, text: string): string {
  const fault = firstLine(cause);
  const position = / at position (\d+)$/.exec(fault);
  return position === null ? fault : `${fault.slice(0, position.index)} in line ${text.slice(0, Number(position[1])).split("\n").length}`;
}

function firstLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.split("\n", 1)[0]?.trim() ?? text;
}
