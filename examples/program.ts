// What the examples have in common as programs: options with their meanings, Ctrl-C, the way they end, and how they tell times.

import { mkdir, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";

/** An option of an example: what it means, what it is unless told, and how its text is read. */
export interface Option<T> {
  readonly meaning: string;
  /** What stands in the place of the value, as in `--files=N`; none for a flag. */
  readonly value?: string;
  /** As it would be written. */
  readonly fallback: string;
  readonly read: (text: string, name: string) => T;
}

type Values<Options> = { readonly [Name in keyof Options]: Options[Name] extends Option<infer T> ? T : never };

/** A whole number; refused outside its bounds. */
export function whole(fallback: number, meaning: string, { min = 1, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}): Option<number> {
  const bounds = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  const read = (text: string, name: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max)
      throw new Error(`--${name} must be a whole number ${bounds}, and is ${text === "" ? "empty" : text}`);
    return value;
  };
  return { meaning, value: "N", fallback: String(fallback), read };
}

/** How many engines are started: one for each core, unless told. */
export const engineCount = (least = 1): Option<number> =>
  whole(Math.max(least, availableParallelism()), "engines of the cluster that is started", { min: least, max: 64 });

/** One of some words. */
export function choice<const Word extends string>(words: readonly Word[], fallback: NoInfer<Word>, meaning: string): Option<Word> {
  const read = (text: string, name: string): Word => {
    const word = words.find((one) => one === text);
    if (word === undefined) throw new Error(`--${name} must be one of ${words.join(", ")}, and is ${text}`);
    return word;
  };
  return { meaning, value: words.join("|"), fallback, read };
}

/** A text, as it is given. */
export const text = (fallback: string, meaning: string, value = "TEXT"): Option<string> => ({ meaning, value, fallback, read: (given) => given });

/** A folder, as an absolute path. */
export const folder = (fallback: string, meaning: string): Option<string> => ({ meaning, value: "DIR", fallback, read: (given) => resolve(given) });

/** An option without a value: true when it is given. */
export const flag = (meaning: string): Option<boolean> => ({ meaning, fallback: "", read: (given) => given === "true" });

/**
 * Reads the command line; `--help` prints the options and ends the program.
 *
 * @throws Error for an option that there is not, or a value that cannot be
 */
export function readOptions<const Options extends Readonly<Record<string, Option<unknown>>>>(
  options: Options,
  args: string[] = process.argv.slice(2),
): Values<Options> {
  const spell = (name: string): string => `--${name}${options[name]?.value === undefined ? "" : `=${options[name].value}`}`;
  const kinds = Object.entries(options).map(([name, { value }]) => [name, { type: value === undefined ? "boolean" : "string" }] as const);
  let given: Readonly<Record<string, string | boolean | undefined>>;
  try {
    given = parseArgs({ args, options: { ...Object.fromEntries(kinds), help: { type: "boolean" } } }).values;
  } catch (error) {
    const [fact] = (error as Error).message.split(/[.\n]/);
    throw new Error(`${fact}; the options are ${Object.keys(options).map(spell).join(" ")}`, { cause: error });
  }
  if (given["help"] === true) {
    for (const [name, { meaning, fallback }] of Object.entries(options))
      console.log(`${spell(name).padEnd(24)} ${meaning}${fallback === "" ? "" : ` (${fallback})`}`);
    process.exit(0);
  }
  const read = Object.entries(options).map(([name, option]) => [name, option.read(String(given[name] ?? option.fallback), name)]);
  return Object.fromEntries(read) as Values<Options>;
}

/**
 * Makes a folder, and those above it that are missing. Not by `mkdir`'s own `recursive`: that one never ends below `/proc`.
 *
 * @throws Error that says why it cannot be made
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isFolder = async (place: string): Promise<boolean> => (await stat(place).catch(() => undefined))?.isDirectory() === true;
    if (code === "EEXIST" && (await isFolder(path))) return;
    if (code !== "ENOENT" || (await isFolder(dirname(path)))) throw new Error(`cannot make the folder ${path}: ${message}`, { cause });
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/** What Ctrl-C is told as. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * Runs an example. A failure is one line and exit status 1. Ctrl-C aborts the signal, and is told when the work has ended by that, with
 * exit status 130; a second Ctrl-C ends the program at once.
 */
export async function runExample(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Interrupted("interrupted; everything was stopped"));
  process.once("SIGINT", interrupt);
  process.stdout.on("error", interrupt); // nobody reads any more, as in `… | head`
  try {
    await work(interrupted.signal);
  } catch (error) {
    const told: unknown = interrupted.signal.aborted ? interrupted.signal.reason : error;
    console.error(`${name}: ${told instanceof Error ? told.message : String(told)}`);
    process.exitCode = told instanceof Interrupted ? 130 : 1;
  } finally {
    process.off("SIGINT", interrupt);
    process.stdout.off("error", interrupt);
  }
}

export interface Timed<T> {
  readonly value: T;
  readonly ms: number;
}

/** Does something, and tells how long it took. */
export async function timed<T>(work: () => T | Promise<T>): Promise<Timed<T>> {
  const began = performance.now();
  const value = await work();
  return { value, ms: performance.now() - began };
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** A whole number with its thousands apart. */
export const count = (n: number): string => n.toLocaleString("en");

/** Lines of a table: columns as wide as their widest cell, the first to the left, the others to the right. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ")).join("\n");
}
