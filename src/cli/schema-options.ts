// Command line flags made from option tables.

import { ConfigError } from "../base/index.ts";
import { didYouMean, parseValue, type OptionRow, type OptionTable } from "../config/index.ts";
import { InvalidArgumentError, Option, type Command } from "./program.ts";

/** Adds a flag for each row that has one; `only` limits them by name. */
export function addTableOptions(command: Command, table: OptionTable, only?: readonly string[]): Command {
  for (const row of table) {
    if (row.flag === undefined || (only !== undefined && !only.includes(row.name))) continue;
    const facts = [
      row.default === null || row.type === "boolean" || String(row.default) === "" ? "" : `default ${String(row.default)}`,
      row.env === undefined ? "" : `environment ${row.env}`,
    ];
    const notes = facts.filter((fact) => fact !== "");
    const option = new Option(row.flag, notes.length === 0 ? row.doc : `${row.doc} (${notes.join("; ")})`);
    // A list's flag is repeated, and each time adds one text, commas and all.
    if (row.type === "list") option.argParser((text: string, before: unknown) => [...(Array.isArray(before) ? (before as string[]) : []), text]);
    else if (row.type !== "boolean") option.argParser((text: string) => parseFlag(row, text));
    command.addOption(option);
  }
  return command;
}

function parseFlag(row: OptionRow, text: string): unknown {
  try {
    return parseValue(row, text, "the value");
  } catch (cause) {
    if (cause instanceof ConfigError) throw new InvalidArgumentError(cause.message);
    throw cause;
  }
}

/** Adds the flags of a program that reads a table: those of the profile, the table's (`only` limits them by name), and `--quiet`. */
export function addProgramOptions(command: Command, table: OptionTable, only?: readonly string[]): Command {
  return addProfileOptions(addTableOptions(command, table, only)).option("--quiet", "log errors only");
}

/**
 * Values given on the command line, by full option name: flags, and ipyparallel's `--Class.trait=value`. As log level
 * `--debug` is stronger than `--log-level`, and that is stronger than `--quiet`.
 *
 * @throws ConfigError for an unknown trait
 */
export function givenValues(command: Command, table: OptionTable): Record<string, unknown> {
  const { debug, quiet, set } = command.optsWithGlobals<{ debug?: boolean; quiet?: boolean; set?: string[] }>();
  const given: Record<string, unknown> = quiet === true ? { logLevel: "error" } : {};
  for (const text of set ?? []) setTrait(table, text, given);
  for (const row of table) {
    if (row.flag === undefined) continue;
    const key = new Option(row.flag).attributeName();
    if (command.getOptionValueSource(key) === "cli") given[row.name] = command.getOptionValue(key);
  }
  if (debug === true) given["logLevel"] = "debug";
  return given;
}

function setTrait(table: OptionTable, text: string, given: Record<string, unknown>): void {
  const [trait = "", ...rest] = text.split("=");
  const row = table.find((candidate) => candidate.traits?.includes(trait));
  if (row === undefined) {
    const known = table.flatMap((candidate) => candidate.traits ?? []);
    throw new ConfigError(`unknown option "--${trait}"${didYouMean(trait, known)}`);
  }
  given[row.name] = parseValue(row, rest.join("="), `--${trait}`);
}

/** Flags that choose the profile, the same for every command. */
export function addProfileOptions(command: Command): Command {
  return command
    .option("--profile <name>", "profile to use (default: default)")
    .option("--profile-dir <directory>", "the profile's directory itself")
    .option("--ipython-dir <directory>", "directory of all profiles (default: $IPYTHONDIR or ~/.ipython)");
}

/** The profile flags' values, as `resolveProfile` takes them. */
export function profileChoice(command: Command): {
  readonly profile?: string | undefined;
  readonly profileDir?: string | undefined;
  readonly ipythonDir?: string | undefined;
} {
  const { profile, profileDir, ipythonDir } = command.opts<{ profile?: string; profileDir?: string; ipythonDir?: string }>();
  return { profile, profileDir, ipythonDir };
}
