// Flags that say how a notebook is run, for `notebook run` and for `notebook submit`, which hands them on to a run inside a job.

import { resolve } from "node:path";
import { InvalidArgumentError as InvalidArgument } from "../base/index.ts";
import { parseParameter, type Parameter } from "../core/notebook/index.ts";
import { positiveNumber } from "./cluster-flags.ts";
import { InvalidArgumentError, Option, type Command } from "./program.ts";

const OUTPUT_MIB = 10;

/** How a notebook is run. */
export interface NotebookFlags {
  readonly output?: string;
  readonly inplace?: boolean;
  readonly kernel?: string;
  readonly param?: readonly Parameter[];
  readonly timeout?: number;
  readonly startAt?: number;
  readonly resume?: boolean;
  readonly allowErrors?: boolean;
  readonly stream?: boolean;
  readonly cwd?: string;
  readonly outputLimit: number;
}

/** Adds the flags. */
export function addNotebookFlags(command: Command): Command {
  return command
    .option("-o, --output <path>", "where the executed notebook is written (default: NAME.out.ipynb beside NAME.ipynb)")
    .addOption(new Option("--inplace", "write into the notebook itself").conflicts("output"))
    .option("--kernel <name>", "kernel to use (default: the one the notebook names)")
    .option("--param <name=value>", "set a parameter; JSON or else a text; may be given again", collectParameter)
    .option("--timeout <seconds>", "how long one cell may take (default: for ever)", positiveNumber)
    .option("--allow-errors", "go on after a cell that fails")
    .option("--resume", "begin at the first cell that has not run well in the output of the last run")
    .addOption(new Option("--start-at <n>", "begin at the n-th code cell").argParser(cellNumber).conflicts("resume"))
    .option("--cwd <directory>", "where the kernel runs (default: the notebook's directory)")
    .option("--stream", "show what cells write, while they run")
    .option("--output-limit <MiB>", "what one cell's outputs may have together, in Mi characters", positiveNumber, OUTPUT_MIB);
}

/** Where the executed notebook is written. */
export function outputOf(path: string, { inplace, output }: Pick<NotebookFlags, "inplace" | "output">): string {
  return inplace === true ? path : (output ?? `${path.replace(/\.ipynb$/, "")}.out.ipynb`);
}

/** The arguments of `notebook run` that say the same elsewhere: paths are whole. */
export function notebookArguments(path: string, flags: NotebookFlags): string[] {
  const { kernel, param = [], timeout, startAt, cwd, outputLimit } = flags;
  const word = (flag: string, value: string | number | undefined): string[] => (value === undefined ? [] : [`${flag}=${value}`]);
  return [
    resolve(path),
    `--output=${resolve(outputOf(path, flags))}`,
    ...word("--kernel", kernel),
    ...param.map(({ name, text }) => `--param=${name}=${text}`),
    ...word("--timeout", timeout),
    ...word("--start-at", startAt),
    ...(flags.resume === true ? ["--resume"] : []),
    ...(flags.allowErrors === true ? ["--allow-errors"] : []),
    ...(flags.stream === true ? ["--stream"] : []),
    ...word("--cwd", cwd === undefined ? undefined : resolve(cwd)),
    ...word("--output-limit", outputLimit === OUTPUT_MIB ? undefined : outputLimit),
  ];
}

function collectParameter(text: string, before: readonly Parameter[] | undefined): Parameter[] {
  try {
    return [...(before ?? []), parseParameter(text)];
  } catch (cause) {
    if (cause instanceof InvalidArgument) throw new InvalidArgumentError(cause.message);
    throw cause;
  }
}

function cellNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError("it must be a whole number; code cells are counted from 1.");
  return number;
}
