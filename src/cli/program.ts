// What all commands share: help with examples, version, suggestions, one-sentence errors, exit statuses.

import { Command, CommanderError, Help, Option } from "commander";
import { isParallelError, VERSION } from "../base/index.ts";
import { suggest } from "../config/index.ts";
import { normalizeArgv } from "./argv.ts";
import { EXIT_FAILURE, EXIT_USAGE, ExitError } from "./exit-error.ts";

export { Argument, Command, InvalidArgumentError, Option } from "commander";
export { ExitError } from "./exit-error.ts";

/** What a command is called and how it is used. */
export interface ProgramFacts {
  readonly name: string;
  readonly description: string;
  /** Command lines with an explanation each, shown by `--help`. */
  readonly examples: readonly (readonly [commandLine: string, explanation: string])[];
  /** Further text for the end of the help, e.g. exit statuses. */
  readonly footer?: string;
}

/** Exit statuses that differ from the usual. */
export interface MainOptions {
  /** Wrong use of the command line; default 2. */
  readonly usageExitCode?: number;
  /** The command failed with an error; default 1. */
  readonly failureExitCode?: number;
}

/**
 * A command with `--help`, `--version` and `--debug`. Sub-commands made by `.command()` inherit its ways; the program's own
 * options may stand before or after a sub-command's name (`command.optsWithGlobals()` has them).
 */
export function createProgram(facts: ProgramFacts): Command {
  const program = new Command(facts.name);
  program
    .description(facts.description)
    .version(VERSION, "--version", "show the version and exit")
    .helpOption("-h, --help", "show this help and exit")
    .showSuggestionAfterError(false) // the sentence made below has the suggestion
    .showHelpAfterError(false)
    .exitOverride()
    // Plain text in every case: the help must be the same in a terminal, a pipe and a log.
    .configureOutput({ outputError: () => undefined, getOutHasColors: () => false, getErrHasColors: () => false })
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 120) })
    .option("--debug", "log everything, and show the stack of an error")
    .addOption(new Option("--set <Class.trait=value>", "set an option by ipyparallel's name").argParser(collect).hideHelp());
  addExamples(program, facts.examples, facts.footer);
  return program;
}

const collect = (text: string, before: readonly string[] | undefined): string[] => [...(before ?? []), text];

/** Adds examples to the end of a command's help. */
export function addExamples(command: Command, examples: ProgramFacts["examples"], footer?: string): Command {
  const width = Math.max(0, ...examples.map(([line]) => line.length));
  const lines = examples.map(([line, explanation]) => (width > 60 ? `  ${line}\n      ${explanation}` : `  ${line.padEnd(width)}  ${explanation}`));
  if (lines.length > 0) command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
  if (footer !== undefined) command.addHelpText("after", `\n${footer}`);
  return command;
}

/**
 * Runs a command: parses, performs, prints a failure as one sentence, sets the exit status. Never throws.
 *
 * @param argv arguments without the program's own two (`process.argv.slice(2)`)
 * @returns the exit status, which is also set for the process
 */
export async function main(program: Command, argv: readonly string[] = process.argv.slice(2), options: MainOptions = {}): Promise<number> {
  stopAtClosedPipe();
  const isDebug = argv.includes("--debug");
  let exitCode = 0;
  try {
    await program.parseAsync(normalizeArgv(argv, switchesOf(program)), { from: "user" });
    exitCode = typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (cause) {
    exitCode = report(program, argv, cause, isDebug, options);
  }
  process.exitCode = exitCode;
  return exitCode;
}

function report(program: Command, argv: readonly string[], cause: unknown, isDebug: boolean, options: MainOptions): number {
  if (cause instanceof CommanderError) {
    if (cause.exitCode === 0) return 0;
    // The help that commander shows for a missing sub-command was printed already.
    if (cause.code !== "commander.help") say(program, usageSentence(program, calledCommands(program, argv), cause));
    return cause.code === "commander.help" ? EXIT_FAILURE : (options.usageExitCode ?? EXIT_USAGE);
  }
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const isExpected = isParallelError(error) || error instanceof ExitError;
  if (error.message !== "") say(program, isExpected ? error.message : `unexpected error: ${error.message} (run with --debug for details)`);
  if (isDebug) process.stderr.write(`${detailed(error)}\n`);
  return error instanceof ExitError ? error.exitCode : (options.failureExitCode ?? EXIT_FAILURE);
}

function say(program: Command, sentence: string): void {
  process.stderr.write(`${program.name()}: ${sentence}\n`);
}

/** The error with its stack and the errors beneath it, ten at most. */
function detailed(error: Error): string {
  const parts: string[] = [];
  for (let current: unknown = error; current instanceof Error && parts.length < 10; current = current.cause) parts.push(current.stack ?? current.message);
  return parts.join("\ncaused by ");
}

/** Commander's message as one sentence of ours, with a suggestion where something is misspelt. */
function usageSentence(program: Command, called: readonly Command[], error: CommanderError): string {
  const help = `see \`${called.map((command) => command.name()).join(" ")} --help\``;
  const text = error.message.replace(/^error: /, "").replace(/\.$/, "");
  // What is wrong with a value says the option's own parser; commander's words around it say nothing more.
  const invalid = /^option '([^' ]*)[^']*' argument '.*' is invalid\. (.*)$/s.exec(text);
  if (invalid !== null) return `option ${(invalid[1] ?? "").replace(/,$/, "")}: ${invalid[2] ?? ""}`;
  const word = /'([^']*)'/.exec(text)?.[1];
  const sentence = text.replaceAll("'", '"');
  if (word === undefined) return `${sentence}; ${help}`;
  const candidates =
    error.code === "commander.unknownOption"
      ? flagsOf(called)
      : error.code === "commander.unknownCommand"
        ? (called.at(-1) ?? program).commands.map((command) => command.name())
        : [];
  const best = suggest(word.split("=", 1)[0] ?? word, candidates);
  return best === undefined ? `${sentence}; ${help}` : `${sentence}; did you mean "${best}"?`;
}

/** The program and the sub-commands that its arguments name, outermost first. */
function calledCommands(program: Command, argv: readonly string[]): Command[] {
  const called = [program];
  for (const word of argv) {
    const next = called.at(-1)?.commands.find((command) => command.name() === word);
    if (next !== undefined) called.push(next);
  }
  return called;
}

function allCommands(program: Command): Command[] {
  return [program, ...program.commands.flatMap(allCommands)];
}

/** Flags that may stand where the wrong one stood: others' would be refused in their turn. */
function flagsOf(called: readonly Command[]): string[] {
  const help = new Help();
  return [...new Set(called.flatMap((command) => help.visibleOptions(command).flatMap((option) => option.long ?? [])))];
}

function switchesOf(program: Command): Set<string> {
  const options = allCommands(program).flatMap((command) => command.options);
  return new Set(options.filter((option) => !option.required && !option.optional).flatMap((option) => option.long ?? []));
}

/** `… | head` closes our output early: that is no error, there is just nobody to write for. */
function stopAtClosedPipe(): void {
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== "EPIPE") throw error;
    process.exit(process.exitCode ?? 0);
  };
  if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", onError);
}
