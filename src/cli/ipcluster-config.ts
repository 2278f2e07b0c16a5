// `ipcluster config show`: every option with the value it has here, and where that came from.

import { join } from "node:path";
import { loadConfigFile, OPTION_TABLES, resolveOptions, shownOptions, type ConfigName, type OptionTable, type ShownOption } from "../config/index.ts";
import { clusterRequest } from "./cluster-flags.ts";
import type { Command } from "./program.ts";

/** Runs `ipcluster config show`. */
export async function showConfigCommand(name: ConfigName, command: Command): Promise<void> {
  const { profile, given } = clusterRequest(command);
  const { output, changed = false } = command.opts<{ output: string; changed?: boolean }>();
  const loaded = await loadConfigFile(profile, name);
  const table: OptionTable = OPTION_TABLES[name];
  // The flags are those of `ipcluster start`; the other programs get theirs by `controller.*`, `engine.*` and `*.args`.
  const all = shownOptions(table, resolveOptions(table, { profile: loaded, given: name === "ipcluster" ? given : {} }));
  const options = all.filter(({ origin }) => !changed || origin.source !== "default");
  const file = loaded.file ?? join(profile.path, `${name}_config.ts`);
  if (output === "json") {
    const content = { profile: profile.name, directory: profile.path, program: name, file: loaded.file ?? null, options: options.map(jsonOf) };
    process.stdout.write(`${JSON.stringify(content, null, 2)}\n`);
    return;
  }
  const head = `# ${name}, profile ${profile.name}: ${file}${loaded.file === undefined ? " (not there)" : ""}\n`;
  process.stdout.write(head + textTable(options));
}

function jsonOf({ name, value, origin }: ShownOption): unknown {
  return { name, value: value ?? null, ...origin };
}

function textTable(options: readonly ShownOption[]): string {
  const rows = options.map(({ name, value, origin }) => [name, value === undefined ? "-" : JSON.stringify(value), wordsOf(origin)]);
  const widths = [0, 1].map((column) => Math.min(40, Math.max(0, ...rows.map((row) => row[column]?.length ?? 0))));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`).join("");
}

function wordsOf(origin: ShownOption["origin"]): string {
  return origin.source === "environment" ? `environment (${origin.variable})` : origin.source;
}
