// Resolved options for people to see: each with its value and where that came from, keys left out.

import type { OptionOrigin, ResolvedOptions } from "./resolve.ts";
import type { OptionTable } from "./schema.ts";
import { OPTION_TABLES } from "./tables.ts";

/** Stands in the place of a key's value. */
export const HIDDEN = "(not shown)";

/** An option as it is shown. */
export interface ShownOption {
  readonly name: string;
  /** `undefined`: none, the program decides. */
  readonly value: unknown;
  readonly origin: OptionOrigin;
}

const SECRETS = Object.values(OPTION_TABLES).flatMap((table: OptionTable) => table.filter((row) => row.isSecret === true));
const SECRET_TRAIT = new RegExp(
  `^--(?:${SECRETS.flatMap((row) => row.traits ?? [])
    .join("|")
    .replaceAll(".", String.raw`\.`)})(?==|$)`,
);
/** Names in a record whose values are nobody's business: options of a user's own launcher may hold such. */
const SECRET_NAME = /key|secret|password|passphrase|token|credential/i;

/** The options of a table in its order. Values of keys are replaced, also those among further arguments and in records. */
export function shownOptions<Table extends OptionTable>(table: Table, { values, origins }: ResolvedOptions<Table>): ShownOption[] {
  return table.map((row) => {
    const value: unknown = (values as Readonly<Record<string, unknown>>)[row.name];
    return {
      name: row.name,
      value: row.isSecret === true && value !== undefined ? HIDDEN : withoutSecrets(value),
      origin: origins[row.name] ?? { source: "default" },
    };
  });
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown, at) => argumentWithoutSecret(item, value[at - 1]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, SECRET_NAME.test(name) ? HIDDEN : withoutSecrets(inner)]));
}

/** `--Session.key=…`, or what stands behind `--Session.key`. */
function argumentWithoutSecret(argument: unknown, before: unknown): unknown {
  if (typeof argument !== "string") return withoutSecrets(argument);
  if (typeof before === "string" && SECRET_TRAIT.test(before) && !before.includes("=")) return HIDDEN;
  return SECRET_TRAIT.test(argument) && argument.includes("=") ? `${argument.slice(0, argument.indexOf("="))}=${HIDDEN}` : argument;
}
