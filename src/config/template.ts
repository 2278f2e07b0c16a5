// The configuration files of a fresh profile: every option there, commented out, with its meaning, default and unit.

import { open } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../base/index.ts";
import { fileFailure } from "./file-failure.ts";
import { ensureProfile, type ProfileDir } from "./profile.ts";
import type { OptionRow, OptionTable } from "./schema.ts";
import { OPTION_TABLES, type ConfigName } from "./tables.ts";

const ABOUT: Readonly<Record<ConfigName, string>> = {
  ipcluster: "Options of `ipcluster` and of `Cluster.start` in this profile.",
  ipcontroller: "Options of `ipcontroller` in this profile.",
  ipengine: "Options of `ipengine` in this profile.",
};

/** The text of a configuration file in which every option is commented out. */
export function configTemplate(name: ConfigName): string {
  const table: OptionTable = OPTION_TABLES[name];
  const sections = new Map<string, OptionRow[]>();
  for (const row of table) {
    const dot = row.name.indexOf(".");
    const section = dot < 0 ? "" : row.name.slice(0, dot);
    sections.set(section, [...(sections.get(section) ?? []), row]);
  }
  const lines = [
    `// ${ABOUT[name]}`,
    "// Flags win over the environment, the environment over this file.",
    'import { defineConfig } from "tsparallel/config";',
    "",
    "export default defineConfig({",
  ];
  for (const [section, rows] of sections) {
    if (section === "") lines.push(...rows.flatMap((row) => rowLines(row, row.name, "  ")));
    else lines.push(`  ${section}: {`, ...rows.flatMap((row) => rowLines(row, row.name.slice(section.length + 1), "    ")), "  },");
  }
  return `${[...lines, "});"].join("\n")}\n`;
}

function rowLines(row: OptionRow, key: string, indent: string): string[] {
  const notes = [row.doc];
  if (row.unit !== undefined) notes.push(`unit: ${row.unit}`);
  if (row.type === "level") notes.push("one of debug, info, warn, error");
  if (row.choices !== undefined) notes.push(`one of ${row.choices.join(", ")}`);
  if (row.env !== undefined) notes.push(`environment: ${row.env}`);
  return [`${indent}// ${notes.join("; ")}`, `${indent}// ${key}: ${JSON.stringify(row.default ?? example(row))},`];
}

/** Something of the right type for an option without a default. */
function example(row: OptionRow): unknown {
  switch (row.type) {
    case "text":
      return row.choices?.[0] ?? "";
    case "level":
      return "info";
    case "integer":
    case "number":
      return row.min ?? 1;
    case "boolean":
      return false;
    case "list":
      return [];
    case "record":
      return {};
  }
}

/**
 * Creates a profile with its directories and, with `parallel`, its three configuration files. Files that exist are left alone.
 *
 * @returns paths of the files written
 * @throws ConfigError when that is not permitted
 */
export async function createProfile(profile: ProfileDir, options: { readonly parallel: boolean }): Promise<string[]> {
  await ensureProfile(profile);
  if (!options.parallel) return [];
  const written: string[] = [];
  for (const name of Object.keys(OPTION_TABLES) as ConfigName[]) {
    const path = join(profile.path, `${name}_config.ts`);
    if (await writeNew(path, configTemplate(name))) written.push(path);
  }
  return written;
}

async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(text);
    await file.close();
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw new ConfigError(`cannot write ${path}: ${fileFailure(cause)}`, { cause });
  }
}
