// Puts the sources of options together. Later wins: default, profile file, environment, command line (or arguments in
// code).

import type { LoadedConfig } from "./load-config.ts";
import { parseValue, type OptionTable, type OptionValues } from "./schema.ts";

/** Where a value came from. */
export type OptionOrigin =
  | { readonly source: "default" }
  | { readonly source: "profile"; readonly file: string }
  | { readonly source: "environment"; readonly variable: string }
  | { readonly source: "flag" };

/** Everything that may set options, except the defaults. */
export interface OptionSources {
  readonly profile?: LoadedConfig;
  /** Default: the process environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Values given on the command line or in code, by full name; `undefined` ones count as not given. */
  readonly given?: { readonly [name: string]: unknown };
}

/** Complete values of a table, each with its origin. */
export interface ResolvedOptions<Table extends OptionTable> {
  readonly values: OptionValues<Table>;
  readonly origins: { readonly [name: string]: OptionOrigin };
}

/**
 * The value of each option of a table.
 *
 * @throws ConfigError when an environment variable does not fit
 */
export function resolveOptions<const Table extends OptionTable>(table: Table, sources: OptionSources): ResolvedOptions<Table> {
  const env = sources.env ?? process.env;
  const values: Record<string, unknown> = {};
  const origins: Record<string, OptionOrigin> = {};
  for (const row of table) {
    const set = (value: unknown, origin: OptionOrigin): void => {
      if (value === undefined) return;
      values[row.name] = value;
      origins[row.name] = origin;
    };
    values[row.name] = row.default ?? undefined;
    origins[row.name] = { source: "default" };
    set(sources.profile?.values[row.name], { source: "profile", file: sources.profile?.file ?? "" });
    if (row.env !== undefined) set(fromEnvironment(row, env[row.env]), { source: "environment", variable: row.env });
    set(sources.given?.[row.name], { source: "flag" });
  }
  return { values: values as OptionValues<Table>, origins };
}

function fromEnvironment(row: OptionTable[number], text: string | undefined): unknown {
  if (text === undefined || (text === "" && row.type !== "text")) return undefined;
  return parseValue(row, text, `the environment variable ${row.env ?? ""}`);
}
