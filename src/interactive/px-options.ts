// The options of `%px`, `%%px`, `%pxresult` and `%pxconfig`: the names and meanings of IPython Parallel's.

import { Command, CommanderError, InvalidArgumentError as BadValue, Option } from "commander";
import { InvalidArgumentError } from "../base/index.ts";
import { suggest } from "../config/index.ts";
import type { OutputGroups } from "../client/index.ts";

/** Engines as Python would write them: `all`, `2`, `-1`, `0,2,5`, `1:4`, `::2`. */
export type TargetsText = string;

/** What a magic was told; what it was not told is absent. */
export interface PxOptions {
  readonly targets?: TargetsText;
  /** Waits for the end. */
  readonly block?: boolean;
  /** Shows output as it comes. */
  readonly stream?: boolean;
  readonly groupOutputs?: OutputGroups;
  /** Runs the cell here, too. */
  readonly local?: boolean;
  /** Global that the AsyncResult is put into. */
  readonly out?: string;
  /** Seconds after which progress is shown; negative: never. */
  readonly progressAfter?: number;
  /** Ctrl-C interrupts the engines. */
  readonly signalOnInterrupt?: boolean;
}

/** Where in its line a magic's options end and code begins. */
export interface PxLine {
  readonly options: PxOptions;
  readonly code: string;
}

const GROUPS: readonly OutputGroups[] = ["engine", "type", "order"];
const TARGETS = /^(all|-?\d+(,-?\d+)*|(-?\d+)?:(-?\d+)?(:(-?\d+)?)?)$/;
const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

function command(name: string): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined, outputError: () => undefined })
    .helpOption(false)
    .showSuggestionAfterError(false) // the sentence made below has it
    .allowExcessArguments(false)
    .addOption(
      new Option("-t, --targets <engines>").argParser((text) => {
        if (!TARGETS.test(text)) throw new BadValue("write all, 2, -1, 0,2,5, 1:4 or ::2");
        return text;
      }),
    )
    .option("--block")
    .option("-a, --noblock")
    .option("--stream")
    .option("--no-stream")
    .addOption(new Option("-g, --group-outputs <how>").choices(GROUPS))
    .option("--local")
    .addOption(
      new Option("-o, --out <name>").argParser((text) => {
        if (!NAME.test(text)) throw new BadValue("write the name of a variable");
        return text;
      }),
    )
    .addOption(
      new Option("--progress-after <seconds>").argParser((text) => {
        const seconds = Number(text);
        if (text.trim() === "" || Number.isNaN(seconds)) throw new BadValue("write a number of seconds; -1 is never");
        return seconds;
      }),
    )
    .option("--signal-on-interrupt")
    .option("--no-signal-on-interrupt");
}

/** Options that a value follows. */
const VALUED = new Set(["-t", "--targets", "-g", "--group-outputs", "-o", "--out", "--progress-after"]);

/**
 * Reads the options at the beginning of a line; the rest is code, left as it was written.
 *
 * @param name the magic, for messages: `%px`
 * @throws InvalidArgumentError that names what is wrong
 */
export function readPxLine(name: string, line: string): PxLine {
  const words: string[] = [];
  let rest = line.trimStart();
  while (rest.startsWith("-")) {
    const [word = ""] = /^\S+/.exec(rest) ?? [];
    // What is negated begins code; what looks like a long option is one, or misspelt.
    if (!/^(--[a-z]|-[tago]$)/.test(word)) break;
    words.push(word);
    rest = rest.slice(word.length).trimStart();
    if (!VALUED.has(word)) continue;
    const [value = ""] = /^\S+/.exec(rest) ?? [];
    if (value !== "") words.push(value);
    rest = rest.slice(value.length).trimStart();
  }
  return { options: parse(name, words), code: rest };
}

function parse(name: string, words: readonly string[]): PxOptions {
  const parser = command(name);
  try {
    parser.parse([...words], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) throw new InvalidArgumentError(sentence(name, parser, error));
    throw error;
  }
  // Those with a `--no-` form have a value always: it counts when somebody gave it.
  const given = Object.fromEntries(Object.entries(parser.opts()).filter(([key]) => parser.getOptionValueSource(key) === "cli"));
  const { noblock, ...options } = given;
  return { ...options, ...(noblock === true ? { block: false } : {}) };
}

function sentence(name: string, parser: Command, error: CommanderError): string {
  const text = error.message
    .replace(/^error: /, "")
    .replaceAll("'", '"')
    .replace(/\.$/, "")
    .replace(" is invalid. Allowed choices are ", " is none of ")
    .replace(" is invalid. ", " is invalid; ");
  const word = /"(--?[^" ]+)/.exec(text)?.[1] ?? "";
  const near =
    error.code === "commander.unknownOption"
      ? suggest(
          word,
          parser.options.flatMap(({ long }) => long ?? []),
        )
      : undefined;
  return `${name}: ${text}${near === undefined ? "" : `; did you mean ${near}?`}`;
}
