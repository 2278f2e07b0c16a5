// The form of an option: one row tells its name, type, default, unit and meaning, and everything else (command line
// flags, environment, profile files, help, the reference page, TypeScript types) is made from the rows.

import { ConfigError } from "../base/index.ts";
import { parseLogLevel, type LogLevel } from "../log/index.ts";

/** What a value may be. `level` is a log level; `list` a list of texts; `record` a nested object that its user checks. */
export type OptionType = "text" | "integer" | "number" | "boolean" | "level" | "list" | "record";

/** One option. */
export interface OptionRow {
  /** camelCase; a dot leads into a section: `controller.ip`. */
  readonly name: string;
  readonly type: OptionType;
  /** Value when nobody says otherwise; `null`: none, the program decides (the doc tells how). */
  readonly default: string | number | boolean | readonly string[] | null;
  /** What it means to the user, one or two sentences without a full stop at the end. */
  readonly doc: string;
  /** `ms`, `s`, `bytes`, `engines` …; absent for plain texts and switches. */
  readonly unit?: string;
  /** The only texts allowed. */
  readonly choices?: readonly string[];
  /** Least number allowed. */
  readonly min?: number;
  /** Greatest number allowed. */
  readonly max?: number;
  /** Flag of the command line in commander's form: `-n, --n <count>`; absent: not on the command line. */
  readonly flag?: string;
  /** Environment variable that sets it. */
  readonly env?: string;
  /** Names of ipyparallel's traits that set it: `--IPController.ip=…`. */
  readonly traits?: readonly string[];
  /** Its value is a key: shown to nobody. */
  readonly isSecret?: boolean;
}

/** A table of options. */
export type OptionTable = readonly OptionRow[];

type Widened<Row extends OptionRow> = Row extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : Row["type"] extends "text"
    ? string
    : Row["type"] extends "integer" | "number"
      ? number
      : Row["type"] extends "boolean"
        ? boolean
        : Row["type"] extends "level"
          ? LogLevel
          : Row["type"] extends "list"
            ? readonly string[]
            : { readonly [key: string]: unknown };

type Resolved<Row extends OptionRow> = Row["default"] extends null ? Widened<Row> | undefined : Widened<Row>;

/** The complete values of a table, by full name: what programs work with. */
export type OptionValues<Table extends OptionTable> = { readonly [Row in Table[number] as Row["name"]]: Resolved<Row> };

/** What a user may write in a profile file for a table without sections. */
export type FlatOptions<Table extends OptionTable> = {
  readonly [Row in Table[number] as Row["name"] extends `${string}.${string}` ? never : Row["name"]]?: Widened<Row>;
};

/** Names of a table's sections. */
export type SectionName<Table extends OptionTable> = Table[number]["name"] extends infer Name
  ? Name extends `${infer Section}.${string}`
    ? Section
    : never
  : never;

/** What a user may write in the section `Section` of a profile file. */
export type SectionOptions<Table extends OptionTable, Section extends string> = {
  readonly [Row in Table[number] as Row["name"] extends `${Section}.${infer Rest}` ? Rest : never]?: Widened<Row>;
};

/**
 * Checks a value against its row; gives it back in its one form (`"WARNING"` becomes `"warn"`).
 *
 * @param where for the message: `option "hwm" in …/ipcontroller_config.ts`
 * @throws ConfigError when it does not fit
 */
export function checkValue(row: OptionRow, value: unknown, where: string): unknown {
  const refuse = (expected: string): never => {
    throw new ConfigError(`${where} must be ${expected}, not ${shown(value)}`);
  };
  switch (row.type) {
    case "text":
      if (typeof value !== "string") return refuse(row.choices === undefined ? "a text" : oneOf(row.choices));
      if (row.choices !== undefined && !row.choices.includes(value)) return refuse(oneOf(row.choices));
      return value;
    case "integer":
    case "number":
      return isNumberOf(row, value) ? value : refuse(numberKind(row));
    case "boolean":
      return typeof value === "boolean" ? value : refuse("true or false");
    case "level":
      return (
        (typeof value === "string" || typeof value === "number" ? parseLogLevel(String(value)) : undefined) ??
        refuse("one of debug, info, warn, error (or 10 to 50)")
      );
    case "list":
      return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : refuse("a list of texts");
    case "record":
      return typeof value === "object" && value !== null && !Array.isArray(value) ? value : refuse("an object");
  }
}

/**
 * Reads a value from a text, as the command line and the environment give it.
 *
 * @throws ConfigError when it does not fit
 */
export function parseValue(row: OptionRow, text: string, where: string): unknown {
  switch (row.type) {
    case "text":
    case "level":
      return checkValue(row, text, where);
    case "integer":
    case "number": {
      const number = text.trim() === "" ? Number.NaN : Number(text);
      return checkValue(row, Number.isNaN(number) ? text : number, where);
    }
    case "boolean":
      return checkValue(row, parseBoolean(text) ?? text, where);
    case "list":
      return parseList(text, where);
    case "record":
      return checkValue(row, parseJson(text), where);
  }
}

/** Reads a switch as people write it: true/false, yes/no, on/off, 1/0 in any case. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (["true", "yes", "on", "1"].includes(word)) return true;
  if (["false", "no", "off", "0", ""].includes(word)) return false;
  return undefined;
}

/** A list is a JSON array (Python's quotes are fine) or texts between commas. */
function parseList(text: string, where: string): readonly string[] {
  if (!text.trimStart().startsWith("[")) return text === "" ? [] : text.split(",").map((item) => item.trim());
  const value = parseJson(text) ?? parseJson(text.replaceAll("'", '"'));
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new ConfigError(`${where} must be a list of texts, not ${shown(text)}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the check that follows refuses it with the option's name.
    return undefined;
  }
}

function isNumberOf(row: OptionRow, value: unknown): boolean {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (row.type === "integer" && !Number.isSafeInteger(value)) return false;
  return value >= (row.min ?? -Infinity) && value <= (row.max ?? Infinity);
}

function numberKind(row: OptionRow): string {
  const kind = row.type === "integer" ? "a whole number" : "a number";
  const unit = row.unit === undefined ? "" : ` of ${row.unit}`;
  if (row.min !== undefined && row.max !== undefined) return `${kind}${unit} from ${row.min} to ${row.max}`;
  return row.min === undefined ? `${kind}${unit}` : `${kind}${unit} of at least ${row.min}`;
}

const oneOf = (choices: readonly string[]): string => `one of ${choices.join(", ")}`;

/** A value in a message: short, quoted, never more than a line. */
function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  let text: string;
  try {
    text = JSON.stringify(value) ?? "undefined";
  } catch {
    // A circular value has no text; its kind is enough for the message.
    text = "a circular object";
  }
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
